"""The running texts of a stream, kept apart."""

import pytest

from filters.findings import Finding, Known, Stage
from gateway.protocol.channels import Channels, Owed, StreamShapeError
from gateway.protocol.dialects.base import Carrier, ChannelKey, Segment, Spelling
from gateway.protocol.gate import Channel
from gateway.protocol.judge import Judge
from gateway.protocol.labels import Position
from gateway.protocol.policy import Policy
from tests.gateway.protocol.playbook import LABEL, given, term

CONTENT: ChannelKey = (0, "content")


def channels(
    *keywords: str, position: Position = Position.END, limit: int = 9, masks: tuple[str, ...] = ()
) -> tuple[Channels, Judge]:
    """Build the channels of a stream."""
    context = given(keywords, masks, position=position)
    made = Channels(context.standing.ruleset, context.standing.labelling, structured=False, limit=limit)
    return made, Judge(Policy(), observe=False)


def segment(
    text: str, key: ChannelKey = CONTENT, carrier: Carrier = Carrier.VISIBLE, *, whole: bool = False
) -> Segment:
    """Build a piece."""
    return Segment(key, carrier, {}, "content", text, whole)


def test_channels_are_matched_apart() -> None:
    """Interleaved texts neither join to a term nor delay one another; counts are over all of them."""
    texts, judge = channels("forbidden")
    assert texts.advance(segment("for"), judge).text == ""
    assert texts.advance(segment("bidden", (1, "content")), judge) == ("bidden", False)
    assert texts.advance(segment("x", (0, "reasoning_content"), Carrier.HIDDEN), judge).text == "x"
    assert (texts.received_characters, texts.released_characters, texts.unfinished) == (10, 7, [0, 1])
    assert texts.advance(segment("bidden"), judge) == ("", True)


def test_a_choice_that_ends_owes_its_texts_and_its_label_once() -> None:
    """Held texts first, then the label; a second end owes nothing."""
    texts, judge = channels("forbidden")
    texts.advance(segment("这是 for"), judge)
    assert texts.finish((0,), judge) == Owed([(CONTENT, "for"), (CONTENT, "\n\n" + LABEL["zh"])])
    assert texts.finish((0,), judge) == Owed([])
    assert texts.finish_all(judge) == Owed([])
    assert (texts.unfinished, texts.label_outcome) == ([], "end")


def test_an_answer_held_to_its_end_gets_both_labels() -> None:
    """A label at the start is not lost when the whole answer was held until it ended."""
    texts, judge = channels("forbidden", position=Position.BOTH)
    assert texts.advance(segment("for"), judge).text == ""
    label = LABEL["en"]
    assert texts.finish_all(judge) == Owed([(CONTENT, f"{label}\n\nfor"), (CONTENT, f"\n\n{label}")])


def test_the_opening_label_stands_before_the_first_visible_text() -> None:
    """White space may come before it; a blocked first text brings no label."""
    texts, judge = channels("forbidden", position=Position.START)
    assert texts.advance(segment("\n"), judge).text == "\n"
    assert not texts.shown
    assert texts.advance(segment("hi forbidden"), judge) == (LABEL["en"] + "\n\nhi ", True)
    first, judge = channels("forbidden", position=Position.START)
    assert first.advance(segment("forbidden"), judge) == ("", True)
    assert (first.label_outcome, first.shown, first.closing_label(0)) == ("none", False, [])


def test_the_label_of_an_answer_in_parts_goes_to_its_part() -> None:
    """A client that joins parts is not handed a bare string."""
    texts, judge = channels()
    key = (0, "content", 0, "text")
    texts.advance(segment("hi", key), judge)
    assert texts.finish((0,), judge) == Owed([(key, "\n\n" + LABEL["en"])])


def test_an_answer_with_tool_calls_is_not_labelled() -> None:
    """A label would stand inside what a program reads."""
    texts, judge = channels()
    texts.advance(segment("let me see"), judge)
    texts.advance(segment("{}", (0, "tool_calls", 0, "function", "arguments"), Carrier.STRUCTURED), judge)
    assert texts.finish((0,), judge) == Owed([])


def test_names_and_ids_are_never_held() -> None:
    """They leave with their frame, and a term over several of their pieces still blocks."""
    texts, judge = channels("forbidden", masks=("abc",))
    key = (0, "tool_calls", 0, "id")
    assert texts.advance(segment("call_for", key, Carrier.STRUCTURED, whole=True), judge) == ("call_for", False)
    assert texts.advance(segment("bidden", key, Carrier.STRUCTURED, whole=True), judge) == ("", True)
    other = (0, "tool_calls", 1, "id")
    assert texts.advance(segment("xabc", other, Carrier.STRUCTURED, whole=True), judge) == ("x***", False)


def test_text_behind_the_end_of_its_choice_is_malformed() -> None:
    """Its beginning may have left already; names that are said again are fine."""
    texts, judge = channels("forbidden")
    texts.advance(segment("for"), judge)
    texts.finish((0,), judge)
    assert texts.advance(segment(""), judge).text == ""
    assert texts.advance(segment("c", (0, "id"), Carrier.HIDDEN, whole=True), judge).text == "c"
    with pytest.raises(StreamShapeError):
        texts.advance(segment("bidden"), judge)


