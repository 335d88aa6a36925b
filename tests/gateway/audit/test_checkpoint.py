"""Tests of checkpoints: their text has one form, and nothing else is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.checkpoint import Checkpoint, open_checkpoint, origin_of, parse_checkpoint, read_checkpoint
from gateway.audit.note import NoteError, UnknownKeyError
from gateway.audit.tree import EMPTY_ROOT
from tests.gateway.audit.builders import OTHER_SIGNER, SIGNER

_CHECKPOINT = Checkpoint("audit.example/0123456789abcdef", 0, EMPTY_ROOT, 7, 1_795_316_941_000_042)
_TEXT = (
    "audit.example/0123456789abcdef\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    "number 7\ntime 2026-11-22T03:09:01.000042Z\n"
)


def test_text_is_as_described() -> None:
    """Origin, size, root, number and time, a line each."""
    assert _CHECKPOINT.text() == _TEXT
    assert origin_of("audit.example", "0123456789abcdef") == _CHECKPOINT.origin
    assert _CHECKPOINT.log_id == "0123456789abcdef"


@given(
    st.builds(
        Checkpoint,
        st.just("a/b"),
        st.integers(0, 10**18 - 1),
        st.binary(min_size=32, max_size=32),
        st.integers(0, 10**18 - 1),
        st.integers(0, 4 * 10**15),
    )
)
def test_checkpoint_comes_back_from_its_text(checkpoint: Checkpoint) -> None:
    """Reading undoes writing."""
    assert parse_checkpoint(checkpoint.text()) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        _TEXT.replace("\n0\n", "\n00\n"),
        _TEXT.replace("\n0\n", "\n-1\n"),
        _TEXT.replace("\n0\n", f"\n{10**18}\n"),
        _TEXT.replace("hSuFU=", "hSuFV="),
        _TEXT.replace("hSuFU=", "hSuFUA=="),
        _TEXT.replace("number 7", "number 07"),
        _TEXT.replace("number 7\n", ""),
        _TEXT.replace("time ", "Time "),
        _TEXT.replace("-22T", "-32T"),
        _TEXT + "more\n",
        _TEXT.replace("Z\n", "\n"),
        "\n" + _TEXT,
    ],
)
def test_any_other_text_is_refused(text: str) -> None:
    """There is one way to write a checkpoint."""
    with pytest.raises(NoteError):
        parse_checkpoint(text)


def test_checkpoint_is_read_from_its_note() -> None:
    """With a key the signature counts, without one it does not."""
    note = SIGNER.sign(_TEXT)
    assert open_checkpoint(note, [SIGNER.public]) == read_checkpoint(note) == _CHECKPOINT
    with pytest.raises(UnknownKeyError):
        open_checkpoint(note, [OTHER_SIGNER.public])
