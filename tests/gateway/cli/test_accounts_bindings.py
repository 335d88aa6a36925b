"""Bindings by command: of names that stay with whoever types them."""

from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from gateway.accounts.account import AccountKind
from gateway.accounts.store import AccountDraft, AccountStore
from gateway.audit.content.secrets import read_master_keys
from gateway.cli.main import app

PERSON = "reviewer-01@example.org"


@pytest.fixture
def account_id(store_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A platform in a store and a trail of its own, named by the environment."""
    monkeypatch.setenv("SLUICE_STORE__URL", store_engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("SLUICE_AUDIT__DIRECTORY", str(tmp_path / "audit"))
    draft = AccountDraft("platform", AccountKind.USER, trusts_end_user=True)
    return AccountStore(store_engine).create_all([draft], 1)[0][0].id


def sluice(*arguments: str) -> Result:
    """Run ``sluice accounts`` in this process."""
    return CliRunner().invoke(app, ["accounts", *arguments])


def test_an_end_user_is_bound_by_name_and_kept_by_pseudonym(
    account_id: str, store_engine: Engine, tmp_path: Path
) -> None:
    """The pseudonym is the gateway's own, so its requests find it; the name is nowhere."""
    bound = sluice("bind", "platform", "--kind", "audit", "--end-user", PERSON, "--note", "province")
    assert bound.exit_code == 0, bound.output
    pseudonym = read_master_keys({}, None, tmp_path / "audit").pseudonym(account_id, PERSON)
    account, _ = AccountStore(store_engine).get("platform")
    assert set(account.bindings) == {pseudonym}
    assert "province" in sluice("bindings", "platform").stdout
    assert sluice("bindings", "platform", "--json").stdout.count(pseudonym) == 1
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(PERSON.encode() in each for each in files)
    gone = sluice("unbind", "platform", "--end-user", PERSON)
    assert (gone.exit_code, gone.stdout) == (0, f"{pseudonym} is not bound any more.\n")
    assert sluice("unbind", "platform", "--pseudonym", pseudonym).exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--kind", "audit"], 2, "Name whom"),
        (["--kind", "user", "--end-user", PERSON], 1, "audit or unfiltered"),
        (["--kind", "unfiltered", "--end-user", PERSON], 1, "needs an expiry and a list of networks"),
        (["--kind", "unfiltered", "--end-user", PERSON, "--expires", "9d"], 1, "needs an expiry and a list"),
        (["--kind", "audit", "--pseudonym", PERSON], 1, "22 characters"),
    ],
)
def test_what_cannot_be_bound_is_told(
    account_id: str, store_engine: Engine, arguments: list[str], status: int, said: str
) -> None:
    """And nothing is."""
    result = sluice("bind", "platform", *arguments)
    assert (result.exit_code, result.stdout) == (status, "")
    assert said in " ".join(result.stderr.split())
    assert PERSON not in result.stderr
    assert dict(AccountStore(store_engine).get(account_id)[0].bindings) == {}


def test_an_unfiltered_binding_with_its_bounds_is_made(account_id: str, store_engine: Engine) -> None:
    """An end and a network."""
    options = ["--expires", "9d", "--allow-from", "10.0.0.0/8"]
    assert sluice("bind", "platform", "--kind", "unfiltered", "--end-user", PERSON, *options).exit_code == 0
    (binding,) = AccountStore(store_engine).get(account_id)[0].bindings.values()
    assert (binding.kind, len(binding.allow_from)) == (AccountKind.UNFILTERED, 1)
