"""Whole texts: a request body, and a reply that is not streamed.

Each is a JSON document that is read once, judged as a whole, and encoded again: what leaves is what was scanned, so
duplicate members or an odd encoding cannot show the next reader another text than the one judged here.
"""

from typing import NamedTuple

from filters.findings import MOST_FINDINGS, Action, Findings, Phase, Stage
from gateway.protocol.dialects.base import Answer, Document
from gateway.protocol.documents import read_document
from gateway.protocol.judge import Judge
from gateway.protocol.labels import AnswerText, Labelling
from gateway.protocol.personal import IDENTIFIERS
from gateway.protocol.placeholders import Edit, Vault, write_edits
from gateway.protocol.texts import TextGroup, find_texts


class Texts(NamedTuple):
    """Every text of a document.

    Attributes:
        groups: the texts and where they stand.
        characters: how long they are together.
    """

    groups: tuple[TextGroup, ...]
    characters: int


def texts_of(document: Document, unread: frozenset[str] = frozenset()) -> Texts:
    """Find the texts of a document, but for those in its members that are left unread."""
    groups = tuple(find_texts(document, unread))
    return Texts(groups, sum([len(group.text) for group in groups]))


def judge_texts(phase: Phase, texts: Texts, findings: Findings, judge: Judge, vault: Vault) -> Action:
    """Judge what was found in a document, and write masks and placeholders into it.

    All findings are judged, also behind a block, so that the record names every risk.

    Args:
        phase: half of the exchange.
        texts: what was scanned.
        findings: what was found in each text, in the order of the texts.
        judge: keeps the tally.
        vault: keeps the values that are to be restored.

    Returns:
        The gravest action: ``block``, ``mask`` or ``restore`` (the document was changed) or a milder one.
    """
    gravest = Action.OFF
    if not any(findings):
        return gravest
    # A text made of terms would cost a judgement for each; past the bound it is blocked for that alone.
    if sum(map(len, findings)) > MOST_FINDINGS:
        gravest = judge.overrun(phase)
    for group, found in zip(texts.groups, findings, strict=True):
        edits = []
        for finding in found[:MOST_FINDINGS]:
            # A number that names a thing of the wire format is nobody's, and masked it would name another thing.
            if finding.stage is Stage.PERSONAL_DATA and _is_identifier(group):
                continue
            action = judge.act(phase, finding, maskable=bool(group.parts))
            if action is Action.MASK:
                edits.append(Edit(finding.start, finding.end, None, finding.stage))
            elif action is Action.RESTORE:
                vault.open(each.text for each in texts.groups)
                edits.append(Edit(finding.start, finding.end, finding.term, finding.stage))
            gravest = max(gravest, action, key=_GRAVITY.__getitem__)
        if edits:
            write_edits(group, edits, vault)
    return gravest


def _is_identifier(group: TextGroup) -> bool:
    return len(group.parts) == 1 and group.parts[0].key in IDENTIFIERS


_GRAVITY = {action: rank for rank, action in enumerate(Action)}


def label_answers(answers: list[Answer], labelling: Labelling, *, structured: bool, verbatim: bool = False) -> str:
    """Write the visible label into every answer of a reply; return what became of it (`AnswerText.outcome`).

    Args:
        answers: the answers.
        labelling: how they are labelled.
        structured: True when JSON was asked for.
        verbatim: True when a program takes them as they are.
    """
    outcomes = []
    for answer in answers:
        text = AnswerText(structured=structured, verbatim=verbatim or answer.structured)
        for container, key in answer.places:
            text.add(container[key])
        if not text.empty:
            (first, head), (last, tail) = answer.places[0], answer.places[-1]
            first[head] = text.opening(labelling) + first[head]
            last[tail] += text.closing(labelling)
        outcomes.append(text.outcome(labelling))
    # The record has one value for all choices; `none` only where no choice has another.
    return next((outcome for outcome in sorted(outcomes) if outcome != "none"), "none")


class BufferedReply:
    """A reply that is not streamed, collected up to a bound.

    Args:
        limit_bytes: largest reply taken.
        keeps: True where what came before the bound is still wanted behind it.

    Attributes:
        overflowed: True once it is larger.
    """

    __slots__ = ("_keeps", "_limit_bytes", "_pieces", "_size", "overflowed")

    def __init__(self, limit_bytes: int, *, keeps: bool = False) -> None:
        self._keeps = keeps
        self._limit_bytes = limit_bytes
        self._pieces: list[bytes] = []
        self._size = 0
        self.overflowed = False

    def feed(self, data: bytes) -> None:
        """Take a piece of the body."""
        self._size += len(data)
        if self._size > self._limit_bytes:
            self.overflowed = True
            # Half a document cannot be judged, so none of it is worth its memory.
            if not self._keeps:
                self._pieces.clear()
        else:
            self._pieces.append(data)

    @property
    def data(self) -> bytes:
        """The body."""
        return b"".join(self._pieces)

    def parse(self) -> Document | None:
        """Return the body as a JSON object; None when it is none."""
        try:
            document = read_document(self.data)
        except ValueError:
            return None
        return document if isinstance(document, dict) else None