def test_running_texts_are_bounded() -> None:
    """One too many is an error, not memory."""
    texts, judge = channels(limit=1)
    texts.advance(segment("a"), judge)
    texts.advance(segment("b"), judge)
    with pytest.raises(StreamShapeError):
        texts.advance(segment("a", (1, "content")), judge)


def test_token_probabilities_leave_where_their_text_would() -> None:
    """Not while their end may become a term, not where a token that was not chosen would be acted on."""
    texts, judge = channels("forbidden")
    assert texts.spells(Spelling((0,), "so ", ["so", "thus"]), judge)
    assert not texts.spells(Spelling((0,), "for", ["for"]), judge)
    assert texts.spells(Spelling((1,), "bidden", ["bidden"]), judge)
    assert not texts.spells(Spelling((0,), "bidden", []), judge)
    assert not texts.spells(Spelling((0,), "x", ["forbidden"]), judge)
    assert judge.recorded == ()


def test_a_part_that_ends_owes_its_texts_and_no_label() -> None:
    """Another part may follow; the label stands behind the last, when the answer ends."""
    texts, judge = channels("forbidden")
    first, second = (0, 0, "text"), (0, 1, "text")
    texts.advance(segment("one for", first), judge)
    assert texts.finish((0, 0), judge) == Owed([(first, "for")])
    assert texts.unfinished == [0]
    texts.advance(segment("two", second), judge)
    assert texts.finish((0,), judge) == Owed([(second, "\n\n" + LABEL["en"])])
    with pytest.raises(StreamShapeError):
        texts.advance(segment("x", first), judge)


def keeping(*keywords: str, most_shown: int = 99) -> tuple[Channels, Judge]:
    """Build channels that keep what was shown."""
    context = given(keywords, ["mild"])
    made = Channels(
        context.standing.ruleset, context.standing.labelling, structured=False, limit=9, most_shown=most_shown
    )
    return made, Judge(Policy(), observe=False)


def test_what_was_shown_is_said_once_more() -> None:
    """Masks and labels included; what was read is not read again, and one never shown is empty."""
    texts, judge = keeping()
    texts.advance(segment("so mi"), judge)
    texts.advance(segment("ld"), judge)
    assert texts.repeated(segment("so mild"), judge) == ("", False)
    texts.note(CONTENT, " label")
    assert texts.shown_of(CONTENT) == texts.shown_of(CONTENT) == "so **** label"
    assert texts.shown_of((1, "content")) == ""
    assert [each.count for each in judge.recorded] == [1]


def test_a_text_said_whole_without_a_piece_before_begins_and_ends_there() -> None:
    """It is read, masked and complete; a piece behind it is malformed, and an empty one opens nothing."""
    texts, judge = keeping("forbidden")
    assert texts.repeated(segment(""), judge) == ("", False)
    assert texts.repeated(segment("mild for"), judge) == ("**** for", False)
    assert texts.shown_of(CONTENT) == "**** for"
    with pytest.raises(StreamShapeError):
        texts.advance(segment("bidden"), judge)


def test_a_text_said_whole_that_is_blocked_is_not_kept() -> None:
    """What was cleared of it leaves in another frame, or not at all."""
    texts, judge = keeping("forbidden")
    assert texts.repeated(segment("so forbidden"), judge) == ("so ", True)
    assert texts.shown_of(CONTENT) == ""


def test_what_is_kept_is_bounded() -> None:
    """One character too many is an error, not memory; none of its piece is kept."""
    texts, judge = keeping(most_shown=3)
    texts.advance(segment("abc"), judge)
    with pytest.raises(StreamShapeError):
        texts.advance(segment("d"), judge)
    assert texts.shown_of(CONTENT) == "abc"


class _AtItsEnd:
    """A stage for which the end of a text makes certain that all of it blocks."""

    def __init__(self) -> None:
        self.size = 0

    @property
    def frontier(self) -> int:
        """Nothing is cleared before the end."""
        return 0

    def feed(self, text: str) -> list[Known]:
        """Wait."""
        self.size += len(text)
        return []

    def finish(self) -> list[Known]:
        """Find it."""
        return [Known(self.size, Finding(Stage.KEYWORDS, "A.1.a", 1, self.size, term("x")))]

    def clear_before(self, at: int) -> int:
        """All of it."""
        return at


def test_the_end_of_a_text_may_stop_the_answer() -> None:
    """What was clear before the finding is owed; the notice brings the label, and later texts are not asked."""
    texts, judge = channels()
    for key in (CONTENT, (1, "content")):
        texts.advance(segment("", key), judge)
        texts._channels[key] = Channel((_AtItsEnd(),))
        texts.advance(segment("abc", key), judge)
    assert texts.finish_all(judge) == Owed([(CONTENT, "a")], blocked=True)
    assert texts.unfinished == [1]


def test_the_end_of_a_name_may_stop_the_answer() -> None:
    """Names end with their frame."""
    texts, judge = channels()
    key = (0, "tool_calls", 0, "id")
    texts.advance(segment("", key, Carrier.STRUCTURED, whole=True), judge)
    texts._channels[key] = Channel((_AtItsEnd(),))
    assert texts.advance(segment("abc", key, Carrier.STRUCTURED, whole=True), judge) == ("a", True)
