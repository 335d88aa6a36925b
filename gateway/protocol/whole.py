"""A reply that is read whole: collected, read as what its kind says it is, judged, and written again.

Rules: what leaves is what was scanned, encoded again; members set aside (`gateway.protocol.asides`) are put back only
when nothing was blocked, and spellings only when nothing was masked either.
"""

from filters.findings import Action, Findings, Phase
from gateway.protocol.asides import Aside, may_show, put_back, set_aside, spelled
from gateway.protocol.buffered import BufferedReply, Texts, judge_texts, texts_of
from gateway.protocol.carriage import ReplyKind
from gateway.protocol.dialects.base import Answer, Dialect, Document
from gateway.protocol.judge import Judge
from gateway.protocol.placeholders import Vault
from gateway.protocol.subtitles import read_transcript, write_transcript
from gateway.protocol.texts import TextGroup


class WholeReply:
    """One such reply.

    Args:
        dialect: wire format.
        kind: ``DOCUMENT`` or ``TEXT``.
        limit_bytes: largest reply taken.
        good: False for an error of the model server: nothing of it is set aside.

    Attributes:
        kind: as given.
        document: what it says; empty until it was read.
        visible: its visible answers.
    """

    def __init__(self, dialect: Dialect, kind: ReplyKind, limit_bytes: int, *, good: bool) -> None:
        self._dialect = dialect
        self._good = good
        self._buffered = BufferedReply(limit_bytes)
        self._asides: list[Aside] = []
        self._own_texts = Texts((), 0)
        self.kind = kind
        self.document: Document = {}
        self.visible: list[Answer] = []

    def feed(self, data: bytes) -> bool:
        """Take a piece; return whether the reply is still within its bound."""
        self._buffered.feed(data)
        return not self._buffered.overflowed

    def read(self) -> Texts | None:
        """Read the reply; return every text that has to be scanned, or None when it is not one of its format."""
        document = self._parse()
        if document is None:
            return None
        self.document = document
        self._asides = self._dialect.carriage.asides(document) if self._good else []
        set_aside(self._asides)
        self._own_texts = texts_of(document)
        # No parts: a spelling is never masked, it stays or it goes.
        again = tuple(TextGroup(text, ()) for text in spelled(self._asides))
        characters = self._own_texts.characters + sum([len(group.text) for group in again])
        return Texts(self._own_texts.groups + again, characters)

    def judge(self, findings: Findings, judge: Judge, vault: Vault) -> Action:
        """Judge what was found in the texts, and write the masks; return the gravest action."""
        count = len(self._own_texts.groups)
        action = judge_texts(Phase.RESPONSE, self._own_texts, findings[:count], judge, vault)
        if action is not Action.BLOCK:
            clean = action is not Action.MASK and may_show(findings[count:], judge)
            put_back(self._asides, spellings=clean)
        return action

    @property
    def text(self) -> bytes:
        """A reply of kind ``TEXT`` as it is now."""
        return write_transcript(self.document)

    def _parse(self) -> Document | None:
        try:
            if self.kind is ReplyKind.TEXT:
                return read_transcript(self._buffered.data)
            document = self._buffered.parse()
            self.visible = self._dialect.answers(document or {})
        except ValueError:
            return None
        return document
