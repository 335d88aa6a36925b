"""The stream gate over one running text."""

from collections.abc import Sequence

from hypothesis import given as generate
from hypothesis import settings
from hypothesis import strategies as st

from filters.findings import MOST_FINDINGS, Action, Finding, Known, Phase, Stage, Term
from gateway.protocol.gate import Channel, Released
from gateway.protocol.judge import Judge
from gateway.protocol.policy import Policy
from tests.filters.occurrences import exactly, occurrences
from tests.gateway.protocol.playbook import given, term


def channel(blocked: Sequence[str | Term], masks: Sequence[str] = ()) -> tuple[Channel, Judge]:
    """Build a channel over keywords."""
    ruleset = given(blocked, masks).standing.ruleset
    return Channel((ruleset.response.stream(),)), Judge(Policy(), observe=False)


class Trailing:
    """A stage that clears the text late and finds what it is told to."""

    def __init__(self, lag: int, finding: Finding | None = None) -> None:
        self.lag, self.finding, self.size = lag, finding, 0

    @property
    def frontier(self) -> int:
        """A fixed number of characters behind."""
        return max(0, self.size - self.lag)

    def feed(self, text: str) -> list[Known]:
        """Report the finding when its end has come."""
        before, self.size = self.size, self.size + len(text)
        due = self.finding and before < self.finding.end <= self.size
        return [Known(self.finding.end, self.finding)] if self.finding and due else []

    def finish(self) -> list[Known]:
        """Report the finding at the end of the text, where that came before its own."""
        return [Known(self.size, self.finding)] if self.finding and self.finding.end > self.size else []

    def clear_before(self, at: int) -> int:
        """The frontier as it was there."""
        return max(0, at - self.lag)


def test_what_may_become_a_term_is_held() -> None:
    """The suffix that could grow into a term waits for the next piece, and leaves when it cannot."""
    gate, judge = channel(["forbidden"])
    assert gate.feed("this is for", judge) == Released("this is ")
    assert gate.held == "for"
    assert gate.feed("mal", judge) == Released("formal")
    assert (gate.held, gate.released) == ("", 14)


def test_a_block_lets_go_of_what_was_clear_before_it() -> None:
    """Nothing of the term and nothing behind it leaves; the channel keeps nothing."""
    gate, judge = channel(["forbidden"])
    assert gate.feed("well, FORbid", judge) == Released("well, ")
    assert gate.feed("den and more", judge) == Released("", blocked=True)
    assert (gate.held, gate.released) == ("", 6)


def test_the_earliest_possible_term_holds_a_block_back() -> None:
    """At a block, text that could still have been the beginning of a longer term stays held."""
    gate, judge = channel(["xabcy", "bc"])
    assert gate.feed("__xabc", judge) == Released("__", blocked=True)


def test_a_mask_over_pieces_is_written_once_it_is_known() -> None:
    """A mask that spans pieces covers exactly its characters, also where a longer term held it."""
    gate, judge = channel([], ["ab", "abcd"])
    assert [gate.feed(piece, judge).text for piece in ("xa", "b", "c", "e", "ab")] == ["x", "", "", "**ce", ""]
    assert gate.finish(judge) == Released("**")


@generate(
    st.lists(st.text("ab甲", max_size=5), max_size=8), st.lists(st.text("ab甲", min_size=1, max_size=4), max_size=4)
)
@settings(max_examples=1000, deadline=None)
def test_masks_keep_the_length_for_every_cutting(pieces: list[str], masks: list[str]) -> None:
    """Masked text has the length of the text, and differs from it in the spans of the terms alone."""
    gate, judge = channel([exactly(term(each, Action.MASK)) for each in masks])
    out = "".join(gate.feed(piece, judge).text for piece in pieces) + gate.finish(judge).text
    text = "".join(pieces)
    spans = occurrences(text, masks)
    assert out == "".join("*" if any(a <= at < b for a, b in spans) else char for at, char in enumerate(text))


def test_the_slowest_stage_sets_the_frontier() -> None:
    """Only what every stage has cleared goes out."""
    judge = Judge(Policy(), observe=False)
    gate = Channel((Trailing(2), Trailing(5)))
    assert gate.feed("abcdefgh", judge) == Released("abc")
    assert gate.feed("", judge) == Released("")
    assert gate.finish(judge) == Released("defgh")


def test_all_that_ends_where_a_block_falls_is_recorded() -> None:
    """Every stage and list that speaks at that place is in the record; what ends later is not judged."""
    rows = [term("ab", Action.BLOCK, "A.1.a"), term("b", Action.FLAG, "A.1.b"), term("ab", Action.BLOCK, "A.1.c")]
    gate = Channel((given([*rows, term("c", risk="A.1.d")]).standing.ruleset.response.stream(),))
    judge = Judge(Policy(), observe=False)
    assert gate.feed("xabc", judge) == Released("x", blocked=True)
    assert [each.risk for each in judge.recorded] == ["A.1.a", "A.1.c", "A.1.b"]


def test_the_end_of_a_text_may_make_a_block_certain() -> None:
    """What only the end settles is settled there: nothing of it leaves."""
    judge = Judge(Policy(), observe=False)
    gate = Channel((Trailing(4, Finding(Stage.KEYWORDS, "A.1.a", 3, 9, term("cd"))),))
    assert gate.feed("abcdef", judge) == Released("ab")
    assert gate.finish(judge) == Released("", blocked=True)
    assert (gate.held, judge.blocked_in) == ("", Phase.RESPONSE)


def test_a_late_finding_behind_the_frontier_still_blocks() -> None:
    """A stage may find what has begun before its frontier; nothing more leaves than was cleared."""
    judge = Judge(Policy(), observe=False)
    finding = Finding(Stage.KEYWORDS, "A.1.a", 2, 4, term("cd"))
    gate = Channel((Trailing(0, finding), Trailing(3)))
    assert gate.feed("abcdef", judge) == Released("a", blocked=True)
    assert judge.blocked_in is Phase.RESPONSE


def test_a_running_text_full_of_terms_is_stopped() -> None:
    """The bound counts over the whole text, so it falls at the same place however the text was cut."""
    words = "bad " * (MOST_FINDINGS + 10)
    (whole, first), (pieces, second) = channel([], ["bad"]), channel([], ["bad"])
    at_once = whole.feed(words, first)
    text, blocked = "", False
    for start in range(0, len(words), 1000):
        if not blocked:
            released = pieces.feed(words[start : start + 1000], second)
            text, blocked = text + released.text, released.blocked
    assert (at_once.text, at_once.blocked) == (text, blocked) == ("*** " * MOST_FINDINGS, True)
