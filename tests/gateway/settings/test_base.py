"""What all sections share."""

import pytest
from pydantic import ValidationError

from gateway.settings.base import Section, rejected


class Example(Section):
    """A section with one number."""

    seconds: float = 1


def test_a_section_cannot_change() -> None:
    """A section read once stays as it was read."""
    section = Example()
    with pytest.raises(ValidationError, match="frozen"):
        section.seconds = 2  # type: ignore[misc]  # writing to a frozen model is what is tested


@pytest.mark.parametrize("given", [{"second": 1}, {"seconds": float("nan")}, {"seconds": float("inf")}])
def test_a_section_refuses_what_it_cannot_mean(given: dict[str, float]) -> None:
    """An unknown key and a number that is none are errors."""
    with pytest.raises(ValidationError):
        Example.model_validate(given)


def test_a_rejection_carries_its_remedy() -> None:
    """The error of a check holds what is wrong and what to do."""
    error = rejected("is wrong", "Do right")
    assert error.message() == "is wrong"
    assert error.context == {"wrong": "is wrong", "remedy": "Do right"}
