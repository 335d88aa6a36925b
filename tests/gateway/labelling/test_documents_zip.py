"""Archives are changed part by part, and those built to mislead are refused."""

import io
import struct
import zipfile

import pytest

from gateway.labelling.documents_zip import archive_of, archive_pieces, read_entry
from gateway.labelling.members import LabelError
from gateway.labelling.splice import kept_bytes
from tests.media import archive

_PARTS = {"first.xml": b"<a/>" * 100, "second.bin": bytes(range(256)), "Third.xml": b"x"}


def _changed(data: bytes, **changed: bytes) -> bytes:
    file = io.BytesIO(data)
    names = {name.replace("_", "."): content for name, content in changed.items()}
    pieces = archive_pieces(archive_of(file), names)
    return b"".join(each if isinstance(each, bytes) else b"".join(kept_bytes(file, each)) for each in pieces)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_other_parts_stay_byte_for_byte(method: int) -> None:
    """Compressed as they were; the changed part is another, the new one is last, and a stranger finds no fault."""
    old = archive(_PARTS, method)
    new = _changed(old, first_xml=b"changed", new_xml=b"new")
    with zipfile.ZipFile(io.BytesIO(new)) as read:
        assert read.testzip() is None
        assert {name: read.read(name) for name in read.namelist()} == {
            **_PARTS,
            "first.xml": b"changed",
            "new.xml": b"new",
        }
    second = archive_of(io.BytesIO(old)).find("SECOND.BIN")
    assert second is not None
    assert old[second.start : second.end] in new


def test_nothing_changed_is_the_same_archive() -> None:
    """Down to what stands in front and the comment behind."""
    held = io.BytesIO(archive(_PARTS))
    with zipfile.ZipFile(held, "a") as written:
        written.comment = b"a comment"
    assert _changed(held.getvalue()) == held.getvalue()


def test_sizes_behind_the_data_belong_to_their_entry() -> None:
    """Programs that write to a pipe put them there."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

        def seek(self, *_: int) -> int:
            raise OSError

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w") as written:
        for name, content in _PARTS.items():
            written.writestr(name, content)
    with zipfile.ZipFile(io.BytesIO(_changed(pipe.getvalue(), Third_xml=b"y"))) as read:
        assert read.testzip() is None
        assert read.read("second.bin") == _PARTS["second.bin"]


def test_a_bomb_is_unpacked_no_further_than_its_bound() -> None:
    """Whatever its head says."""
    data = archive({"bomb": bytes(10_000_000)})
    file = io.BytesIO(data.replace(struct.pack("<I", 10_000_000), struct.pack("<I", 10)))
    entry = archive_of(file).find("bomb")
    assert entry is not None
    with pytest.raises(LabelError, match="more than 50000 bytes"):
        read_entry(file, entry, 50_000)


def _flagged(data: bytes) -> bytes:
    return data.replace(b"PK\x03\x04\x14\0\0", b"PK\x03\x04\x14\0\1").replace(
        b"PK\x01\x02\x14\x03\x14\0\0", b"PK\x01\x02\x14\x03\x14\0\1"
    )


def _moved(data: bytes) -> bytes:
    """Return an archive in which the second entry is said to begin where the first does."""
    at = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    return data[: at + 42] + bytes(4) + data[at + 46 :]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PK\x03\x04", "no whole zip"),
        (archive({}), "empty"),
        (archive(_PARTS)[:-30], "no whole zip"),
        (_flagged(archive({"a": b"b"})), "encrypted"),
        (_moved(archive(_PARTS)), "overlap"),
        (archive({"a.xml": b"1", "A.xml": b"2"}), "two entries of one name"),
        (archive(_PARTS).replace(b"PK\x01\x02", b"PK\x01\x03"), "directory is damaged"),
        (archive(_PARTS)[:-6] + b"\xff\xff\xff\xff\0\0", "64-bit"),
        (archive(_PARTS)[:-6] + b"\xff\xff\xff\x7f\0\0", "directory is damaged"),
    ],
)
def test_what_misleads_is_refused(data: bytes, reason: str) -> None:
    """Programs disagree on what such archives hold."""
    with pytest.raises(LabelError, match=reason):
        archive_of(io.BytesIO(data))


def test_other_ways_of_packing_are_refused() -> None:
    """Office programs do not use them, and each is one more that bombs could use."""
    file = io.BytesIO(archive({"a": b"b"}, zipfile.ZIP_BZIP2))
    entry = archive_of(file).find("a")
    assert entry is not None
    with pytest.raises(LabelError, match="do not use"):
        read_entry(file, entry, 100)
