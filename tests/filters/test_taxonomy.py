"""The taxonomy is the standard's, plus the project's own group."""

import dataclasses

import pytest

from filters.taxonomy import load_taxonomy


def test_every_risk_of_the_standard_is_there() -> None:
    """Annex A has 31 risks, in groups of 8, 9, 5, 7 and 2."""
    groups = [risk.group for risk in load_taxonomy().risks.values()]
    assert {group: groups.count(group) for group in dict.fromkeys(groups)} == {
        "A.1": 8,
        "A.2": 9,
        "A.3": 5,
        "A.4": 7,
        "A.5": 2,
        "X": 2,
    }


def test_project_risks_are_there() -> None:
    """Breaking out of the rules and exposing credentials are the project's own risks."""
    assert {"X.jailbreak", "X.secret"} < set(load_taxonomy().risks)


def test_keyword_minimums_are_those_of_the_standard() -> None:
    """The 17 classes of A.1 and A.2 have a minimum of 200 and 100 keywords; no other risk has one."""
    for risk in load_taxonomy().risks.values():
        assert risk.keyword_min == {"A.1": 200, "A.2": 100}.get(risk.group)


def test_keyword_total_is_that_of_the_standard() -> None:
    """TC260-003 chapter 8 asks for ten thousand keywords in all."""
    assert load_taxonomy().keyword_total_min == 10_000


def test_risk_has_its_names() -> None:
    """A risk is found by its id and carries both names."""
    risk = load_taxonomy().risks["A.1.f"]
    assert (risk.id, risk.zh, risk.en) == (
        "A.1.f",
        "宣扬暴力、淫秽色情",
        "Promoting violence, obscenity or pornography",
    )


def test_taxonomy_cannot_be_changed() -> None:
    """Neither a risk nor the table of risks can be changed after loading."""
    taxonomy = load_taxonomy()
    with pytest.raises(dataclasses.FrozenInstanceError):
        taxonomy.risks["A.1.f"].zh = "其他"  # type: ignore[misc]  # the point of the test
    with pytest.raises(TypeError):
        taxonomy.risks["A.9.z"] = taxonomy.risks["A.1.f"]  # type: ignore[index]  # the point of the test
