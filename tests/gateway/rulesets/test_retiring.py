"""The end of a ruleset: its terms go when nobody has them, and not all at once."""

import gc
import weakref

from filters.findings import Term
from gateway.rulesets.retiring import give_back, retire


class _Text(str):
    """A text that can be watched."""

    __slots__ = ("__weakref__",)


def _terms(count: int) -> tuple[tuple[Term, ...], list["weakref.ref[_Text]"]]:
    texts = [_Text(number) for number in range(count)]
    return tuple(Term(text, "A.1.a") for text in texts), [weakref.ref(text) for text in texts]


def test_terms_are_held_as_long_as_somebody_has_them_and_then_freed_in_slices() -> None:
    """As many looks as it takes; then at most a slice between two pauses."""
    terms, watched = _terms(2_000)
    users, left = [terms], list[int]()
    handed = [terms]
    del terms

    def sleep(_seconds: float) -> None:
        left.append(sum(ref() is not None for ref in watched))
        if len(left) == 3:
            users.clear()

    give_back(handed, sleep)
    assert left == [2_000, 2_000, 2_000, 1_500, 1_000, 500, 0]


def test_where_there_are_no_terms_nothing_is_waited_for() -> None:
    """The empty tuple is one for everybody."""
    slept: list[float] = []
    give_back([()], slept.append)
    assert slept == []


def test_it_is_done_beside_everything_else() -> None:
    """In a thread that holds up no end of the process."""
    terms, watched = _terms(10)
    handed = [terms]
    del terms
    thread = retire(handed)
    assert thread.daemon
    thread.join(10)
    gc.collect()
    assert not any(ref() for ref in watched)
