"""What is recorded of an exchange: one frozen value, made by the core, written by the audit trail.

Holds categories, counts and ids, never prompt or reply text. All numbers are integers, so that the canonical form
(RFC 8785) is the same in every language.
"""

from dataclasses import dataclass

from filters.findings import Action, Phase, Stage


@dataclass(frozen=True, slots=True)
class RecordedFinding:
    """Findings of one term in one phase, counted together.

    Attributes:
        phase: half of the exchange.
        stage: the check that found it.
        risk: risk id.
        action: what the policy said to do.
        term: the list's spelling of the term; the list's text, not the user's.
        count: how often it was found.
    """

    phase: Phase
    stage: Stage
    risk: str
    action: Action
    term: str
    count: int


@dataclass(frozen=True, slots=True)
class Unscanned:
    """A text that was not scanned, and why.

    Attributes:
        phase: half of the exchange.
        stage: the check that was missed.
        reason: a stable code, such as ``scan_timeout`` or ``malformed_frame``.
    """

    phase: Phase
    stage: Stage
    reason: str


@dataclass(frozen=True, slots=True)
class ExchangeRecord:
    """One exchange, as the audit trail keeps it.

    Attributes:
        request_id: the id in ``x-request-id`` and ``ProduceID``.
        started_at_us: when the request was read, in microseconds of Unix time.
        ended_at_us: when the record was made, the same unit.
        account: id of the account, or empty when no account was found.
        account_kind: ``user``, ``audit``, ``unfiltered``, or empty.
        policy: name of the policy it was judged by.
        dialect: wire format, such as ``openai.chat``.
        model: model name as sent by the client, cut to 128 characters.
        streamed: whether the client asked for a stream.
        decision: ``allow``, ``flag``, ``mask``, ``block``, ``unscanned``, ``unfiltered``, or ``error`` when the
            exchange failed without a block.
        phase: the half in which a block fell, else None.
        retract: True when text was already shown before a block.
        released_characters: reply characters sent before a block.
        findings: what was found.
        unscanned: what was not scanned.
        ruleset: digest of the ruleset it was judged by.
        label: visible label: ``end``, ``start``, ``both`` (written), ``present`` (the model's own), ``interface`` or
            ``none``.
        produce_id: ``ProduceID`` of the label, or empty.
        status: HTTP status the client got.
        error: error code the client got, or empty.
        prompt_characters: characters of the prompt that were scanned, now or before under the same ruleset.
        reply_characters: characters of the reply that were scanned.
        upstream: name of the model server that replied, or empty when none did.
    """

    request_id: str
    started_at_us: int
    ended_at_us: int
    account: str
    account_kind: str
    policy: str
    dialect: str
    model: str
    streamed: bool
    decision: str
    phase: Phase | None
    retract: bool
    released_characters: int
    findings: tuple[RecordedFinding, ...]
    unscanned: tuple[Unscanned, ...]
    ruleset: str
    label: str
    produce_id: str
    status: int
    error: str
    prompt_characters: int
    reply_characters: int
    upstream: str = ""
