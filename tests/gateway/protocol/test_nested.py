r"""Texts inside texts: escaped terms in streams and in whole texts."""

import json
from typing import Any

import pytest
from hypothesis import given as generate
from hypothesis import settings
from hypothesis import strategies as st

from filters.findings import MOST_FINDINGS, Phase
from filters.keywords import KeywordMatcher
from gateway.protocol.gate import Channel
from gateway.protocol.judge import Judge
from gateway.protocol.nested import LEVELS, NestedStage, scan_nested
from gateway.protocol.policy import Policy
from gateway.protocol.texts import mask_text
from tests.gateway.protocol.playbook import given, term
from tests.gateway.protocol.test_escapes import CUTS, pieces

LETTERS = 'ab冰毒n"\n\\'
TERMS = ["冰毒", "ab", "b冰a", "nab", "a\n", '毒"', "\ufffda", "1b"]
PIECES = [*LETTERS, "\\u51b0", "\\u6bd2", "\\\\u51b0", "\\n", "\\u0061", "\\ud83d", "\\u00", "u", "6", "1", "\\\\"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=10).map("".join)


def matcher(*terms: str) -> KeywordMatcher:
    """Build a matcher."""
    return KeywordMatcher(map(term, terms), Phase.RESPONSE)


def found(text: str, *terms: str) -> list[str]:
    """Return the parts of a whole text in which terms are found."""
    (findings,) = scan_nested(matcher(*terms), [text])
    return [text[each.start : each.end] for each in findings]


def streamed(parts: list[str], keywords: list[str], masks: list[str]) -> tuple[str, bool, Any]:
    """Send a text through a channel; return what leaves, whether it was blocked, and what was recorded."""
    ruleset, judge = given(keywords, masks).standing.ruleset, Judge(Policy(), observe=False)
    channel, out = Channel((NestedStage(ruleset.response.stream),)), ""
    for part in parts:
        released = channel.feed(part, judge)
        out += released.text
        if released.blocked:
            return out, True, judge.recorded
    released = channel.finish(judge)
    return out + released.text, released.blocked, judge.recorded


def escaped(text: str, times: int) -> str:
    """Write every character of a text as an escape, and the escapes in a string of JSON, again and again."""
    text = "".join(f"\\u{ord(char):04x}" for char in text)
    for _ in range(times - 1):
        text = json.dumps(text)[1:-1]
    return text


@pytest.mark.parametrize("times", range(1, LEVELS + 1))
def test_an_escaped_term_is_found_at_every_level(times: int) -> None:
    """In JSON, in JSON in a string of JSON, and so on; the finding covers the spelling and nothing more."""
    text = escaped("冰毒", times)
    assert found(f"<{text}>", "冰毒") == [text]
    assert streamed(list(f"<{text}>"), ["冰毒"], [])[:2] == ("<", True)
    assert streamed(list(f"<{text}>"), [], ["冰毒"])[:2] == (f"<{'*' * len(text)}>", False)


def test_levels_are_bounded() -> None:
    """One level more is not undone: the limit is known, and so is its cost."""
    text = escaped("冰毒", LEVELS + 1)
    assert found(text, "冰毒") == []
    assert streamed([text], ["冰毒"], [])[1] is False


@pytest.mark.parametrize(
    ("text", "terms", "parts"),
    [
        (r"冰\u6bd2", ["冰毒"], [r"冰\u6bd2"]),
        (r'{"q":"\u51b0","r":"毒"}', ["冰毒"], []),
        (r'"a\"b"', ['a"b'], [r"a\"b"]),
        (r"\nude", ["nude"], [r"\nude"]),
        (r"x\u0031b", ["31b"], [r"\u0031b"]),
        (r"\u51b0", ["51"], [r"\u51b0"]),
        (r"\\nude", ["nude"], [r"\\nude", "nude"]),
        (r"冰毒\n冰毒", ["冰毒"], ["冰毒", "冰毒"]),
        (r"冰毒\\n冰毒", ["冰毒"], ["冰毒", "冰毒"]),
        ("C:\\x", ["x"], ["x"]),
    ],
)
def test_what_is_found_and_how_wide(text: str, terms: list[str], parts: list[str]) -> None:
    """Never cut inside an escape of the level it is read at; strings of JSON beside each other stay apart."""
    assert found(text, *terms) == parts


def test_several_texts_keep_their_findings() -> None:
    """Texts with and without escapes, each with its own findings."""
    texts = ["冰毒", "plain", r"\u51b0毒", r"\n"]
    spans = [[(each.start, each.end) for each in findings] for findings in scan_nested(matcher("冰毒"), texts)]
    assert spans == [[(0, 2)], [], [(0, 7)], []]


