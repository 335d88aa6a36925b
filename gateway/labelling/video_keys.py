"""The label among the metadata of an MP4 or QuickTime file: `moov.udta.meta`, key `AIGC` (TC260-PG-20257A).

Sources: the QuickTime File Format specification, "Metadata" (handler `mdta`, names in `keys`, values in `ilst` under
the number of their name). Titles and the like of Apple's `mdir` handler stay in their own `meta`.
"""

import struct
from collections.abc import Iterator

from gateway.labelling.members import LabelError
from gateway.labelling.video_boxes import Box, children, make_box

_KEY = b"AIGC"
_UTF8 = 1
_KEYS_HEAD_BYTES = 8
_MOST_KEYS = 10_000


def labelled_moov(content: bytes, label: bytes) -> bytes:
    """Return the content of a `moov` with this label and no other.

    Args:
        content: as it is in the file, without the box's head.
        label: JSON text.

    Raises:
        LabelError: it is damaged where metadata stand.
    """
    parts, placed = [], False
    for box in children(content):
        if box.kind == b"udta":
            parts.append(make_box(b"udta", _user_data(content[box.body : box.end], None if placed else label)))
            placed = True
        elif box.kind == b"meta":
            parts.append(_metadata(content, box, None))
        else:
            parts.append(content[box.start : box.end])
    if not placed:
        parts.append(make_box(b"udta", _new_metadata(label)))
    return b"".join(parts)


def labels_in(content: bytes) -> list[bytes]:
    """Return the labels in the content of a `moov`.

    Raises:
        LabelError: it is damaged where metadata stand.
    """
    found: list[bytes] = []
    for box in children(content):
        if box.kind == b"meta":
            found += _labels_of(content, box)
        elif box.kind == b"udta":
            inner = content[box.body : box.end]
            for each in children(inner):
                if each.kind == b"meta":
                    found += _labels_of(inner, each)
    return found


def _user_data(content: bytes, label: bytes | None) -> bytes:
    boxes = children(content)
    keyed = [box for box in boxes if box.kind == b"meta" and _handler(content, box) == b"mdta"]
    parts = []
    for box in boxes:
        mine = label if keyed and box == keyed[0] else None
        parts.append(_metadata(content, box, mine) if box.kind == b"meta" else content[box.start : box.end])
    if label is not None and not keyed:
        # Behind all others: readers that take the first `meta` for the titles go on finding them.
        parts.append(_new_metadata(label))
    return b"".join(parts) + content[boxes[-1].end if boxes else 0 :]


def _inner(content: bytes, box: Box) -> tuple[int, list[Box]]:
    """Return where the boxes in a `meta` begin, and these: QuickTime has no version and flags in front of them."""
    plain = content[box.body + 4 : box.body + 8] == b"hdlr"
    start = box.body if plain else min(box.body + 4, box.end)
    return start, children(content, start, box.end)


def _handler(content: bytes, box: Box) -> bytes:
    handler = next((each for each in _inner(content, box)[1] if each.kind == b"hdlr"), None)
    return content[handler.body + 8 : handler.body + 12] if handler else b""


def _metadata(content: bytes, box: Box, label: bytes | None) -> bytes:
    """Return a `meta` with this label, or without any."""
    start, boxes = _inner(content, box)
    names = _names(content, boxes)
    numbers = [number for number, name in enumerate(names, 1) if _is_key(name)]
    if label is not None and not numbers:
        names = [*names, (b"mdta", _KEY)]
    number = numbers[0] if numbers else len(names)
    parts = []
    for each in boxes:
        if each.kind == b"ilst":
            parts.append(_items(content, each, frozenset(numbers), number, label))
        elif each.kind == b"keys" and label is not None:
            parts.append(_keys(names))
        else:
            parts.append(content[each.start : each.end])
    kinds = {each.kind for each in boxes}
    if label is not None and b"keys" not in kinds:
        parts.append(_keys(names))
    if label is not None and b"ilst" not in kinds:
        parts.append(make_box(b"ilst", _item(number, label)))
    return make_box(b"meta", content[box.body : start], *parts)


def _names(content: bytes, boxes: list[Box]) -> list[tuple[bytes, bytes]]:
    keys = next((each for each in boxes if each.kind == b"keys"), None)
    if keys is None:
        return []
    if keys.end - keys.body < _KEYS_HEAD_BYTES:
        raise LabelError("the list of metadata keys is damaged")
    found = [(each.kind, content[each.body : each.end]) for each in children(content, keys.body + 8, keys.end)]
    if len(found) > _MOST_KEYS:
        raise LabelError("the file has more metadata keys than any program writes")
    return found


def _is_key(name: tuple[bytes, bytes]) -> bool:
    # Some write it in the reverse-domain manner that QuickTime keys usually have.
    return name[1].rpartition(b".")[2].upper() == _KEY


def _keys(names: list[tuple[bytes, bytes]]) -> bytes:
    return make_box(b"keys", struct.pack(">II", 0, len(names)), *(make_box(space, name) for space, name in names))


def _item(number: int, label: bytes) -> bytes:
    return make_box(struct.pack(">I", number), make_box(b"data", struct.pack(">II", _UTF8, 0), label))


def _items(content: bytes, box: Box, old: frozenset[int], number: int, label: bytes | None) -> bytes:
    kept = [
        content[each.start : each.end]
        for each in children(content, box.body, box.end)
        if int.from_bytes(each.kind) not in old and not _is_freeform(content, each)
    ]
    return make_box(b"ilst", *kept, *(() if label is None else (_item(number, label),)))


def _is_freeform(content: bytes, item: Box) -> bool:
    """Tell the label in the form of Apple's player, where a box inside the item names it."""
    if item.kind != b"----":
        return False
    return any(
        each.kind == b"name" and content[each.body + 4 : each.end].upper() == _KEY
        for each in children(content, item.body, item.end)
    )


def _labels_of(content: bytes, box: Box) -> Iterator[bytes]:
    _, boxes = _inner(content, box)
    keys = {number for number, name in enumerate(_names(content, boxes), 1) if _is_key(name)}
    for items in (each for each in boxes if each.kind == b"ilst"):
        for item in children(content, items.body, items.end):
            if int.from_bytes(item.kind) not in keys and not _is_freeform(content, item):
                continue
            for data in children(content, item.body, item.end):
                if data.kind == b"data":
                    yield content[data.body + 8 : data.end]


def _new_metadata(label: bytes) -> bytes:
    handler = make_box(b"hdlr", struct.pack(">II4s12xB", 0, 0, b"mdta", 0))
    return make_box(b"meta", bytes(4), handler, _keys([(b"mdta", _KEY)]), make_box(b"ilst", _item(1, label)))
