"""Use of unfiltered test accounts, in reviews and outside of them."""

import re
from pathlib import Path

import pytest

from gateway.accounts.account import AccountKind
from gateway.metric_reference import declared_metrics, metric_name
from tests.gateways import chat, gateway

RULES = Path(__file__).parents[2] / "deploy" / "prometheus"
ALWAYS = {"name": "filing", "begins": "2020-01-01T00:00:00Z", "ends": "2099-01-01T00:00:00Z"}


@pytest.mark.parametrize(("reviews", "counted"), [((), "unannounced"), ((ALWAYS,), "announced")])
def test_use_is_counted_by_whether_a_review_was_announced(
    tmp_path: Path, standin_url: str, reviews: tuple[dict[str, str], ...], counted: str
) -> None:
    """Other kinds are not counted there."""
    with gateway(tmp_path, standin_url, {"reviews": reviews}) as served:
        before = served.metric("sluice_unfiltered_exchanges_total", review=counted)
        for kind in AccountKind:
            assert served.post(chat("你好"), headers=served.headers(kind)).status_code == 200
        assert served.metric("sluice_unfiltered_exchanges_total", review=counted) == before + 1


@pytest.mark.parametrize("path", sorted(RULES.glob("*.yml")), ids=lambda path: path.name)
def test_alerts_ask_for_metrics_there_are(path: Path) -> None:
    """A rule about a metric that was renamed would be silent for ever."""
    asked = set(re.findall(r"sluice_[a-z_]+", path.read_text("utf-8")))
    assert asked <= {metric_name(each) for each in declared_metrics()}
    assert asked
