"""What an exchange puts down about itself while it lasts, and the record that is made of it at its end."""

from filters.findings import Findings, Phase
from gateway.errors import ErrorCode
from gateway.protocol.bars import classifies
from gateway.protocol.buffered import Texts
from gateway.protocol.context import ExchangeContext
from gateway.protocol.dialects.base import ParsedRequest
from gateway.protocol.dialects.requests import end_user_of
from gateway.protocol.documents import reported_model
from gateway.protocol.judge import Decision, Judge
from gateway.protocol.record import ExchangeRecord, short_digest
from gateway.protocol.streaming import StreamedReply
from gateway.protocol.whole import WholeReply
from gateway.protocol.witness import Witness

# The client chooses this name: unbounded, every request could swell the audit trail.
_RECORDED_MODEL_CHARACTERS = 128


class Recording:
    """The notes of one exchange.

    Args:
        context: what it began with.
        judge: knows what was found.

    Attributes:
        started_at_us: when it began, in microseconds of Unix time; 0 until then.
        status: HTTP status of the answer.
        label: what became of the visible label of a reply that is no stream of text.
        lack: what a file of it lacks of its label and why, or empty.
        error: code of the error it ended in, or empty.
        upstream: name of the model server that replied.
        produce_id: number of the generated reply. Stays empty where none was sent: a refusal is the gateway's own
            text and is no product.
        witness: what is kept of its texts.
    """

    __slots__ = (
        *("_characters", "_context", "_judge", "_request"),
        *("error", "label", "lack", "produce_id", "started_at_us", "status", "upstream", "witness"),
    )

    def __init__(self, context: ExchangeContext, judge: Judge) -> None:
        self._context = context
        self._judge = judge
        self._request: ParsedRequest | None = None
        self._characters = {Phase.REQUEST: 0, Phase.RESPONSE: 0}
        self.started_at_us = 0
        self.status = 0
        self.label = "none"
        self.lack = ""
        self.error: ErrorCode | str = ""
        self.upstream = ""
        self.produce_id = ""
        self.witness = Witness(context.content)

    def take_request(self, request: ParsedRequest) -> str:
        """Put down what was asked; return in whose name, as the request has it."""
        self._request = request
        self.witness.named = end_user_of(request.document)
        return self.witness.named

    def take_standing(self, context: ExchangeContext, judge: Judge) -> None:
        """Put down by which rules it is judged, and in whose name."""
        self._context, self._judge = context, judge
        self.witness.end_user = context.standing.end_user

    def take_texts(self, phase: Phase, texts: Texts) -> None:
        """Put down the texts of a prompt or of a whole reply."""
        self._characters[phase] = texts.characters
        self.witness.hear(phase, [group.text for group in texts.groups])

    def take_findings(self, phase: Phase, texts: Texts, findings: Findings) -> None:
        """Put down what was found in them."""
        if any(findings):
            for group, found in zip(texts.groups, findings, strict=True):
                self.witness.note(phase, group.text, self._judge.heeded(phase, found))

    def produce(self) -> None:
        """Number the reply, where it is generated content."""
        if self._context.dialect.generates:
            self.produce_id = self._context.request_id

    def make(self, at_us: int, stream: StreamedReply | None, whole: WholeReply | None) -> ExchangeRecord:
        """Return the record.

        Args:
            at_us: when it is made, in microseconds of Unix time.
            stream: the reply, where it is streamed.
            whole: the reply, where it is read whole.
        """
        context, judge, request = self._context, self._judge, self._request
        blocked = judge.decision is Decision.BLOCK
        model = request.model if request else ""
        served = stream.served_model if stream else reported_model(whole and whole.document)
        label = stream.channels.label_outcome if stream else self.label
        return ExchangeRecord(
            request_id=context.request_id,
            # A client may leave before its request is complete: such an exchange begins and ends at once.
            started_at_us=self.started_at_us or at_us,
            ended_at_us=at_us,
            account=context.account,
            account_kind=context.standing.account_kind,
            policy=context.standing.policy.name,
            dialect=context.dialect.name,
            model=model[:_RECORDED_MODEL_CHARACTERS],
            served_model="" if served == model else served[:_RECORDED_MODEL_CHARACTERS],
            streamed=bool(request and request.streamed),
            # A block stays one, whatever failed afterwards: it is what an auditor looks for.
            decision=(Decision.ERROR if self.error and not blocked else judge.decision).value,
            phase=judge.blocked_in,
            # Of use for a block only: an answer that came to its end has nothing to take back.
            released_characters=stream.channels.released_characters if stream and blocked else 0,
            findings=judge.recorded,
            unscanned=judge.not_scanned,
            ruleset=short_digest(context.standing.ruleset.digest),
            label=label,
            # Of a reply that was given so: the record that has to be kept of who received it.
            agreement=context.standing.labelling.agreement if label == "waived" else "",
            produce_id=self.produce_id,
            status=self.status,
            error=str(self.error),
            prompt_characters=self._characters[Phase.REQUEST],
            reply_characters=stream.channels.received_characters if stream else self._characters[Phase.RESPONSE],
            upstream=self.upstream,
            shadow=judge.shadow.value if judge.shadow else "",
            other_ruleset=short_digest(context.standing.other.digest) if context.standing.other else "",
            lack=str(self.lack),
            classifier=classifier_of(context),
            other_decision=(judge.second.shadow or judge.second.decision).value if judge.second else "",
        )


def classifier_of(context: ExchangeContext) -> str:
    """Return what a record calls the classifier of an exchange; empty where the policy wants no scores."""
    classification, policy = context.classification, context.standing.policy
    if classification is None or not any(classifies(policy, phase) for phase in Phase):
        return ""
    return short_digest(classification.digest)
