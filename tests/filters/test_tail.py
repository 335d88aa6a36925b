"""The tail of a stream: what is kept of it, what is handed to the automata again."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.findings import Term
from filters.lexicon import Lexicon, Match
from filters.tail import Tail


class Counting(Lexicon):
    """A lexicon that counts the characters automata read."""

    read = 0

    def find(self, skeleton: str, classes: str) -> list[Match]:
        """Count, and find."""
        self.read += len(classes)
        return super().find(skeleton, classes)


def tail(*terms: str, signs: bool = False) -> Tail:
    """Build the tail of a stream over terms."""
    return Tail(Lexicon(Term(term, "A.1.a") for term in terms), signs=signs)


def feed(tail: Tail, *pieces: str) -> list[tuple[int, int]]:
    """Feed pieces; return the places."""
    found, text = [], ""
    for piece in pieces:
        base, text = len(text), text + piece
        found += [(place.start, place.end) for _, place in tail.feed(piece, base, text, 0)]
    return found


@pytest.mark.parametrize(
    ("pieces", "kept", "start"),
    [
        (["it is for"], "for", 6),
        (["it is", " ", "for"], "for", 6),
        (["it is fox"], "x", None),
        (["f-o-r"], "for", 0),
        (["for", "-" * 8], "for", 0),
        (["for", "-" * 9], "", None),
        (["forbiddeN"], "n", None),
        (["xfff"], "fff", 1),
        (["f" * 100], "f" * 32, 68),
        (["fo" + "r" * 33], "r" * 32, None),
    ],
)
def test_only_what_may_become_a_term_is_kept(pieces: list[str], kept: str, start: int | None) -> None:
    """And the last character, since what repeats it is no new match."""
    now = tail("forbidden")
    feed(now, *pieces)
    assert (now.kept, now.start) == (kept, start)


@pytest.mark.parametrize(
    ("term", "pieces", "places"),
    [
        ("good", ["go", "od"], [(0, 4)]),
        ("good", ["go", "x", "od"], []),
        ("abb", ["ab", "b", "b"], [(0, 3)]),
        ("abb", ["ab", "-", "b"], [(0, 4)]),
        ("妈妈", ["妈", "妈", "妈"], [(0, 2)]),
        ("妈妈", ["妈", "-" * 9, "妈"], []),
        ("ab", ["abab", "", "ab"], [(0, 2), (2, 4), (4, 6)]),
        ("ab", ["a", "b", "b", "b"], [(0, 2)]),
        ("abb", ["ab", "b" * 40, "b", "ab", "b"], [(0, 3), (43, 46)]),
    ],
)
def test_a_place_is_found_once(term: str, pieces: list[str], places: list[tuple[int, int]]) -> None:
    """When its last character has come, however often the run of that one goes on."""
    assert feed(tail(term), *pieces) == places


TERMS = ("甲乙丙", "甲乙", "丁丁", "abc", "ab", "丙甲乙丁", "戊", "甲乙丙丁ab", "ab甲乙")
FED = st.lists(st.text("甲乙丙丁戊ab c-Ａ㍿\u200b", min_size=1, max_size=12), max_size=12)


@given(st.sets(st.sampled_from(TERMS), min_size=1), FED)
@settings(max_examples=500, deadline=None)
def test_a_piece_that_passes_is_read_as_any_other(terms: set[str], pieces: list[str]) -> None:
    """And one that does not leaves the tail as it was."""
    one, other = tail(*sorted(terms)), tail(*sorted(terms))
    text = ""
    for piece in pieces:
        base, text, before = len(text), text + piece, one.state
        if one.passes(piece, base):
            assert other.feed(piece, base, text, 0) == []
        else:
            assert one.state is before
            assert one.feed(piece, base, text, 0) == other.feed(piece, base, text, 0)
        assert (list(one.state[1]), *one.state[2:]) == (list(other.state[1]), *other.state[2:])
        assert one.kept == other.kept


@pytest.mark.parametrize(
    ("pieces", "passing"),
    [
        (["丙", "丁戊", "-", "-", "Ａ,丙"], [False, True, True, True, True]),
        (["丙", "-" * 9], [False, False]),
        (["丙", "\u200b", "-"], [False, False, False]),
        (["丙", "㍿"], [False, False]),
        (["丙", "丙"], [False, False]),
        (["丙", "甲", "乙", "丙"], [False, True, True, False]),
        (["丙", "甲乙丙"], [False, False]),
    ],
)
def test_most_pieces_pass(pieces: list[str], passing: list[bool]) -> None:
    """All but the first, long gaps, folds of several characters, repeats, and what may end a term."""
    now, text = tail("甲乙丙"), ""
    for piece, passes in zip(pieces, passing, strict=True):
        base, text = len(text), text + piece
        assert now.passes(piece, base) == passes
        if not passes:
            now.feed(piece, base, text, 0)


def test_an_end_settles_that_a_run_stays_too_short() -> None:
    """What comes behind it does not make the run longer."""
    now = tail("abb")
    assert feed(now, "ab") == []
    now.finish()
    assert now.feed("x", 2, "abx", 0) == []
    assert now.start is None


def test_a_state_can_be_gone_back_to() -> None:
    """As often as one likes, since nothing of it is changed."""
    now = tail("abb", "cash")
    feed(now, "ab")
    state = now.state
    for _ in range(2):
        again = Tail(now._lexicon, state)
        assert [place.end for _, place in again.feed("b", 2, "abb", 0)] == [3]
    signed = Tail(now._lexicon, state, signs=True)
    assert signed.feed("c@sh", 2, "abc@sh", 0) != []


@pytest.mark.parametrize("piece", ["甲", "乙", "甲乙", "甲甲乙", "ab", "a", "x", "-", "a-"])
def test_reading_costs_the_same_at_every_place_of_a_stream(piece: str) -> None:
    """Characters handed to the automata grow with the text and never faster."""
    lexicon = Counting([Term("甲乙甲乙丁", "A.1.a"), Term("aabb", "A.1.b"), Term("abababa", "A.1.c")])
    now, counts = Tail(lexicon), [0]
    for number in range(4_000):
        base = number * len(piece)
        # Only the last characters are at hand, as in a stream that forgets.
        window = piece * 400
        now.feed(piece, base, window, base + len(piece) - len(window))
        if number % 1_000 == 999:
            counts.append(lexicon.read)
    costs = [after - before for before, after in pairwise(counts)]
    assert max(costs[1:]) - min(costs[1:]) <= 32
    assert costs[-1] <= 1_000 * len(piece) * (lexicon.longest + 1)
