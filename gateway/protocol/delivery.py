"""A whole reply that was judged, on its way out: values restored, labels put in, the answer built.

Rules: an error of the model server is no generated content, nor is a number of tokens: neither label nor number; what
does not leave has no number either.
"""

from typing import NamedTuple

from filters.findings import Action
from gateway.errors import ErrorCode
from gateway.protocol.answers import AnswerBuilder
from gateway.protocol.buffered import label_answers
from gateway.protocol.carriage import ReplyKind
from gateway.protocol.commands import Command, LabelFiles
from gateway.protocol.context import ExchangeContext
from gateway.protocol.dialects.base import ParsedRequest
from gateway.protocol.events import FilesLabelled, LabellingFailed
from gateway.protocol.file_labels import FileLabels, Refusal
from gateway.protocol.placeholders import Vault
from gateway.protocol.recording import Recording
from gateway.protocol.restoring import restore_document
from gateway.protocol.whole import WholeReply

_OK = 200


class Outgoing(NamedTuple):
    """The answer, ready to be sent once the record is made."""

    commands: list[Command]


Step = LabelFiles | Refusal | Outgoing


class Delivery:
    """One such reply.

    Args:
        context: by which rules.
        request: what was asked for.
        recording: told of labels and errors.
        builder: builds the answer.
        whole: the reply.
        content_type: what the model server says it is.
    """

    def __init__(
        self,
        context: ExchangeContext,
        request: ParsedRequest,
        recording: Recording,
        builder: AnswerBuilder,
        whole: WholeReply,
        content_type: str,
    ) -> None:
        self._context = context
        self._request = request
        self._recording = recording
        self._builder = builder
        self._whole = whole
        self._content_type = content_type
        self._file_labels = FileLabels(context, request, whole)

    def begin(self, action: Action, vault: Vault) -> Step:
        """Return the answer, or what has to be done or told before.

        Args:
            action: the gravest on what was found in it; not ``block``.
            vault: values that are restored.
        """
        whole, dialect = self._whole, self._context.dialect
        # Behind the scan, which is of what the model said; the values are the user's own.
        restored = bool(vault) and restore_document(whole.document, vault, structured=self._request.structured)
        if restored or action is Action.MASK:
            dialect.withhold(whole.document)
        if self._recording.status != _OK:
            self._recording.error = ErrorCode.UPSTREAM_ERROR
            return self._send(labelled=False)
        if not dialect.generates:
            return self._send(labelled=False)
        if whole.files:
            return self._file_labels.begin() or self._settled()
        labelling, request = self._context.standing.labelling, self._request
        self._recording.label = label_answers(
            whole.visible, labelling, structured=request.structured, verbatim=request.verbatim
        )
        self._recording.produce()
        return self._send(labelled=True)

    def receive(self, event: FilesLabelled | LabellingFailed) -> Step:
        """Go on with the answer to the wish for labels."""
        self._file_labels.receive(event)
        return self._settled()

    def _settled(self) -> Step:
        """The files have the labels they take."""
        self._recording.lack = self._file_labels.lack or ""
        if refusal := self._file_labels.refusal:
            return refusal
        self._recording.label = self._file_labels.outcome
        self._recording.produce()
        return self._send(labelled=True)

    def _send(self, *, labelled: bool) -> Outgoing:
        whole, builder = self._whole, self._builder
        if whole.kind is ReplyKind.DOCUMENT:
            return Outgoing(builder.reply(self._recording.status, whole.document, labelled=labelled))
        body = whole.text if whole.kind is ReplyKind.TEXT else whole.file
        return Outgoing(builder.text(self._content_type, body))
