"""What is recorded of an exchange: one immutable value, made by the core, written by the audit trail.

Holds categories, counts and ids, never prompt or reply text. All numbers are integers, so that the canonical form
(RFC 8785) is the same in every language. The core leaves what it cannot know at its default (who the end user is,
salted digests, times of the clock); the shell fills it in as the record is written.
"""

from dataclasses import dataclass
from typing import NamedTuple

from filters.findings import Action, Phase, Stage

_RULESET_DIGITS = 24
"""Enough of a ruleset's digest to name it: no two of a trail's rulesets share them but by intent, and then both full
digests are in the trail."""


def short_digest(digest: str) -> str:
    """Return what records keep of the digest of a ruleset, or of a classifier: its first 24 hexadecimal digits."""
    return digest.removeprefix("sha256:")[:_RULESET_DIGITS]


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
        score: how sure the check was, in per mille; None for one that knows only yes and no.
    """

    phase: Phase
    stage: Stage
    risk: str
    action: Action
    term: str
    count: int
    score: int | None = None


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


class Latency(NamedTuple):
    """Where the time of an exchange went, in microseconds; 0 where there was none of the kind.

    Attributes:
        request_us: the gateway's own work until the model server was asked.
        response_us: its own work on the reply.
        upstream_us: waiting for the model server.
        first_upstream_us: waiting for the first piece of a stream.
        first_added_us: the gateway's own share until that piece left.
    """

    request_us: int = 0
    response_us: int = 0
    upstream_us: int = 0
    first_upstream_us: int = 0
    first_added_us: int = 0


class Added(NamedTuple):
    """What the shell adds to a record as it is written; each is the record's field of that name."""

    user: str = ""
    prompt_digest: str = ""
    reply_digest: str = ""
    content: str = ""
    latency: Latency = Latency()


class ExchangeRecord(NamedTuple):
    """One exchange, as the audit trail keeps it.

    A tuple, since one is made on the request path of every exchange.

    Attributes:
        request_id: the id in ``x-request-id`` and ``ProduceID``.
        started_at_us: when the request was read, in microseconds of Unix time.
        ended_at_us: when the record was made, the same unit.
        account: id of the account, or empty when no account was found.
        account_kind: ``user``, ``audit``, ``unfiltered``, or empty.
        user: pseudonym of the end user the request names, or empty.
        policy: name of the policy it was judged by.
        dialect: wire format, such as ``openai.chat``.
        model: model name as sent by the client, cut to 128 characters.
        served_model: model name the reply gives, the same; empty when it gives none or the one asked for.
        streamed: whether the client asked for a stream.
        decision: ``allow``, ``flag``, ``mask``, ``block``, ``unscanned``, ``unfiltered``, or ``error`` when the
            exchange failed without a block.
        phase: the half in which a block fell, else None.
        released_characters: reply characters sent before a block.
        findings: what was found.
        unscanned: what was not scanned.
        ruleset: digest of the ruleset it was judged by, its first 24 hexadecimal digits.
        label: visible label: ``end``, ``start``, ``both`` (written), ``present`` (the model's own), ``interface``,
            ``waived`` (left out by agreement), ``members`` (it would break the answer: the members alone), ``corner``
            (of a picture), ``metadata`` or ``shown`` (of a file that took that half alone), ``unlabelled`` (there
            was something to label) or ``none``.
        lack: what a generated file lacks of its label and why, or empty.
        produce_id: ``ProduceID`` of the label, or empty.
        status: HTTP status the client got.
        error: error code the client got, or empty.
        prompt_characters: characters of the prompt that were scanned, now or before under the same ruleset.
        reply_characters: characters of the reply that were scanned.
        upstream: name of the model server that replied, or empty when none did.
        prompt_digest: salted digest of the prompt's texts, or empty.
        reply_digest: salted digest of the reply's texts, or empty.
        latency: where its time went.
        agreement: id of the agreement under which the visible label was left out, or empty.
        content: ``kept`` when its encrypted content is another entry, ``dropped`` when that had to be given up, or
            empty when none was to be kept.
        shadow: what would have been decided without shadow mode, or empty where that is the decision.
        other_ruleset: digest of the ruleset that was only asked, as of `ruleset`; empty when none was.
        other_decision: what it would have decided; empty when none was asked.
        classifier: digest of the classifier that scored it, as of `ruleset`; empty where the policy wants no scores.
    """

    request_id: str
    started_at_us: int
    ended_at_us: int
    account: str = ""
    account_kind: str = "user"
    user: str = ""
    policy: str = "default"
    dialect: str = "openai.chat"
    model: str = ""
    served_model: str = ""
    streamed: bool = True
    decision: str = "allow"
    phase: Phase | None = None
    released_characters: int = 0
    findings: tuple[RecordedFinding, ...] = ()
    unscanned: tuple[Unscanned, ...] = ()
    ruleset: str = ""
    label: str = "end"
    produce_id: str = ""
    status: int = 200
    error: str = ""
    prompt_characters: int = 0
    reply_characters: int = 0
    upstream: str = ""
    prompt_digest: str = ""
    reply_digest: str = ""
    latency: Latency = Latency()
    content: str = ""
    agreement: str = ""
    shadow: str = ""
    other_ruleset: str = ""
    other_decision: str = ""
    lack: str = ""
    classifier: str = ""

    @property
    def retract(self) -> bool:
        """Whether text had been shown before a block."""
        return self.released_characters > 0
