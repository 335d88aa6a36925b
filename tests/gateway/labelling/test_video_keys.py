"""The key `AIGC` among metadata of both kinds."""

import struct

import pytest

from gateway.labelling.members import LabelError
from gateway.labelling.video_keys import labelled_moov, labels_in
from tests.media import LABEL, OLDER_LABEL, box


def _handler(kind: bytes) -> bytes:
    return box(b"hdlr", bytes(8), kind, bytes(13))


def _keyed(*pairs: tuple[bytes, bytes], version: bytes = bytes(4)) -> bytes:
    names = b"".join(box(b"mdta", name) for name, _ in pairs)
    items = b"".join(
        box(struct.pack(">I", number), box(b"data", struct.pack(">II", 1, 0), value))
        for number, (_, value) in enumerate(pairs, 1)
    )
    keys = box(b"keys", bytes(4), struct.pack(">I", len(pairs)), names)
    return box(b"meta", version, _handler(b"mdta"), keys, box(b"ilst", items))


_TITLE = box(b"meta", bytes(4), _handler(b"mdir"), box(b"ilst", box(b"\xa9nam", box(b"data", bytes(8), b"Kept"))))
_FREEFORM = box(
    b"----",
    box(b"mean", bytes(4), b"com.apple.iTunes"),
    box(b"name", bytes(4), b"AIGC"),
    box(b"data", bytes(8), OLDER_LABEL),
)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        box(b"udta"),
        box(b"udta", _TITLE),
        box(b"udta", _keyed((b"title", b"Kept"), (b"AIGC", OLDER_LABEL), (b"after", b"also"))),
        box(b"udta", _keyed((b"com.vendor.AIGC", OLDER_LABEL), (b"AIGC", OLDER_LABEL), version=b"")),
        box(b"udta", _keyed((b"AIGC", OLDER_LABEL))) + box(b"udta", _keyed((b"AIGC", OLDER_LABEL))),
        box(b"meta", bytes(4), _handler(b"mdta"), box(b"ilst")) + box(b"udta", _TITLE),
        _keyed((b"AIGC", OLDER_LABEL)) + box(b"udta", box(b"\xa9too", b"x"), bytes(4)),
        box(b"udta", box(b"meta", bytes(4), _handler(b"mdir"), box(b"ilst", _FREEFORM))),
        box(b"udta", box(b"meta", bytes(4), _handler(b"mdta"))),
    ],
)
def test_one_label_comes_out(content: bytes) -> None:
    """Overwritten where it was, new where there was none; what others wrote is kept, and twice is as once."""
    once = labelled_moov(content, LABEL)
    assert list(labels_in(once)) == [LABEL]
    assert OLDER_LABEL not in once
    for kept in (b"Kept", b"also", b"\xa9too"):
        assert once.count(kept) == content.count(kept)
    assert labelled_moov(once, LABEL) == once


def test_items_keep_their_numbers() -> None:
    """A value belongs to a name by its number, so no name goes."""
    content = box(b"udta", _keyed((b"AIGC", OLDER_LABEL), (b"title", b"Kept")))
    assert box(struct.pack(">I", 2), box(b"data", struct.pack(">II", 1, 0), b"Kept")) in labelled_moov(content, LABEL)


@pytest.mark.parametrize(
    "content",
    [box(b"udta", box(b"meta", bytes(4), _handler(b"mdta"), box(b"keys", b"x"))), box(b"udta", b"\0\0\0\x63meta")],
)
def test_damage_is_an_error(content: bytes) -> None:
    """Metadata that cannot be taken apart are not written over."""
    with pytest.raises(LabelError):
        labelled_moov(content, LABEL)
