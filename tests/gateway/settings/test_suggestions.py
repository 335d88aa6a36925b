"""Guesses for mistyped names."""

from gateway.settings.suggestions import nearest


def test_the_closest_name_is_suggested() -> None:
    """A slip of the finger leads to the name that was meant."""
    assert nearest("prot", ["port", "host"]) == "Did you mean port"


def test_nothing_close_is_no_suggestion() -> None:
    """A far-fetched guess would mislead."""
    assert nearest("zzz", ["port", "host"]) is None
