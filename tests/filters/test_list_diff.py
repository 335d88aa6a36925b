"""What changed between two states of the lists."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from filters.findings import Action
from filters.list_diff import Change, Difference, compare_rows
from filters.list_rows import ListRow
from tests.filters.list_rows import list_row


def test_added_removed_and_changed_rows_are_told_apart() -> None:
    """A row for the same term of the same risk is changed; any other is new or gone."""
    kept, old, gone = list_row("a1"), list_row("a2"), list_row("a3")
    new, come = list_row("A2", action=Action.MASK), list_row("a3", "A.1.f")
    assert compare_rows([kept, old, gone], [come, new, kept]) == Difference((come,), (gone,), (Change(old, new),))


def test_change_names_its_columns() -> None:
    """Each column with what it was and what it is, and no other."""
    change = Change(list_row("a1"), list_row("a1", action=Action.FLAG, expires=date(2027, 1, 31)))
    assert change.columns == {"action": ("block", "flag"), "expires": ("", "2027-01-31")}


def test_rows_that_directories_repeat_are_paired() -> None:
    """Where one state has a term twice, only what differs is told."""
    one, other = list_row("a1"), list_row("a1", action=Action.MASK)
    third = list_row("a1", action=Action.FLAG)
    assert compare_rows([one, other], [other]) == Difference((), (one,), ())
    assert compare_rows([one, other], [other, third]) == Difference((), (), (Change(one, third),))
    assert compare_rows([one, one], [one]) == Difference((), (one,), ())


_rows = st.lists(
    st.builds(
        list_row, st.sampled_from(["a1", "a2"]), st.sampled_from(["A.1.a", "A.1.b"]), note=st.sampled_from("xy")
    ),
    max_size=5,
)


@given(_rows.flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))))
def test_order_does_not_matter(orders: tuple[list[ListRow], list[ListRow]]) -> None:
    """The same rows in another order are the same state."""
    assert not compare_rows(*orders)


@given(_rows, _rows)
def test_difference_leads_from_one_state_to_the_other(before: list[ListRow], after: list[ListRow]) -> None:
    """Taking out what is gone and putting in what came makes the new state of the old."""
    difference = compare_rows(before, after)
    made = list(before)
    for row in (*difference.removed, *(change.before for change in difference.changed)):
        made.remove(row)
    made += [*difference.added, *(change.after for change in difference.changed)]
    assert sorted(made, key=repr) == sorted(after, key=repr)
