"""The policy of an account, told to people and programs."""

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.accounts.account import AccountKind
from gateway.accounts.policy import policy_named, policy_of
from tests.gateway.accounts.samples import sample_account
from tests.settings_files import load_text

TEXT = """
[policies.strict]
request.keywords = "block"
answer.zh = "不"
[[policies.select]]
policy = "minors"
profile = "minor"
[[policies.select]]
policy = "strict"
tenant = "east"
kind = "user"
account = "sample"
model = "qwen*"
"""


@pytest.mark.parametrize(
    ("own", "model", "profile", "name", "because"),
    [
        (None, "", "", "default", "the account has none of its own, and no rule fits"),
        (None, "qwen3", "", "strict", "rule 2 of [[policies.select]] fits, {file}:8"),
        (None, "qwen3", "minor", "minors", "rule 1 of [[policies.select]] fits, {file}:5"),
        ("code", "qwen3", "minor", "code", "it is the account's own"),
    ],
)
def test_it_says_which_policy_and_why(
    tmp_path: Path, own: str | None, model: str, profile: str, name: str, because: str
) -> None:
    """As admission chooses it."""
    account = replace(sample_account(), name="sample", kind=AccountKind.USER, policy=own, tenant="east")
    found = policy_of(load_text(tmp_path, TEXT), account, model=model, profile=profile)
    assert (found.name, found.because) == (name, because.format(file=tmp_path / "sluice.toml"))
    assert not found.missing


def test_a_policy_that_is_gone_is_missing(tmp_path: Path) -> None:
    """There is nothing to show of it."""
    found = policy_of(load_text(tmp_path, TEXT), replace(sample_account(), policy="gone"))
    assert (found.name, found.missing, found.values) == ("gone", True, ())


def test_it_is_written_for_people_and_for_programs(tmp_path: Path) -> None:
    """TOML with the places as comments; rows with the same."""
    found = policy_named(load_text(tmp_path, TEXT), "strict")
    text = found.as_text()
    assert text.startswith("# Policy strict: it was asked for by name.\n[policies.strict]\n")
    assert f'[policies.strict.request]\nkeywords = "block"  # own, {tmp_path}/sluice.toml:3\n' in text
    assert 'refusal = "answer"  # built-in\n' in text
    rows = found.as_json()["values"]
    assert isinstance(rows, list)
    place = f"{tmp_path}/sluice.toml:4"
    assert {"key": ["answer", "zh"], "value": "不", "source": "own", "policy": "strict", "place": place} in rows
    assert {"key": ["shadow"], "value": False, "source": "built-in", "policy": None, "place": None} in rows
