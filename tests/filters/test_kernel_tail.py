"""The tail of a stream where the kernel was built: what is kept of it, and how it goes on."""

import pytest

from filters.findings import Term
from filters.kernel_lexicon import KernelLexicon
from filters.kernel_tail import KernelTail, new_tail
from filters.lexicon import Lexicon
from filters.tail import Tail

TERMS = [Term("甲乙甲乙丁", "A.1.a"), Term("aabb", "A.1.b"), Term("f@ke", "A.1.c"), Term("妈妈", "A.1.d")]


def test_a_stream_has_the_tail_of_its_lexicon() -> None:
    """One that the kernel reads, where there is one."""
    assert isinstance(new_tail(KernelLexicon(TERMS)), KernelTail)
    assert isinstance(new_tail(Lexicon(TERMS)), Tail)


@pytest.mark.parametrize(
    ("pieces", "passing", "begin", "start"),
    [
        (["天", "好"], [True, True], 1, None),
        (["天甲", "，乙"], [True, True], 1, 1),
        (["甲", "*********", "乙"], [True, True, True], 10, None),
        (["甲", "乙甲乙丁"], [True, False], 4, None),
        (["天！", "好"], [False, False], 2, None),  # what a sign stands in is read with it
        (["妈", "妈"], [False, False], 0, 0),  # a place that grows
    ],
)
def test_nearly_every_piece_passes(pieces: list[str], passing: list[bool], begin: int, start: int | None) -> None:
    """Unless something is proposed; then it is read as ever, and the tail is the same."""
    tail, window, passed = KernelTail(KernelLexicon(TERMS)), "", []
    for piece in pieces:
        base, window = len(window), window + piece
        passed.append(tail.passes(piece, base, window, 0))
        if not passed[-1]:
            tail.feed(piece, base, window, 0)
    assert (passed, tail.begin, tail.start) == (passing, begin, start)


def test_a_place_that_grows_is_found_once_it_has_grown() -> None:
    """And not at all where the text ends before."""
    lexicon = KernelLexicon(TERMS)
    tail = KernelTail(lexicon)
    assert tail.feed("好妈", 0, "好妈", 0) == []
    again = tail.resumed(tail.state)
    ((_, place),) = tail.feed("妈", 2, "好妈妈", 0)
    assert (place.start, place.end) == (1, 3)
    again.finish()
    assert again.feed("妈", 2, "好妈妈", 0) == []


def test_a_window_may_begin_anywhere() -> None:
    """Offsets are those of the text, and the gap before the piece counts."""
    tail = KernelTail(KernelLexicon(TERMS), (100, 100, None))
    ((_, place),) = tail.feed("乙甲乙丁", 103, "天甲**乙甲乙丁"[1:], 100)
    assert (place.start, place.end) == (100, 107)