def test_past_the_bound_doubles_still_count() -> None:
    """A text that was not read to its end must not look as if it had been."""
    text = "ab" * (MOST_FINDINGS + 10) + r"\n"
    (findings,) = scan_nested(matcher("ab"), [text])
    assert len(findings) > MOST_FINDINGS


@generate(TEXTS, st.sets(st.sampled_from(TERMS), max_size=4), CUTS)
@settings(max_examples=600, deadline=None)
def test_a_stream_finds_what_a_scan_finds(text: str, terms: set[str], cuts: list[int]) -> None:
    """However it is cut: the same findings, each said once and when its text is there."""
    engine = matcher(*terms)
    stage, known, size = NestedStage(engine.stream), [], 0
    for piece in pieces(text, cuts):
        size += len(piece)
        said = stage.feed(piece)
        assert all(each.at <= size for each in said)
        assert stage.pending == size - stage.frontier >= 0
        known += said
    known += stage.finish()
    spans = sorted((each.finding.start, each.finding.end, each.finding.term.text) for each in known)
    (whole,) = scan_nested(engine, [text])
    assert spans == sorted((each.start, each.end, each.term.text) for each in whole)


@generate(TEXTS, st.sets(st.sampled_from(TERMS), max_size=3), st.sets(st.sampled_from(TERMS), max_size=3), CUTS)
@settings(max_examples=600, deadline=None)
def test_output_does_not_depend_on_the_cutting(
    text: str, keywords: set[str], masks: set[str], cuts: list[int]
) -> None:
    """The same text leaves, the same block falls, the same is recorded; unblocked, all but the masks leaves."""
    blocks, covers = sorted(keywords), sorted(masks - keywords)
    whole = streamed([text] if text else [], blocks, covers)
    assert streamed(pieces(text, cuts), blocks, covers) == whole
    assert streamed(list(text), blocks, covers) == whole
    out, blocked, _ = whole
    (findings,) = scan_nested(matcher(*covers), [text])
    masked = mask_text(text, [(each.start, each.end) for each in findings])
    assert masked.startswith(out)
    assert blocked == any(scan_nested(matcher(*blocks), [text]))
    assert blocked or out == masked


JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.text('冰毒ab\n"\\n', max_size=6) | st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=2),
    max_leaves=6,
)


@generate(JSON_VALUES, st.booleans(), st.integers(0, 2), CUTS)
@settings(max_examples=500, deadline=None)
def test_a_mask_leaves_json_valid(value: object, ascii_only: bool, nested: int, cuts: list[int]) -> None:  # noqa: FBT001 a parameter of the law
    """However deep it is written as a string of JSON, it is read back, and no term is in it any more."""
    for _ in range(nested):
        value = json.dumps(value, ensure_ascii=ascii_only)
    text = json.dumps(value, ensure_ascii=ascii_only)
    out, _, _ = streamed(pieces(text, cuts), [], ["冰毒", "ab"])
    read: Any = json.loads(out)
    for _ in range(nested):
        read = json.loads(read)
    written = json.dumps(read, ensure_ascii=False)
    assert "冰毒" not in written
    assert "ab" not in written


def test_text_before_the_first_escape_is_read_with_it() -> None:
    """A term that begins plain and goes on escaped, far into a text, is held from its beginning on."""
    assert streamed(["x" * 5000 + "冰", "\\u6b", "d2"], ["冰毒"], [])[:2] == ("x" * 5000, True)
    assert streamed(["ab" * 2000, "冰", "\\u6b", "d3"], ["冰毒"], [])[:2] == ("ab" * 2000 + r"冰\u6bd3", False)


def test_clean_text_is_delayed_by_an_unfinished_escape_only() -> None:
    """What cannot become an escape leaves at once."""
    stage = NestedStage(matcher("冰毒").stream)
    frontiers = []
    for piece in ("plain", "\\", "x", "\\u5", "1b0", "\\n", "!", "走"):
        stage.feed(piece)
        frontiers.append(stage.frontier)
    # Behind the whole escape a 冰 is held, since a 毒 may follow, also behind signs.
    assert frontiers == [5, 5, 7, 7, 7, 7, 7, 17]


def test_what_is_remembered_is_bounded() -> None:
    """An endless text of escapes leaves no trail behind."""
    stage = NestedStage(matcher("冰毒").stream)
    for _ in range(2000):
        stage.feed(r"\u51b0\u6bd2\n")
    assert len(stage._said) < 10
    assert len(stage._reader._places) < 10
