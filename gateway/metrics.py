"""Every metric of the gateway, declared once.

Base units, ``_total`` for counters, labels from closed sets only: never user text, paths or model names. The core
does not touch metrics; the driver counts what the record of an exchange says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from filters.classifier.scores import Score
from gateway.protocol.carriage import Medium
from gateway.protocol.judge import Decision
from gateway.protocol.record import ExchangeRecord

# Not the default one: libraries may register there what we neither document nor bound.
REGISTRY = CollectorRegistry()

# Fine below a millisecond, where nearly all of the gateway's own time lies.
_ADDED_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
_UPSTREAM_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
# 0 is a bucket of its own: nothing leaked is what an operator wants to see.
_CHARACTER_BUCKETS = (0, 10, 50, 100, 250, 500, 1000, 5000)

EXCHANGES = Counter(
    "sluice_exchanges_total",
    "Exchanges that were recorded, by what was decided on them.",
    ["account_kind", "dialect", "decision"],
    registry=REGISTRY,
)
DECISIONS = Counter(
    "sluice_decisions_total",
    "Findings, by the action the policy gave them; unfiltered exchanges are only observed.",
    ["phase", "stage", "decision"],
    registry=REGISTRY,
)
FINDINGS = Counter("sluice_findings_total", "Findings, by risk class.", ["phase", "stage", "risk"], registry=REGISTRY)
UNSCANNED = Counter(
    "sluice_unscanned_total", "Texts that passed without being scanned.", ["phase", "reason"], registry=REGISTRY
)
COMPARISONS = Counter(
    "sluice_ruleset_comparisons_total",
    "Exchanges judged by the ruleset that is tried out, by what it decided beside the one in force.",
    ["outcome"],
    registry=REGISTRY,
)
ERRORS = Counter("sluice_errors_total", "Exchanges that ended in an error, by its code.", ["code"], registry=REGISTRY)
ADDED_LATENCY = Histogram(
    "sluice_added_latency_seconds",
    "Time the gateway itself took for one exchange, by phase.",
    ["phase"],
    buckets=_ADDED_BUCKETS,
    registry=REGISTRY,
)
TIME_TO_FIRST_FRAME = Histogram(
    "sluice_time_to_first_frame_seconds",
    "Time to the first frame of a stream: the model server's share and what the gateway added.",
    ["part"],
    buckets=tuple(sorted({*_ADDED_BUCKETS, *_UPSTREAM_BUCKETS})),
    registry=REGISTRY,
)
RELEASED_BEFORE_BLOCK = Histogram(
    "sluice_released_before_block_characters",
    "Characters of a reply sent before it was blocked.",
    buckets=_CHARACTER_BUCKETS,
    registry=REGISTRY,
)
UPSTREAM_SECONDS = Histogram(
    "sluice_upstream_seconds",
    "Time spent waiting for the model server in one exchange.",
    buckets=_UPSTREAM_BUCKETS,
    registry=REGISTRY,
)
UPSTREAM_ERRORS = Counter(
    "sluice_upstream_errors_total", "Failures of the model server, by reason.", ["reason"], registry=REGISTRY
)
UPSTREAM_REQUESTS = Counter(
    "sluice_upstream_requests_total",
    "Requests to model servers, retries included, by server and what became of them.",
    ["upstream", "outcome"],
    registry=REGISTRY,
)
UPSTREAM_RETRIES = Counter(
    "sluice_upstream_retries_total", "Requests given to another server after one did not serve.", registry=REGISTRY
)
UPSTREAM_EJECTED = Gauge(
    "sluice_upstream_ejected",
    "Model servers that are left out because they fail: 1 while one is, else 0.",
    ["upstream"],
    registry=REGISTRY,
)
UNFILTERED = Counter(
    "sluice_unfiltered_exchanges_total",
    "Exchanges of unfiltered test accounts, by whether a review was announced for that time.",
    ["review"],
    registry=REGISTRY,
)
STREAMS_OPEN = Gauge("sluice_streams_open", "Streams of generated content that are open.", registry=REGISTRY)
HELD_CHARACTERS = Gauge(
    "sluice_held_characters",
    "Characters of open streams that came and are held back, as they may be the beginning of a term.",
    registry=REGISTRY,
)
VERDICT_LOOKUPS = Counter(
    "sluice_verdict_lookups_total",
    "Texts of prompts looked up among those known to be clean; a hit is not scanned again.",
    ["outcome"],
    registry=REGISTRY,
)
SCAN_QUEUE_DEPTH = Gauge(
    "sluice_scan_queue_depth",
    "Long texts that wait for the scan pool, and windows that wait for a classifier.",
    registry=REGISTRY,
)
SCAN_BATCH_SIZE = Histogram(
    "sluice_scan_batch_size",
    "Windows that were given to a classifier together.",
    buckets=(1, 2, 4, 8, 16),
    registry=REGISTRY,
)
CLASSIFIER_SECONDS = Histogram(
    "sluice_classifier_seconds",
    "Time from a question to a classifier until its answer, waiting included.",
    ["classifier"],
    buckets=(0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
    registry=REGISTRY,
)
CLASSIFIER_WINDOWS = Counter(
    "sluice_classifier_windows_total",
    "Windows a classifier scored, by the stage of its cascade that settled them.",
    ["classifier", "settled_by"],
    registry=REGISTRY,
)
CLASSIFIER_SCORES = Histogram(
    "sluice_classifier_scores",
    "Scores a classifier gave: another shape than last week's means other texts, or a model that no longer fits.",
    ["classifier"],
    buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0),
    registry=REGISTRY,
)
CLASSIFIER_FAILURES = Counter(
    "sluice_classifier_failures_total",
    "Questions to a classifier that got no answer, by reason.",
    ["classifier", "reason"],
    registry=REGISTRY,
)
CLASSIFIER_SHADOW = Counter(
    "sluice_classifier_shadow_total",
    "Windows a classifier in shadow scored, by whether it says the same as those that decide.",
    ["classifier", "outcome"],
    registry=REGISTRY,
)
CLASSIFIER_DOWN = Gauge(
    "sluice_classifier_down",
    "Classifiers that are left alone since they keep failing: 1 while one is, else 0.",
    ["classifier"],
    registry=REGISTRY,
)
AUDIT_ENTRIES = Counter(
    "sluice_audit_entries_total", "Entries of the audit trail written to disk.", registry=REGISTRY
)
AUDIT_LATE = Counter(
    "sluice_audit_late_entries_total",
    "Entries that were written when the audit disk had recovered from a failure.",
    registry=REGISTRY,
)
AUDIT_SPOOL = Gauge(
    "sluice_audit_spool_entries", "Entries of the audit trail that are not yet on disk.", registry=REGISTRY
)
AUDIT_APPEND = Histogram(
    "sluice_audit_append_seconds",
    "Time until an intervention's entry was durable.",
    # A disk that is slow, and not away, is seen in the longer ones.
    buckets=(*_ADDED_BUCKETS, 2.5, 10.0),
    registry=REGISTRY,
)
CONTENT = Counter(
    "sluice_audit_content_total",
    "Encrypted contents of exchanges: kept in the audit trail, or dropped because the store was away or memory full.",
    ["outcome"],
    registry=REGISTRY,
)
AUDIT_CHECKPOINTS = Counter(
    "sluice_audit_checkpoints_total",
    "Checkpoints of the audit trail, by how they ended; one that failed is tried again.",
    ["outcome"],
    registry=REGISTRY,
)
AUDIT_ANCHORS = Counter(
    "sluice_audit_anchors_total",
    "Checkpoints brought to anchors, by how that ended; one that failed is tried again.",
    ["kind", "outcome"],
    registry=REGISTRY,
)
STRIKES = Counter(
    "sluice_strikes_total",
    "Strikes of this process, by what they led to; `refused` came from somebody who was suspended meanwhile.",
    ["measure"],
    registry=REGISTRY,
)
SUSPENDED = Gauge(
    "sluice_accounts_suspended",
    "Accounts and end users that are suspended, as the store says; the same number in every process.",
    registry=REGISTRY,
)
LABELS = Counter(
    "sluice_labels_total", "Answers, by what became of their visible label.", ["kind"], registry=REGISTRY
)
GENERATED = Counter(
    "sluice_generated_answers_total",
    "Answers with content that a label belongs to, by medium.",
    ["medium"],
    registry=REGISTRY,
)
LABELLED = Counter(
    "sluice_labelled_answers_total",
    "Those of them that left with all of their label: all but files that lack some, and answers left before theirs.",
    ["medium"],
    registry=REGISTRY,
)
RULESET_INFO = Gauge(
    "sluice_ruleset_info", "The ruleset in force; always 1.", ["digest", "keywords", "model"], registry=REGISTRY
)
CLASSIFIER_INFO = Gauge(
    "sluice_classifier_info",
    "A classifier in use, by the name, version and digest of its model; always 1.",
    ["classifier", "model", "version", "digest", "shadow"],
    registry=REGISTRY,
)
RULESET_AGE = Gauge("sluice_ruleset_age_seconds", "Time since the ruleset in force was loaded.", registry=REGISTRY)
LISTS_AGE = Gauge(
    "sluice_lists_age_seconds", "Time since the active keyword lists were last changed.", registry=REGISTRY
)
RULESET_RELOADS = Counter(
    "sluice_ruleset_reloads_total", "Reloads of the keyword lists, by how they ended.", ["outcome"], registry=REGISTRY
)

# Labels of what this process serves, resolved once: the lookup costs more than the count.
_ADDED_REQUEST = ADDED_LATENCY.labels("request")
_ADDED_RESPONSE = ADDED_LATENCY.labels("response")
_FIRST_FRAME_UPSTREAM = TIME_TO_FIRST_FRAME.labels("upstream")
_FIRST_FRAME_ADDED = TIME_TO_FIRST_FRAME.labels("added")
# There from the start: a rate cannot see the step from no series to 1, and the first use is worth an alert.
_UNFILTERED_ANNOUNCED, _UNFILTERED_UNANNOUNCED = UNFILTERED.labels("announced"), UNFILTERED.labels("unannounced")
_LOOKUP_HITS = VERDICT_LOOKUPS.labels("hit")
_LOOKUP_MISSES = VERDICT_LOOKUPS.labels("miss")
_CONTENT_KEPT = CONTENT.labels("kept")
_CONTENT_DROPPED = CONTENT.labels("dropped")
_MEDIA = {"openai.images": Medium.IMAGE, "openai.speech": Medium.AUDIO}
_OF_MEDIUM = {medium: (GENERATED.labels(medium), LABELLED.labels(medium)) for medium in Medium}
# Nothing, or one half where both are owed.
_INCOMPLETE = frozenset({"unlabelled", "metadata", "shown"})
# Bounded, because the labels are closed sets.
_exchanges: dict[tuple[str, str, str], Counter] = {}
_labels: dict[str, Counter] = {}


@dataclass(slots=True)
class Timing:
    """Where the time of one exchange went, in nanoseconds.

    Attributes:
        request_ns: the gateway's own work until the model server was asked.
        response_ns: its own work on the reply.
        upstream_ns: waiting for the model server.
        client_ns: waiting for the client to take what was sent.
        first_upstream_ns: waiting for the first piece of a stream; 0 when there was none.
        first_added_ns: the gateway's own share until the first piece of a stream left.
    """

    request_ns: int = 0
    response_ns: int = 0
    upstream_ns: int = 0
    client_ns: int = 0
    first_upstream_ns: int = 0
    first_added_ns: int = 0


def count_exchange(record: ExchangeRecord, timing: Timing) -> None:
    """Count one exchange by its record."""
    key = (record.account_kind, record.dialect, record.decision)
    counter = _exchanges.get(key)
    if counter is None:
        counter = _exchanges[key] = EXCHANGES.labels(*key)
    counter.inc()
    _count_time(record, timing)
    if record.produce_id:
        label = _labels.get(record.label)
        if label is None:
            label = _labels[record.label] = LABELS.labels(record.label)
        label.inc()
        _count_label(record)
    for finding in record.findings:
        FINDINGS.labels(finding.phase, finding.stage, finding.risk).inc(finding.count)
        DECISIONS.labels(finding.phase, finding.stage, finding.action).inc(finding.count)
    for missed in record.unscanned:
        UNSCANNED.labels(missed.phase, missed.reason).inc()
    if record.other_decision:
        COMPARISONS.labels(_compared(record.shadow or record.decision, record.other_decision)).inc()
    if record.phase == "response":
        RELEASED_BEFORE_BLOCK.observe(record.released_characters)
    if record.error:
        ERRORS.labels(record.error).inc()
        if record.error.startswith("upstream_"):
            UPSTREAM_ERRORS.labels(record.error.removeprefix("upstream_")).inc()


def _count_label(record: ExchangeRecord) -> None:
    # An answer that says nothing has nothing to label.
    if record.label != "none":
        generated, labelled = _OF_MEDIUM[_MEDIA.get(record.dialect, Medium.TEXT)]
        generated.inc()
        if record.label not in _INCOMPLETE:
            labelled.inc()


def _compared(tried: str, in_force: str) -> str:
    """Say how the ruleset that is tried out compares: ``same``, ``stricter``, ``milder``, or ``failed``."""
    if Decision.ERROR in (tried, in_force):
        return "failed"
    gravity = list(Decision)
    difference = gravity.index(Decision(tried)) - gravity.index(Decision(in_force))
    return "stricter" if difference > 0 else "milder" if difference else "same"


def count_lookups(hits: int, misses: int) -> None:
    """Count the texts of one prompt that were looked up."""
    # Short prompts have none, and should not pay for counting them.
    if hits or misses:
        _LOOKUP_HITS.inc(hits)
        _LOOKUP_MISSES.inc(misses)


def count_unfiltered(*, announced: bool) -> None:
    """Count an exchange of an unfiltered test account.

    Args:
        announced: whether a review was announced for its time.
    """
    (_UNFILTERED_ANNOUNCED if announced else _UNFILTERED_UNANNOUNCED).inc()


def count_scores(classifier: str, scores: Sequence[Score]) -> None:
    """Count the scores of one batch.

    Args:
        classifier: its name in the settings.
        scores: what it said.
    """
    linear, encoder, observed, _, _ = _classifier_counts(classifier)
    SCAN_BATCH_SIZE.observe(len(scores))
    settled = sum(score.settled for score in scores)
    linear.inc(settled)
    encoder.inc(len(scores) - settled)
    for score in scores:
        observed.observe(score.unsafe)


def count_answer(classifier: str, seconds: float) -> None:
    """Count a question that was answered.

    Args:
        classifier: its name in the settings.
        seconds: how long it took, waiting included.
    """
    _, _, _, took, down = _classifier_counts(classifier)
    took.observe(seconds)
    down.set(0)


@cache
def _classifier_counts(classifier: str) -> tuple[Counter, Counter, Histogram, Histogram, Gauge]:
    """Return what counts the work of a classifier; there are as many as the settings name."""
    return (
        CLASSIFIER_WINDOWS.labels(classifier, "linear"),
        CLASSIFIER_WINDOWS.labels(classifier, "encoder"),
        CLASSIFIER_SCORES.labels(classifier),
        CLASSIFIER_SECONDS.labels(classifier),
        CLASSIFIER_DOWN.labels(classifier),
    )


def count_content(*, kept: int = 0, dropped: int = 0) -> None:
    """Count encrypted contents of exchanges.

    Args:
        kept: handed to the audit trail.
        dropped: given up.
    """
    _CONTENT_KEPT.inc(kept)
    _CONTENT_DROPPED.inc(dropped)


def _count_time(record: ExchangeRecord, timing: Timing) -> None:
    _ADDED_REQUEST.observe(timing.request_ns / 1e9)
    # A refused prompt asked nobody; zeros would make the model server look fast.
    if timing.upstream_ns:
        _ADDED_RESPONSE.observe(timing.response_ns / 1e9)
        UPSTREAM_SECONDS.observe(timing.upstream_ns / 1e9)
    if record.streamed and timing.first_upstream_ns:
        _FIRST_FRAME_UPSTREAM.observe(timing.first_upstream_ns / 1e9)
        _FIRST_FRAME_ADDED.observe(timing.first_added_ns / 1e9)
