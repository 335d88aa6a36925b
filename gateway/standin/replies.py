"""What the stand-in says: from an order to its answers, as pieces of text.

Every text of its own says that it is a stand-in's; only ``[[harm]]``, ``[[mask]]`` and arguments bring in words
that a keyword list should know.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from gateway.standin.order import Cue, Order
from gateway.standin.tokens import is_english, split_across, split_tokens, split_unevenly

# The words of the gateway's default label, for the case of a model that writes one itself: a second must not follow.
LABEL_TEXT = "（内容由AI生成）"
# Terms of the shipped lists, so that the demonstration works before an operator has lists of their own.
HARM_TERM = "出售冰毒"
MASK_TERM = "傻逼"
# Beyond what the gateway holds of a frame, so that its limit is met and not only neared.
HUGE_CHARACTERS = 10 * 1024 * 1024
# Each character may be a frame, and all frames are in memory before the first is sent.
LONGEST_CHARACTERS = 100_000

_ANSWER_ZH = (
    "您好，我是水闸自带的替身模型（sluice-standin），不是真正的语言模型。您的提问共{count}个字，已经收到。"
    "我的回答是事先写好的，只用来演示和测试；接上真实模型之后，这里就会显示它的回答。"
)
_ANSWER_EN = (
    "This is sluice-standin, a stand-in and not a language model. Your {count} characters have arrived; "
    "a real model would answer them here."
)
_CLEAN_ZH = (
    "水闸建在河道上，闸门抬起时水流通过，闸门放下时水位升高。春天雨水多，值班员每天记下水位、流量和天气，再决定闸门开多大。"
    "这段文字由替身模型生成，只用来测试。"
)
_CLEAN_EN = (
    "A sluice is a gate across a channel. When it is raised the water runs through, when it is lowered the level "
    "behind it rises. The keeper notes level and weather each day before opening it. This comes from a stand-in. "
)
_REASONING_ZH = "先想一想：问题已经读完，替身模型没有真正的思考，只按写好的步骤回答。"
_REASONING_EN = "Let me think: the question is read, and a stand-in only follows its script."


class Sentence(NamedTuple):
    """Text on either side of a term."""

    before: str
    after: str


_HARM_ZH = Sentence(
    "好的，先说说天气：今天晴，气温适中，适合散步。另外，这里可以", "，有意者请联系。以上由替身模型生成，用于测试。"
)
_HARM_EN = Sentence(
    "Certainly. The weather is fine today and mild, good for a walk. Besides, here you get ",
    ", just ask. All this comes from a stand-in, for testing.",
)
_MASK_ZH = Sentence("好的，下面转述一句话：他说“", "”，然后走开了。后面的文字照常显示，由替身模型生成。")
_MASK_EN = Sentence(
    "Certainly, this is what was said: “", "”, and then they left. The rest comes from a stand-in as usual."
)


class ToolCall(NamedTuple):
    """One call of a tool.

    Attributes:
        call_id: id within the reply.
        name: name of the tool.
        fragments: the arguments as JSON, in pieces.
    """

    call_id: str
    name: str
    fragments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the answers to an order; each piece is one token.

    Attributes:
        content: the answer's text.
        reasoning: text sent as ``reasoning_content`` before it.
        calls: tool calls, sent instead of content.
    """

    content: tuple[str, ...]
    reasoning: tuple[str, ...] = ()
    calls: tuple[ToolCall, ...] = ()

    @property
    def tokens(self) -> int:
        """Tokens of this answer, reasoning and arguments included."""
        return len(self.content) + len(self.reasoning) + sum(len(call.fragments) for call in self.calls)


def write_choices(order: Order) -> tuple[Choice, ...]:
    """Write as many answers as were ordered, no two alike.

    Raises:
        ValueError: a cue's argument does not fit.
    """
    return tuple(_write_choice(order, index) for index in range(order.choices))


def _write_choice(order: Order, index: int) -> Choice:
    reasoning = _reasoning(order)
    if Cue.TOOLS in order.cues:
        return Choice((), reasoning, _tool_calls(order.cues[Cue.TOOLS], index))
    cue = next((cue for cue in _WRITERS if cue in order.cues), None)
    # Clients that ask for JSON parse the answer, and prose would break them rather than test them.
    if cue is None and order.wants_json:
        cue = Cue.JSON
    pieces = _WRITERS[cue](order) if cue else split_tokens(_answer(order))
    return Choice(_numbered(pieces, index, structured=cue is Cue.JSON), reasoning)


def _numbered(pieces: tuple[str, ...], index: int, *, structured: bool) -> tuple[str, ...]:
    """Tell further choices from the first: a number in front, or behind the object where text must stay JSON."""
    if index == 0:
        return pieces
    return (*pieces, " " * index) if structured else (f"[{index + 1}] ", *pieces)


def _answer(order: Order) -> str:
    template = _ANSWER_EN if is_english(order.prompt) else _ANSWER_ZH
    return template.format(count=len(order.prompt))


def _reasoning(order: Order) -> tuple[str, ...]:
    if Cue.REASONING not in order.cues:
        return ()
    default = _REASONING_EN if is_english(order.prompt) else _REASONING_ZH
    # Across words on purpose: reasoning is scanned too, and terms in it must not arrive whole.
    return split_unevenly(order.cues[Cue.REASONING] or default)


def _tool_calls(text: str, index: int) -> tuple[ToolCall, ...]:
    """Make two parallel calls; the text asked for is an argument of the first."""
    # Two calls, because their fragments come in turns, which is where a gateway confuses them.
    arguments = {"look_up": {"query": text or "水位", "limit": 3}, "keep_note": {"title": "stand-in", "text": "晴"}}
    return tuple(
        ToolCall(f"call_standin_{index}_{number}", name, split_unevenly(orjson.dumps(value).decode()))
        for number, (name, value) in enumerate(arguments.items())
    )


def _around(term: str, chinese: Sentence, english: Sentence) -> tuple[str, ...]:
    """Put a term into the sentence of its language, cut across the term."""
    sentence = english if is_english(term) else chinese
    return split_across(sentence.before, term, sentence.after)


def _json(order: Order) -> tuple[str, ...]:
    answer = {"answer": order.cues.get(Cue.JSON) or _answer(order), "stand_in": True}
    return split_tokens(orjson.dumps(answer).decode())


def _clean(order: Order) -> tuple[str, ...]:
    characters = int(order.number(Cue.LENGTH, 0, LONGEST_CHARACTERS))
    sentence = _CLEAN_EN if is_english(order.prompt) else _CLEAN_ZH
    return split_tokens((sentence * (characters // len(sentence) + 1))[:characters])


def _huge(_: Order) -> tuple[str, ...]:
    # Harmless words: what is tested is the size, not what a list makes of the content.
    return ((_CLEAN_EN * (HUGE_CHARACTERS // len(_CLEAN_EN) + 1))[:HUGE_CHARACTERS],)


# The first cue of this table that an order carries decides on the text.
_WRITERS: dict[Cue, Callable[[Order], tuple[str, ...]]] = {
    Cue.HARM: lambda order: _around(order.cues[Cue.HARM] or HARM_TERM, _HARM_ZH, _HARM_EN),
    Cue.MASK: lambda order: _around(order.cues[Cue.MASK] or MASK_TERM, _MASK_ZH, _MASK_EN),
    Cue.ECHO: lambda order: split_unevenly(order.cues[Cue.ECHO]),
    Cue.JSON: _json,
    Cue.HUGE: _huge,
    Cue.LENGTH: _clean,
    Cue.LABEL: lambda order: split_tokens(_answer(order) + LABEL_TEXT),
}
