"""A reply that is read whole: collected, read as what its kind says it is, judged, and written again.

Rules: what leaves is what was scanned, encoded again; members set aside (`gateway.protocol.asides`) are put back only
when nothing was blocked, and spellings only when nothing was masked either.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence

from filters.findings import Action, Findings, Phase
from gateway.protocol.asides import Aside, may_show, put_back, set_aside, spelled
from gateway.protocol.buffered import BufferedReply, Texts, judge_texts, texts_of
from gateway.protocol.carriage import FilePlace, ReplyKind
from gateway.protocol.dialects.base import Answer, Dialect, Document
from gateway.protocol.judge import Judge
from gateway.protocol.placeholders import Vault
from gateway.protocol.subtitles import read_transcript, write_transcript
from gateway.protocol.texts import TextGroup


class WholeReply:
    """One such reply.

    Args:
        dialect: wire format.
        kind: ``DOCUMENT``, ``TEXT`` or ``FILE``.
        limit_bytes: largest reply taken.
        good: False for an error of the model server: nothing of it is set aside.

    Attributes:
        kind: as given.
        document: what it says; empty until it was read.
        visible: its visible answers.
        files: generated files in it; None for each that it does not hold. Known once it was judged.
    """

    def __init__(self, dialect: Dialect, kind: ReplyKind, limit_bytes: int, *, good: bool) -> None:
        self._dialect = dialect
        self._good = good
        self._buffered = BufferedReply(limit_bytes, keeps=kind is ReplyKind.FILE)
        self._places: list[FilePlace] = []
        self._asides: list[Aside] = []
        self._own_texts = Texts((), 0)
        self.kind = kind
        self.document: Document = {}
        self.visible: list[Answer] = []
        self.files: list[bytes | None] = []

    def feed(self, data: bytes) -> bool:
        """Take a piece; return whether the reply is still within its bound."""
        self._buffered.feed(data)
        return not self._buffered.overflowed

    def take(self) -> bytes:
        """Return what came of a reply of kind ``FILE``, once."""
        data = self._buffered.data
        self._buffered = BufferedReply(0)
        return data

    def read(self) -> Texts | None:
        """Read the reply; return every text that has to be scanned, or None when it is not one of its format."""
        # Bytes hold no text: what is said in a sound was said in the request.
        if self.kind is ReplyKind.FILE:
            self.files = [self.take()]
            return Texts((), 0)
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
            if self._good and self.kind is ReplyKind.DOCUMENT:
                self._places = self._dialect.carriage.files(self.document)
                self.files = [None if each.data is None else b64decode(each.data) for each in self._places]
        return action

    def put_files(self, files: Sequence[bytes]) -> None:
        """Write files in the place of those the reply holds, in their order."""
        if self.kind is ReplyKind.FILE:
            self.files = list(files)
            return
        held = [each for each in self._places if each.data is not None]
        for place, data in zip(held, files, strict=True):
            place.container[place.key] = b64encode(data).decode()

    @property
    def file(self) -> bytes:
        """A reply of kind ``FILE`` as it is now."""
        return self.files[0] or b""

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
