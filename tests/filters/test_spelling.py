"""How values of a list are compared and shown."""

from hypothesis import given
from hypothesis import strategies as st

from filters.spelling import folded, quoted


def test_folding_ignores_case_and_width() -> None:
    """Spellings that differ in case or width alone count as the same term."""
    assert folded("ＫＩＬＬ Straße") == folded("kill STRASSE")


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    """A folded text is its own folded form, so comparing folded texts is an equivalence."""
    assert folded(folded(text)) == folded(text)


def test_long_values_are_cut_in_messages() -> None:
    """A message stays on one line whatever a column holds."""
    assert quoted("a\nb") == "'a\\nb'"
    assert quoted("x" * 41) == f"'{'x' * 40}…'"
