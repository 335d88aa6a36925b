"""What is counted of an exchange."""

import subprocess
import sys

import pytest
from prometheus_client import Counter, Gauge, Histogram

from filters.findings import Phase
from gateway import metrics
from gateway.metrics import REGISTRY, Timing, count_exchange
from tests.gateway.audit.builders import FINDING, MISSED, exchange


def _value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize(
    ("changes", "name", "labels", "growth"),
    [
        ({}, "sluice_exchanges_total", {"account_kind": "user", "dialect": "openai.chat", "decision": "allow"}, 1),
        ({}, "sluice_labels_total", {"kind": "end"}, 1),
        ({"produce_id": ""}, "sluice_labels_total", {"kind": "end"}, 0),
        (
            {"findings": (FINDING,)},
            "sluice_findings_total",
            {"phase": "request", "stage": "keywords", "risk": "A.1.f"},
            2,
        ),
        (
            {"findings": (FINDING,)},
            "sluice_decisions_total",
            {"phase": "request", "stage": "keywords", "decision": "block"},
            2,
        ),
        ({"unscanned": (MISSED,)}, "sluice_unscanned_total", {"phase": "response", "reason": "malformed_frame"}, 1),
        ({"phase": Phase.RESPONSE}, "sluice_released_before_block_characters_count", {}, 1),
        ({"phase": Phase.REQUEST}, "sluice_released_before_block_characters_count", {}, 0),
        ({"error": "not_json"}, "sluice_errors_total", {"code": "not_json"}, 1),
        ({"error": "upstream_reset"}, "sluice_upstream_errors_total", {"reason": "reset"}, 1),
        ({"error": "not_json"}, "sluice_upstream_errors_total", {"reason": "not_json"}, 0),
    ],
)
def test_a_record_is_counted(changes: dict[str, object], name: str, labels: dict[str, str], growth: float) -> None:
    """Each part of a record moves its own series, and no other."""
    before = _value(name, **labels)
    count_exchange(exchange(**changes), Timing())
    assert _value(name, **labels) == before + growth


@pytest.mark.parametrize(
    ("name", "labels", "seconds"),
    [
        ("sluice_added_latency_seconds_sum", {"phase": "request"}, 1.0),
        ("sluice_added_latency_seconds_sum", {"phase": "response"}, 2.0),
        ("sluice_upstream_seconds_sum", {}, 3.0),
        ("sluice_time_to_first_frame_seconds_sum", {"part": "upstream"}, 4.0),
        ("sluice_time_to_first_frame_seconds_sum", {"part": "added"}, 5.0),
    ],
)
def test_times_are_seconds(name: str, labels: dict[str, str], seconds: float) -> None:
    """Whoever reads the page reads base units."""
    timing = Timing(
        request_ns=10**9, response_ns=2 * 10**9, upstream_ns=3 * 10**9, first_upstream_ns=4 * 10**9,
        first_added_ns=5 * 10**9,
    )  # fmt: skip
    before = _value(name, **labels)
    count_exchange(exchange(streamed=True), timing)
    assert _value(name, **labels) - before == pytest.approx(seconds)


def test_an_exchange_that_asked_no_model_server_has_no_share_of_it() -> None:
    """A refusal is no answer of zero seconds."""
    before = _value("sluice_upstream_seconds_count")
    count_exchange(exchange(streamed=False), Timing(request_ns=1))
    assert _value("sluice_upstream_seconds_count") == before


def test_lookups_are_counted_by_their_outcome() -> None:
    """A prompt of short texts has none, and moves nothing."""
    before = [_value("sluice_verdict_lookups_total", outcome=outcome) for outcome in ("hit", "miss")]
    metrics.count_lookups(0, 0)
    metrics.count_lookups(3, 1)
    after = [_value("sluice_verdict_lookups_total", outcome=outcome) for outcome in ("hit", "miss")]
    assert [now - then for now, then in zip(after, before, strict=True)] == [3, 1]


@pytest.mark.parametrize(
    "metric", [each for each in vars(metrics).values() if isinstance(each, Counter | Gauge | Histogram)]
)
def test_metrics_are_named_and_explained(metric: Counter | Gauge | Histogram) -> None:
    """The product's prefix, and a help text that is a sentence."""
    (family,) = metric.describe()
    assert family.name.startswith("sluice_")
    assert family.documentation[0].isupper()
    assert family.documentation.endswith(".")


def test_unfiltered_use_is_told_from_the_start() -> None:
    """A rate sees no step from no series to 1: without a zero, the first use would raise no alert."""
    # In an interpreter of its own: in this one, other tests may have counted already.
    read = "from gateway import metrics; from prometheus_client import generate_latest as page; "
    page = subprocess.run(  # noqa: S603 this interpreter
        [sys.executable, "-c", read + "print(page(metrics.REGISTRY).decode())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for review in ("announced", "unannounced"):
        assert f'sluice_unfiltered_exchanges_total{{review="{review}"}} 0.0' in page
