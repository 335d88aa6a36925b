"""What changed between two states of the lists."""

from collections.abc import Iterable
from itertools import zip_longest
from typing import NamedTuple

from filters.list_rows import ListRow, write_row


class Change(NamedTuple):
    """A row that says something else about the same term of the same risk.

    Attributes:
        before: the row as it was.
        after: the row as it is.
    """

    before: ListRow
    after: ListRow

    @property
    def columns(self) -> dict[str, tuple[str, str]]:
        """The columns that differ, each with its value before and after."""
        before, after = write_row(self.before), write_row(self.after)
        return {name: (value, after[name]) for name, value in before.items() if value != after[name]}


class Difference(NamedTuple):
    """What changed, in the order of the rows.

    Attributes:
        added: rows for terms that were not there.
        removed: rows for terms that are gone.
        changed: rows for terms that were and are there.
    """

    added: tuple[ListRow, ...]
    removed: tuple[ListRow, ...]
    changed: tuple[Change, ...]

    def __bool__(self) -> bool:
        return any(map(len, self))


_Place = tuple[str, bool, str]


def compare_rows(before: Iterable[ListRow], after: Iterable[ListRow]) -> Difference:
    """Compare two states of the lists; order, file and line of a row do not matter.

    Args:
        before: the rows as they were.
        after: the rows as they are.
    """
    old, new = _by_place(before), _by_place(after)
    added: list[ListRow] = []
    removed: list[ListRow] = []
    changed: list[Change] = []
    for place in dict.fromkeys((*old, *new)):
        gone, come = _without_common(old.get(place, []), new.get(place, []))
        for was, is_now in zip_longest(gone, come):
            if was is None:
                added.append(is_now)
            elif is_now is None:
                removed.append(was)
            else:
                changed.append(Change(was, is_now))
    return Difference(tuple(added), tuple(removed), tuple(changed))


def _by_place(rows: Iterable[ListRow]) -> dict[_Place, list[ListRow]]:
    """Return rows by risk and term; several where directories of one state repeat a term."""
    places: dict[_Place, list[ListRow]] = {}
    for row in rows:
        places.setdefault((row.term.risk, *row.key), []).append(row)
    return places


def _without_common(old: list[ListRow], new: list[ListRow]) -> tuple[list[ListRow], list[ListRow]]:
    rest = list(new)
    gone = []
    for row in old:
        # Taken out one by one: a row that stands twice and then once was removed once.
        if row in rest:
            rest.remove(row)
        else:
            gone.append(row)
    return gone, rest
