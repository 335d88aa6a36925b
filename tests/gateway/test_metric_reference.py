"""The page of metrics says what the registry exposes."""

from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from gateway.metric_reference import LABELS, declared_metrics, metric_labels, metric_name, render_metrics
from gateway.metrics import REGISTRY
from gateway.proxy.endpoint import ROUTES, ROUTES_BELOW

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_the_committed_page_is_the_rendering() -> None:
    """After a change of the metrics: `make docs`."""
    assert PAGE.read_text(encoding="utf-8") == render_metrics()


@pytest.mark.parametrize("metric", declared_metrics(), ids=metric_name)
def test_metric_is_documented(metric: MetricWrapperBase) -> None:
    """Each metric has one row with its labels, and a meaning that is a sentence."""
    (row,) = [line for line in render_metrics().splitlines() if line.startswith(f"| `{metric_name(metric)}` |")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert [name.strip("`") for name in cells[2].split(", ") if name] == list(metric_labels(metric))
    assert cells[3].endswith(".")


def test_every_exposed_metric_is_declared() -> None:
    """What Prometheus scrapes is what the page lists."""
    exposed = {family.name for family in REGISTRY.collect()}
    assert exposed == {metric_name(metric).removesuffix("_total") for metric in declared_metrics()}


def test_every_label_is_explained() -> None:
    """The second table has each label that a metric uses, and no other."""
    assert set(LABELS) == {label for metric in declared_metrics() for label in metric_labels(metric)}


def test_every_wire_format_served_is_a_value_of_its_label() -> None:
    """The label is a closed set, and the page names all of it."""
    names = {dialect.name for dialect in (*ROUTES.values(), *ROUTES_BELOW.values())}
    assert {name for name in names if f"`{name}`" not in LABELS["dialect"]} == set()
