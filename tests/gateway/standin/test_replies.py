"""Tests of `gateway.standin.replies`."""

from itertools import accumulate

import orjson
import pytest

from gateway.standin.order import Cue, Order
from gateway.standin.replies import HARM_TERM, HUGE_CHARACTERS, LABEL_TEXT, MASK_TERM, Choice, write_choices


def write(prompt: str = "", cues: dict[Cue, str] | None = None, choices: int = 1, **options: bool) -> Choice:
    """Write the answers to an order and return the last."""
    return write_choices(Order(prompt, 1, cues or {}, choices=choices, **options))[-1]


@pytest.mark.parametrize(("prompt", "words"), [("水闸是什么？", "替身模型"), ("What is a sluice?", "stand-in")])
def test_plain_answer_says_what_it_is(prompt: str, words: str) -> None:
    """Without a cue the answer is in the prompt's language, of chat length, and says that it is a stand-in's."""
    text = "".join(write(prompt).content)
    assert words in text
    assert "sluice-standin" in text
    assert 80 <= len(text) <= 130


@pytest.mark.parametrize(("cue", "default"), [(Cue.HARM, HARM_TERM), (Cue.MASK, MASK_TERM)], ids=["harm", "mask"])
@pytest.mark.parametrize("term", ["", "some secret", "坏词", "x"])
def test_terms_are_cut(cue: Cue, default: str, term: str) -> None:
    """The term follows an innocent beginning and no piece holds two of its characters."""
    content = write(cues={cue: term}).content
    expected = term or default
    start = "".join(content).index(expected)
    assert start > 10
    ends = list(accumulate(map(len, content)))
    cuts = [end for end in ends if start < end < start + len(expected)]
    assert cuts == list(range(start + 1, start + len(expected)))


def test_echo_is_exact() -> None:
    """An echo is the argument and nothing else, in pieces of up to three characters."""
    content = write(cues={Cue.ECHO: "任意 text\n\n😀"}).content
    assert "".join(content) == "任意 text\n\n😀"
    assert max(map(len, content)) <= 3


@pytest.mark.parametrize("count", [0, 1, 399, 2000])
@pytest.mark.parametrize("prompt", ["", "in English please"])
def test_length_is_exact(prompt: str, count: int) -> None:
    """Clean text has exactly the characters asked for."""
    assert len("".join(write(prompt, {Cue.LENGTH: str(count)}).content)) == count


def test_label_ends_the_text() -> None:
    """A labelled reply ends with the explicit label."""
    assert "".join(write(cues={Cue.LABEL: ""}).content).endswith(LABEL_TEXT)


def test_huge_is_one_piece() -> None:
    """A huge reply is one piece of 10 MiB."""
    assert [len(piece) for piece in write(cues={Cue.HUGE: ""}).content] == [HUGE_CHARACTERS]


@pytest.mark.parametrize("choices", [1, 3])
def test_json_is_an_object(choices: int) -> None:
    """JSON answers parse in every choice, whether asked for by cue or by response format."""
    assert orjson.loads("".join(write("问", wants_json=True, choices=choices).content))["stand_in"] is True
    assert orjson.loads("".join(write(cues={Cue.JSON: "原文"}, choices=choices).content))["answer"] == "原文"


def test_reasoning_comes_besides_content() -> None:
    """Reasoning text is the argument or a text of its own, and the content stays."""
    assert "".join(write("hi", {Cue.REASONING: "想 so"}).reasoning) == "想 so"
    choice = write("hi", {Cue.REASONING: ""})
    assert "stand-in" in "".join(choice.reasoning)
    assert "stand-in" in "".join(choice.content)


def test_tools_are_two_calls() -> None:
    """Two calls with different ids, their arguments JSON in pieces, the argument of the cue inside."""
    first, second = write(cues={Cue.TOOLS: '查"一"下'}).calls
    assert orjson.loads("".join(first.fragments))["query"] == '查"一"下'
    assert orjson.loads("".join(second.fragments))["title"] == "stand-in"
    assert first.call_id != second.call_id
    assert min(len(first.fragments), len(second.fragments)) > 3


@pytest.mark.parametrize("cues", [{}, {Cue.ECHO: "x"}, {Cue.JSON: ""}, {Cue.TOOLS: ""}], ids=str)
def test_choices_differ(cues: dict[Cue, str]) -> None:
    """No two choices of one reply are alike."""
    choices = write_choices(Order("hi", 1, cues, choices=3))
    assert len(set(choices)) == 3


def test_tokens_are_counted_everywhere() -> None:
    """Content, reasoning and arguments all count."""
    choice = write(cues={Cue.ECHO: "abcd", Cue.REASONING: "abc"})
    assert choice.tokens == len(choice.content) + len(choice.reasoning) == 5
    calls = write(cues={Cue.TOOLS: ""})
    assert calls.tokens == sum(len(call.fragments) for call in calls.calls) > 10
