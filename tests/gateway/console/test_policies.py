"""The policy of an account over HTTP."""

from pathlib import Path

from gateway.accounts.account import AccountKind
from gateway.accounts.drafts import AccountDraft
from tests.gateways import HTTP, gateway


def test_the_policy_of_an_account_is_told(tmp_path: Path) -> None:
    """Which, why, and where its values come from; for whom it is asked decides."""
    settings = {"policies": {"select": [{"policy": "minors", "profile": "minor", "model": "m*"}]}}
    with gateway(tmp_path, "http://127.0.0.1:1", settings) as running:
        running.store.create_all([AccountDraft("shown", AccountKind.USER)], at_us=1)
        url = f"{running.admin_url}/api/v1/accounts/shown/policy"
        plain = HTTP.get(url).json()
        assert (plain["policy"], plain["missing"]) == ("default", False)
        minor = HTTP.get(url, params={"profile": "minor", "model": "m1"}).json()
        assert (minor["policy"], minor["because"]) == (
            "minors",
            "rule 1 of [[policies.select]] fits, command line",
        )
        blocked = {"key": ["risks", "A.1.f", "action"], "value": "block", "source": "shipped", "policy": "minors"}
        assert blocked | {"place": None} in minor["values"]
        unknown = HTTP.get(f"{running.admin_url}/api/v1/accounts/nobody/policy")
        assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "not_found")
