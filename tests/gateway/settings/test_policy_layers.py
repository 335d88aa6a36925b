"""What a policy inherits, and where each of its values comes from."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings.policy_layers import PolicyValue, effective_policy, policy_values
from gateway.settings.policy_select import Policies
from tests.settings_files import load_text

TEXT = """
[policies.default]
refusal = "error"
answer = { zh = "默认", de = "Grundsatz" }
[policies.strict]
request.keywords = "block"
answer.zh = "严格"
[policies.kids]
base = "strict"
response.keywords = "flag"
[policies.teens]
base = "minors"
risks."A.4.a".action = "flag"
"""


def _rows(folder: Path, name: str, environ: dict[str, str] | None = None) -> dict[tuple[str, ...], PolicyValue]:
    return {each.key: each for each in policy_values(load_text(folder, TEXT, environ), name)}


@pytest.mark.parametrize(
    ("name", "key", "value", "origin"),
    [
        ("default", ("refusal",), "error", "own, {file}:3"),
        ("default", ("shadow",), False, "built-in"),
        ("strict", ("refusal",), "error", "default, {file}:3"),
        ("strict", ("answer", "zh"), "严格", "own, {file}:7"),
        ("strict", ("answer", "de"), "Grundsatz", "default, {file}:4"),
        ("kids", ("request", "keywords"), "block", "base strict, {file}:6"),
        ("kids", ("response", "keywords"), "flag", "own, {file}:10"),
        ("kids", ("answer", "zh"), "严格", "base strict, {file}:7"),
        ("kids", ("request", "fail_mode", "keywords"), "closed", "built-in"),
        ("teens", ("risks", "A.4.a", "action"), "flag", "own, {file}:13"),
        ("teens", ("risks", "A.1.f", "action"), "block", "shipped minors"),
        ("teens", ("answer", "de"), "Grundsatz", "default, {file}:4"),
        ("minors", ("risks", "A.4.a", "refusal"), "fixed_answer", "shipped minors"),
    ],
)
def test_each_value_says_where_it_comes_from(
    tmp_path: Path, name: str, key: tuple[str, ...], value: object, origin: str
) -> None:
    """Own before base before default before built-in; what ships stands beneath the table of its name."""
    row = _rows(tmp_path, name)[key]
    assert (row.value, row.origin) == (value, origin.format(file=tmp_path / "sluice.toml"))


def test_a_variable_is_named(tmp_path: Path) -> None:
    """It wins over the file, and has no line."""
    row = _rows(tmp_path, "kids", {"SLUICE_POLICIES__STRICT__REQUEST__KEYWORDS": "mask"})["request", "keywords"]
    assert (row.value, row.origin) == ("mask", "base strict, SLUICE_POLICIES__STRICT__REQUEST__KEYWORDS")


def test_the_base_itself_is_no_value(tmp_path: Path) -> None:
    """It is how the values were found."""
    assert ("base",) not in _rows(tmp_path, "kids")


TABLES = st.fixed_dictionaries(
    {},
    optional={
        "refusal": st.sampled_from(["answer", "error"]),
        "shadow": st.booleans(),
        "request": st.fixed_dictionaries({}, optional={"keywords": st.sampled_from(["flag", "mask", "off"])}),
        "answer": st.dictionaries(st.sampled_from(["zh", "en"]), st.sampled_from(["a", "b"]), max_size=2),
    },
)


def _dig(tree: Any, *path: str) -> Any:  # noqa: ANN401 what settings hold
    for name in path:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


@given(TABLES, TABLES, TABLES)
def test_a_value_is_that_of_the_nearest_table_that_gives_one(
    own: dict[str, Any], base: dict[str, Any], default: dict[str, Any]
) -> None:
    """The law of inheritance, key by key."""
    policies = Policies.model_validate({"default": default, "base": base, "own": {**own, "base": "base"}})
    found = effective_policy(policies, "own").model_dump(mode="json")
    built_in = effective_policy(Policies(), "default").model_dump(mode="json")
    for path in (("refusal",), ("shadow",), ("request", "keywords"), ("answer", "zh"), ("answer", "en")):
        given = [_dig(table, *path) for table in (own, base, default)]
        expected = next((value for value in given if value is not None), _dig(built_in, *path))
        assert _dig(found, *path) == expected
