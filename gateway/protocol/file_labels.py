"""Pictures and sound on their way through: what labels they are to get, and what becomes of those that take none.

Sources: GB 45438-2025 5.2, 5.3 (what people see and hear), 6.1 and Annex E (the seven members), Labelling Measures
Art. 4 and 5. Rules: a file has both halves of its label unless the visible one is the interface's to show; whatever
it lacks is a decision of the policy, recorded either way.
"""

from typing import NamedTuple

from gateway.errors import ErrorCode
from gateway.protocol.carriage import Medium
from gateway.protocol.commands import LabelFiles
from gateway.protocol.context import ExchangeContext
from gateway.protocol.dialects.base import ParsedRequest
from gateway.protocol.events import FilesLabelled, LabellingFailed
from gateway.protocol.labels import UNLABELLED, Lack, Position, language_of
from gateway.protocol.policy import FailMode
from gateway.protocol.whole import WholeReply

_MISSES = {
    Lack.FORMAT: "It is of no format that takes a label: ask for png, jpeg or webp, for mp3, wav, flac or opus.",
    Lack.METADATA: "It does not take a label for programs.",
    Lack.VISIBLE: "It does not take a label for people: ask for another format or size.",
    Lack.ADDRESS: "It stands behind an address: ask for 'response_format': 'b64_json'.",
    Lack.SIZE: "It is too large to be labelled: ask for less.",
}
# Whoever asks again may be served: the file is not at fault.
_PASSING = frozenset({Lack.QUEUE, Lack.TIME, Lack.FAULT})
# The visible half of a label, by where it is put.
_PLACES = {Medium.IMAGE: "corner", Medium.AUDIO: Position.START.value}
# All of the label, and nothing to refuse: the manifest has to give way to it.
_COMPLETE = (None, Lack.MANIFEST)
# What a file that lacks something still has.
_HALVES = {Lack.VISIBLE: "metadata", Lack.METADATA: "shown"}


class Refusal(NamedTuple):
    """Why a reply does not leave.

    Attributes:
        code: of the error.
        detail: what the client is told besides.
    """

    code: ErrorCode
    detail: str = ""


class FileLabels:
    """The labels of the files in one whole reply.

    Args:
        context: by which rules.
        request: what was asked for.
        whole: the reply; labelled files are written into it.

    Attributes:
        outcome: what became of the visible label, as in the record.
        lack: what one of the files lacks, or None.
    """

    def __init__(self, context: ExchangeContext, request: ParsedRequest, whole: WholeReply) -> None:
        self._context = context
        self._request = request
        self._whole = whole
        self._medium = context.dialect.carriage.medium
        self.outcome = "none"
        self.lack: Lack | None = None

    def begin(self) -> LabelFiles | None:
        """Return the wish for the labels; None where the reply holds no file that could have one."""
        labelling, files = self._context.standing.labelling, self._whole.files
        # One that stays outside makes the whole a decision; what is inside is labelled where that passes.
        if None in files:
            self._lack(Lack.ADDRESS)
        given = tuple(each for each in files if each is not None)
        if not given:
            return None
        number = self._context.request_id
        # One number for one content (Annex E e); all begin with that of the record.
        numbers = [number] if len(given) == 1 else [f"{number}-{place}" for place in range(1, len(given) + 1)]
        shown = labelling.position is not Position.INTERFACE
        text = labelling.texts[language_of(self._request.language_hint)] if shown else ""
        return LabelFiles(self._medium, given, tuple(map(labelling.members, numbers)), text)

    def receive(self, event: FilesLabelled | LabellingFailed) -> None:
        """Take the files as they were labelled, or why they were not."""
        labelling = self._context.standing.labelling
        if isinstance(event, LabellingFailed):
            self._lack(event.lack)
            return
        for file in event.files:
            if file.lack is not None:
                self._lack(file.lack)
        self._whole.put_files([file.data for file in event.files])
        if self.lack not in _COMPLETE:
            return
        if labelling.position is not Position.INTERFACE:
            self.outcome = _PLACES[self._medium]
        else:
            self.outcome = "waived" if labelling.agreement else "interface"

    @property
    def refusal(self) -> Refusal | None:
        """Why the reply does not leave; None where it does."""
        if self.lack is None or self.lack is Lack.MANIFEST:
            return None
        return _refusal(self._context, self.lack)

    def _lack(self, lack: Lack) -> None:
        # Of several the gravest: a half that is missing is told where no file misses both.
        if self.lack in _COMPLETE or (self.lack in _HALVES and lack is not Lack.MANIFEST):
            self.lack = lack
        self.outcome = _HALVES.get(self.lack, UNLABELLED)


def overrun(context: ExchangeContext) -> Refusal | None:
    """Return why a file that is larger than what is held does not leave; None where it does."""
    return _refusal(context, Lack.SIZE)


def refused_request(context: ExchangeContext, request: ParsedRequest) -> str:
    """Return what is wrong with asking for what takes no label; empty where the policy lets it pass."""
    closed = context.standing.policy.file_labels is FailMode.CLOSED
    return request.unlabelled if closed else ""


def _refusal(context: ExchangeContext, lack: Lack) -> Refusal | None:
    if context.standing.policy.file_labels is FailMode.OPEN:
        return None
    if lack in _PASSING:
        return Refusal(ErrorCode.LABEL_UNAVAILABLE)
    return Refusal(ErrorCode.LABEL_IMPOSSIBLE, _MISSES[lack])
