"""`docs/metrics.md`, rendered from `gateway.metrics`: every metric with type, labels and meaning."""

from prometheus_client.metrics import MetricWrapperBase

from gateway import metrics

HEAD = """\
# Metrics

<!-- Rendered by `make docs` from gateway/metrics.py and gateway/metric_reference.py; change those, not this page. -->

`GET /metrics` of the management plane answers in the text format of Prometheus, and only to clients on this machine.
Times are in seconds. A histogram is exposed as `…_bucket`, `…_sum` and `…_count`. Values start at 0 with the process.

"""
METRICS_HEAD = "| metric | type | labels | meaning |\n|---|---|---|---|\n"
LABELS_HEAD = """
## Labels

No label ever holds user text, a path or a model name.

| label | values |
|---|---|
"""

# Written by hand, since a metric knows the names of its labels and not what they may hold.
LABELS = {
    "account_kind": "`user`, `audit`, `unfiltered`; empty when no account was found",
    "classifier": "name of a classifier in the settings; `shipped` is the one that comes with Sluice",
    "code": "an error code, see [errors.md](errors.md)",
    "decision": "in `sluice_exchanges_total` the decision on the exchange: `allow`, `flag`, `mask`, `unscanned`,"
    " `block`, `unfiltered` or `error`; in `sluice_decisions_total` the action on a finding: `flag`,"
    " `restore`, `mask` or `block`",
    "dialect": "wire format: `openai.chat`, `openai.responses`, `openai.completions`, `openai.embeddings`,"
    " `openai.images`, `openai.speech`, `openai.transcriptions`, `openai.models`,"
    " `openai.moderations`, `anthropic.messages` or `anthropic.count_tokens`",
    "digest": "digest of the lists in force, as in the header `x-sluice-ruleset`; in `sluice_classifier_info`:"
    " digest of the model",
    "keywords": "number of terms in force",
    "kind": "in `sluice_audit_anchors_total`: `file`, `webhook` or `rfc3161`; in `sluice_labels_total`:"
    " what became of the visible label: `end`, `start`, `both`, `present` (the model's own), `interface`,"
    " `waived` (left out by agreement), `members` (structured output: the members alone), `corner` (of a picture),"
    " `metadata` or `shown` (of a file that took that half alone), `unlabelled` or `none` (nothing to label)",
    "measure": "`none` (not counted), `counted`, `warned`, `suspended` or `refused`",
    "medium": "`text`, `image` or `audio`",
    "model": "in `sluice_classifier_info`: name of the model, as its manifest has it;"
    " in `sluice_ruleset_info`: always `none`",
    "outcome": "in `sluice_verdict_lookups_total`: `hit` (the text was scanned before, with the same lists) or"
    " `miss`; in `sluice_ruleset_reloads_total`: `loaded`, `unchanged`, `refused` (a list is wrong, the old ruleset"
    " stays) or `failed` (tried again); in `sluice_upstream_requests_total`: `answered`, `failed` (not reached,"
    " broken off, too slow, or 502, 503, 504) or `abandoned` (the client left, or all connections stayed busy);"
    " in `sluice_classifier_shadow_total`: `same`, `shadow_only` (harm to the one in shadow alone) or `decided_only`;"
    " in `sluice_audit_checkpoints_total`: `written` or `failed`; in"
    " `sluice_audit_anchors_total`: `sent` or `failed`",
    "part": "`upstream`: the model server's share; `added`: the gateway's",
    "phase": "`request` or `response`",
    "reason": "in `sluice_unscanned_total`: `scan_timeout`, `scan_queue_full`, `malformed_frame`,"
    " `tool_definitions`, `token_array`, `classifier_timeout`, `classifier_queue_full`, `classifier_failed`,"
    " `classifier_down` or `classifier_text_too_long`; in `sluice_upstream_errors_total`: an error code without"
    " `upstream_`; in `sluice_classifier_failures_total`: `timeout`, `queue_full`, `failed` (an error, or an answer"
    " that is none) or `down` (left alone, since it keeps failing)",
    "review": "`announced` or `unannounced`: whether the time lies in one of `[[reviews]]`",
    "risk": "risk id of the taxonomy",
    "settled_by": "`linear` (the first stage, which settles what is clearly harmless) or `encoder`",
    "shadow": "`yes` where it is only compared with those that decide, else `no`",
    "stage": "`keywords`, `personal_data` or `classifier`",
    "upstream": "name of a model server in the settings",
    "version": "of the model, as its manifest has it",
}


def declared_metrics() -> list[MetricWrapperBase]:
    """Return the metrics `gateway.metrics` declares, in its order."""
    # Off the module itself, so that no metric can be declared and missing from the page.
    public = (value for name, value in vars(metrics).items() if not name.startswith("_"))
    return [value for value in public if isinstance(value, MetricWrapperBase)]


def metric_name(metric: MetricWrapperBase) -> str:
    """Return the name a metric is exposed under."""
    (family,) = metric.describe()
    # The library names a counter without the suffix under which it exposes it.
    return f"{family.name}_total" if family.type == "counter" else family.name


def metric_labels(metric: MetricWrapperBase) -> tuple[str, ...]:
    """Return the names of a metric's labels."""
    return tuple(metric._labelnames)  # noqa: SLF001 the library has no public way to ask for them


def render_metrics() -> str:
    """Return the page."""
    labels = "".join(f"| `{name}` | {values} |\n" for name, values in LABELS.items())
    return HEAD + METRICS_HEAD + "".join(map(_row, declared_metrics())) + LABELS_HEAD + labels


def _row(metric: MetricWrapperBase) -> str:
    (family,) = metric.describe()
    labels = ", ".join(f"`{name}`" for name in metric_labels(metric))
    return f"| `{metric_name(metric)}` | {family.type} | {labels} | {family.documentation} |\n"
