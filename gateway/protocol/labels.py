"""AI-content labels on text: the visible sentence, and the seven machine-readable members.

Sources: GB 45438-2025 chapter 5 (a visible label holds an AI element and a generation element), chapter 6 and
Annex E (the seven members; producer and propagator are equal at first writing), Labelling Measures Art. 4 and 5.
The standard names no place for the members in an API answer; the member ``aigc`` and the header are this product's.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from gateway.protocol.fences import Fence

# The accepted strings of chapter 5. It names no English ones, so English labels hold these as well.
_AI_ELEMENT = r"(?:人工智能|AI)"
_GENERATION_ELEMENT = r"(?:生成|合成)"
# A label is a line or a bracketed phrase of its own, not a sentence that happens to speak of generating with AI.
# Around it stands nothing but what Markdown shows or leaves as it is: comments, link targets and the like hide it.
_LABEL_PHRASE = re.compile(
    r"[\s*_#>=·•（(【\[—–-]*(?:本|以上|此|该)?(?:回答|内容|文本|文章|文|回复|答案)?(?:均|全部|部分)?(?:由|系|为|是|经)?\s*"
    + _AI_ELEMENT
    + r"\s*(?:大?模型|技术|助手|辅助|自动|算法)*\s*"
    + _GENERATION_ELEMENT
    + r"(?:合成)?(?:的?内容)?(?:[，,；;、\s]*(?:仅供参考|请[^。！？\n]{2,12}))?"
    + r"(?:[\s·|/]*AI-generated(?: content)?)?[\s*_=·•。.！!）)】\]—–-]*"
)
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_BRACKETS = "（(【["
# A phrase in brackets behind a sentence is one of its own; behind anything else it may be what a "not" is said of.
_BRACKETED = re.compile(f"(?:.*[。！？.!?…]|)[\\s*_]*([{re.escape(_BRACKETS)}][^{re.escape(_BRACKETS)}]*)", re.DOTALL)
_SCALAR = re.compile(r"true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
UNLABELLED = "unlabelled"
"""What the record says of content that left without any label it should have had."""
# How far from the edges of an answer a label is looked for.
_EDGE_CHARACTERS = 64


class Position(StrEnum):
    """Where the visible label stands."""

    END = "end"
    START = "start"
    BOTH = "both"
    INTERFACE = "interface"  # the platform's own pages show it; the gateway writes the members only


@dataclass(frozen=True, slots=True)
class Labelling:
    """How answers are labelled.

    Attributes:
        producer: ``ContentProducer``: provider code or ASCII name.
        position: where the visible label stands.
        texts: visible label per language (``zh``, ``en``).
        agreement: id of the agreement under which the visible label is left out (Labelling Measures, article 9), or
            empty.
    """

    producer: str
    position: Position
    texts: Mapping[str, str]
    agreement: str = ""

    def waived(self, agreement: str) -> "Labelling":
        """Return how answers are labelled for whoever took over the duty to label: the members alone.

        Args:
            agreement: id of their agreement.
        """
        return Labelling(self.producer, Position.INTERFACE, self.texts, agreement)

    def members(self, produce_id: str) -> dict[str, str]:
        """Return the seven members of GB 45438-2025 Annex E in the standard's order.

        Args:
            produce_id: number of this content at the provider; the request id.
        """
        return {
            # Annex E c: a string, the number is wrong; 2 and 3 are for platforms that only suspect.
            "Label": "1",
            "ContentProducer": self.producer,
            "ProduceID": produce_id,
            # Annex E f and i: the two reserved members may be empty, but not missing.
            "ReservedCode1": "",
            "ContentPropagator": self.producer,
            "PropagateID": produce_id,
            "ReservedCode2": "",
        }


class Lack(StrEnum):
    """What a generated file lacks of its label, or of being what it was, and why; a stable code, as in the record."""

    FORMAT = "format"  # it is none of a format that takes labels, so it has no label at all
    METADATA = "metadata"  # it takes no label for programs
    VISIBLE = "visible"  # it takes no label for people
    MANIFEST = "manifest"  # it has all of its label, and a C2PA manifest that no longer fits
    ADDRESS = "address"  # the reply does not hold it
    SIZE = "size"  # it is larger than what is held in memory
    QUEUE = "queue"  # too many others are being labelled
    TIME = "time"  # it was not labelled in time
    FAULT = "fault"  # labelling failed in a way that nobody foresaw


class LabelledFile(NamedTuple):
    """A file as it was labelled: with all of its label, or with what it took; ``lack`` says what is missing."""

    data: bytes
    lack: Lack | None = None


def language_of(text: str) -> str:
    """Return ``zh`` for a text with Chinese characters, else ``en``."""
    # One character is enough: Chinese text is full of Latin words, English text holds hardly any Chinese.
    return "zh" if _CHINESE.search(text) else "en"


def has_elements(text: str) -> bool:
    """Tell whether a label sentence holds both required elements (GB 45438-2025 chapter 5)."""
    return bool(re.search(_AI_ELEMENT, text) and re.search(_GENERATION_ELEMENT, text))


class AnswerText:
    """What has to be known of one visible answer to label it once.

    Args:
        structured: True when JSON was asked for. What is no JSON is labelled all the same: the request alone must not
            be a way round the label.
        verbatim: True when a program takes the answer as it is, such as what is to stand in the middle of a text.

    Attributes:
        verbatim: as given, and true of an answer with tool calls.
        opened: True once the opening label was written.
        closed: True once the closing label was written.
    """

    __slots__ = ("_asked", "_fence", "_head", "_late", "_tail", "closed", "opened", "verbatim")

    def __init__(self, *, structured: bool, verbatim: bool = False) -> None:
        self.verbatim = verbatim
        self.opened = False
        self.closed = False
        self._asked = structured
        self._late = False  # no label may stand in front, so one stands behind, if any
        self._fence: Fence | None = Fence()
        self._head = ""
        self._tail = ""

    def add(self, text: str) -> None:
        """Take what was let go of the answer."""
        # An answer may have any length; a label stands at its edges, so no more is kept.
        if len(self._head) < _EDGE_CHARACTERS:
            self._head += text[: _EDGE_CHARACTERS - len(self._head)]
        self._tail = (self._tail + text)[-_EDGE_CHARACTERS:]
        # Nearly every answer is seen to be no block of code by its first word.
        if self._fence is not None:
            self._fence.feed(text)
            if not self._fence.alone:
                self._fence = None

    @property
    def empty(self) -> bool:
        """True while nothing but white space was shown."""
        # Both, since the head may be full of white space while text follows.
        return not self._head.strip() and not self._tail.strip()

    @property
    def present(self) -> bool:
        """True when the answer carries a visible label of its own as its first or last line."""
        if not (_names_ai(self._head) or _names_ai(self._tail)):
            return False  # nearly every answer; the expression costs a hundred times this look
        first, *more = self._head.lstrip().split("\n")
        # A first line that goes on behind what is kept may say anything there.
        ended = more or len(self._head) < _EDGE_CHARACTERS
        last = self._tail.strip().split("\n")[-1]
        return bool((ended and _is_label(first)) or _is_label(last))

    @property
    def bare(self) -> bool:
        """True when a visible label would break the answer as it is now: a program reads it."""
        code = self._fence is not None and self._fence.opened
        return self.verbatim or code or (self._asked and _is_json(self._head.strip(), self._tail.rstrip()))

    def opening(self, labelling: Labelling) -> str:
        """Return the label to write before the first visible text, or nothing."""
        if self.opened or self._late or labelling.position not in (Position.START, Position.BOTH):
            return ""
        # What may become code, JSON or a label of the model's own is not held back to find out: ours stands behind
        # it, if it is none.
        head = self._head.lstrip()
        if (
            self._fence is not None
            or self.verbatim
            or self._begins_label(head)
            or (self._asked and _may_be_json(head))
        ):
            self._late = True
            return ""
        self.opened = True
        return labelling.texts[language_of(self._tail)] + "\n\n"

    def _begins_label(self, head: str) -> bool:
        return head[:1] in _BRACKETS or self.present

    def closing(self, labelling: Labelling) -> str:
        """Return the label to write behind the last visible text, or nothing."""
        due = self._late or labelling.position in (Position.END, Position.BOTH)
        if self.closed or not due or labelling.position is Position.INTERFACE:
            return ""
        # One place is enough (5.1); a second label behind the model's own would only be noise.
        if self.empty or self.bare or self.present:
            return ""
        self.closed = True
        # A paragraph of its own: Markdown would draw it into the list or table an answer ends with.
        return "\n\n" + labelling.texts[language_of(self._tail)]

    def outcome(self, labelling: Labelling) -> str:
        """Return what became of the visible label, as in the record."""
        if self.opened or self.closed:
            return "both" if self.opened and self.closed else "start" if self.opened else "end"
        if self.present:
            return "present"
        if self.empty:
            return "none"
        if labelling.position is Position.INTERFACE:
            return "waived" if labelling.agreement else "interface"
        return "members" if self.bare else UNLABELLED


def _names_ai(text: str) -> bool:
    return "AI" in text or "人工智能" in text


def _is_label(line: str) -> bool:
    """Tell whether a line is a label, or ends with one in brackets."""
    bracketed = _BRACKETED.fullmatch(line)
    return bool(_LABEL_PHRASE.fullmatch(bracketed[1] if bracketed else line))


def _may_be_json(head: str) -> bool:
    return bool(head) and head[0] in '{["-0123456789tfn'


def _is_json(head: str, tail: str) -> bool:
    """Tell by its edges whether a text is JSON (RFC 8259)."""
    # What begins an object or an array is taken for one, also when it was cut: a sentence behind would not mend it.
    if head[:1] in ("{", "["):
        return True
    return _SCALAR.fullmatch(head) is not None or (head[:1] == '"' and tail[-1:] == '"')
