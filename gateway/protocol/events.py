"""Facts an exchange is told. Each is immutable; what the core needs of clock, chance or sockets is a field here."""

from typing import NamedTuple

from filters.classifier.scores import Score
from filters.findings import Finding, Phase
from gateway.errors import ErrorCode
from gateway.protocol.carriage import NO_HEAD, RequestHead
from gateway.protocol.labels import LabelledFile, Lack
from gateway.protocol.standing import Standing
from gateway.protocol.strikes import StrikeOutcome


class RequestReceived(NamedTuple):
    """The client's request is complete."""

    body: bytes
    head: RequestHead = NO_HEAD


class RequestRefused(NamedTuple):
    """The shell could not take the request (no account, unknown path, too large, suspended); the code says why.

    ``detail`` is what the client is told besides, such as until when; ``retry_after_seconds`` takes the place of the
    code's own. ``standing`` tells the record who was refused, where that was settled before.
    """

    code: ErrorCode
    detail: str = ""
    retry_after_seconds: int | None = None
    standing: Standing | None = None


class Admitted(NamedTuple):
    """Whoever asks may, by these rules."""

    standing: Standing


class ScanCompleted(NamedTuple):
    """The scan asked for by `ScanText` is done: findings for each text, in the order of the texts.

    ``other`` are those of the other ruleset, where it was asked.
    """

    phase: Phase
    findings: tuple[tuple[Finding, ...], ...]
    other: tuple[tuple[Finding, ...], ...] = ()


class ScanFailed(NamedTuple):
    """The scan asked for by `ScanText` was not done in time, or at all; the reason is a stable code."""

    phase: Phase
    reason: str


class TextsScored(NamedTuple):
    """The classifier's answer to a `ScoreTexts`: a score for each window, in their order."""

    ticket: int
    scores: tuple[Score, ...]


class ScoringFailed(NamedTuple):
    """The classifier did not answer a `ScoreTexts` in time, or at all; the reason is a stable code."""

    ticket: int
    reason: str


class StrikeNoted(NamedTuple):
    """The strike of a blocked prompt is committed; this came of it."""

    outcome: StrikeOutcome


class FilesLabelled(NamedTuple):
    """The answer to a `LabelFiles`: its files, in their order."""

    files: tuple[LabelledFile, ...]


class LabellingFailed(NamedTuple):
    """No file of a `LabelFiles` was labelled."""

    lack: Lack


class UpstreamStarted(NamedTuple):
    """The head of a model server's reply is here; ``upstream`` is the server's name in the settings."""

    status: int
    content_type: str
    upstream: str = ""


class UpstreamData(NamedTuple):
    """A piece of the model server's reply."""

    data: bytes


class UpstreamFinished(NamedTuple):
    """The model server's reply is complete by the rules of HTTP."""


class UpstreamFailed(NamedTuple):
    """The model server could not be reached, was too slow, or ended its reply early."""

    code: ErrorCode


class AuditAppended(NamedTuple):
    """The record is in the audit trail: durable where that was asked for, else in its queue."""


class AuditFailed(NamedTuple):
    """The audit trail could not take the record."""


class ClientWaited(NamedTuple):
    """The client of a stream has been sent nothing for some seconds."""


class ClientDisconnected(NamedTuple):
    """The client is gone."""


Event = (
    RequestReceived
    | RequestRefused
    | Admitted
    | ScanCompleted
    | ScanFailed
    | TextsScored
    | ScoringFailed
    | StrikeNoted
    | FilesLabelled
    | LabellingFailed
    | UpstreamStarted
    | UpstreamData
    | UpstreamFinished
    | UpstreamFailed
    | AuditAppended
    | AuditFailed
    | ClientWaited
    | ClientDisconnected
)
