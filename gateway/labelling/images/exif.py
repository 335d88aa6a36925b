"""Labels in EXIF, where some vendors put them: `UserComment` and `ImageDescription`. Read only.

The standard's guide knows XMP alone, so nothing is written here. Source of the structure: TIFF 6.0, EXIF 2.32.
"""

import struct
from collections.abc import Callable, Iterator

from gateway.labelling import traces

_IMAGE_DESCRIPTION, _EXIF_IFD, _USER_COMMENT = 0x010E, 0x8769, 0x9286
_TAGS = frozenset({_IMAGE_DESCRIPTION, _EXIF_IFD, _USER_COMMENT})
_MOST_ENTRIES, _ENTRY_BYTES = 1000, 12
_MOST_VALUE_BYTES = 64 * 1024
# EXIF 2.32 4.6.5: eight bytes say how a comment is encoded.
_ENCODINGS = {b"ASCII\0\0\0": "utf-8", b"UNICODE\0": "utf-16", b"JIS\0\0\0\0\0": "iso2022_jp", b"\0" * 8: "utf-8"}
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1, 13: 4}

Reader = Callable[[int, int], bytes]
"""Returns so many bytes from an offset on, or fewer when there are no more."""


def labels_in(block: bytes) -> list[bytes]:
    """Return the labels in an EXIF block; empty without any, or for a block that is no EXIF.

    Args:
        block: from the byte order mark on, of bounded length.
    """
    return labels_at(lambda at, size: block[at : at + size])


def labels_at(read: Reader) -> list[bytes]:
    """Return the labels in EXIF that is a file of its own.

    Args:
        read: returns bytes from an offset on, fewer when there are no more.
    """
    head = read(0, 8)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 8:  # noqa: PLR2004 a header
        return []
    labels = []
    for tag, value in _entries(read, order, struct.unpack_from(order + "I", head, 4)[0]):
        if tag == _IMAGE_DESCRIPTION:
            labels += traces.labels_in(value.rstrip(b"\0"))
        elif tag == _EXIF_IFD and len(value) >= 4:  # noqa: PLR2004 an offset
            for below, comment in _entries(read, order, struct.unpack_from(order + "I", value)[0]):
                if below == _USER_COMMENT:
                    labels += traces.labels_in(_comment(comment, order))
    return labels


def _entries(read: Reader, order: str, offset: int) -> Iterator[tuple[int, bytes]]:
    count = read(offset, 2)
    if len(count) < 2:  # noqa: PLR2004 a number
        return
    number = min(struct.unpack(order + "H", count)[0], _MOST_ENTRIES)
    table = read(offset + 2, _ENTRY_BYTES * number)
    for place in range(0, len(table) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
        tag, kind, units, inline = struct.unpack_from(order + "HHI4s", table, place)
        length = _TYPE_BYTES.get(kind, 0) * units
        # Only what is asked for: a directory may point at the same megabyte a thousand times.
        if tag not in _TAGS or not 0 < length <= _MOST_VALUE_BYTES:
            continue
        yield tag, inline[:length] if length <= len(inline) else read(struct.unpack(order + "I", inline)[0], length)


def _comment(value: bytes, order: str) -> bytes:
    encoding = _ENCODINGS.get(value[:8])
    if encoding is None:
        return value
    if encoding == "utf-16":
        encoding = "utf-16-le" if order == "<" else "utf-16-be"
        # Many write the other order; the first character of a label is ASCII, so a zero tells.
        if value[8:9] == b"\0":
            encoding = "utf-16-be"
        elif value[9:10] == b"\0":
            encoding = "utf-16-le"
    return value[8:].decode(encoding, "replace").encode("utf-8", "replace")
