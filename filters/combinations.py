"""Combinations: terms of kind ``all``, which are several parts in one text.

    part & part [& part …] [~n] [- absent …]

Every part has to occur, in any order; with ``~n`` all of them, from the first character of the first to the last of
the last, within n characters; and no absent part may occur in the same text, or with ``~n`` in those n characters.
The signs stand between single spaces, so that a part may hold ``AT&T``, ``~5`` or ``e-mail`` all the same.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from filters.spelling import folded

FEWEST_PARTS = 2
MOST_PARTS = 8
"""Parts and absent parts together: each costs memory in every text that holds another one."""
PART_MAX_CHARACTERS = 64
WITHIN_MAX_CHARACTERS = 200
"""A stream keeps so many characters behind what it has read."""

_AND, _NOT = " & ", " - "
_WITHIN = re.compile(r" ~([0-9]{1,9})$")
# A sign that lost one of its spaces would silently become part of a part.
_SIGNS = ("&", "~", "-")


@dataclass(frozen=True, slots=True)
class Combination:
    """What has to occur in a text together, and what must not.

    Attributes:
        parts: what has to occur, as the list spells it.
        absent: what must not occur beside them.
        within: length of the stretch that holds all parts, in characters; None for the whole text.
    """

    parts: tuple[str, ...]
    absent: tuple[str, ...] = ()
    within: int | None = None


# Parts of combinations are common words, so that a combination is begun again in every other text.
@lru_cache(maxsize=4096)
def parse_combination(text: str) -> Combination:
    """Read a term of kind ``all``.

    Args:
        text: the term as the list spells it.

    Raises:
        ValueError: it is no combination; the message says what is wrong and what to do.
    """
    head, *absent = text.split(_NOT)
    distance = _WITHIN.search(head)
    parts = head[: distance.start()].split(_AND) if distance else head.split(_AND)
    for part in (*parts, *absent):
        _check_part(part)
    _check_number(parts, absent)
    spellings = [folded(part) for part in (*parts, *absent)]
    if len(set(spellings)) < len(spellings):
        raise ValueError("names a part twice; each part once, and none both wanted and unwanted")
    return Combination(tuple(parts), tuple(absent), _distance(distance[1], parts) if distance else None)


def _check_part(part: str) -> None:
    if not part or part != part.strip():
        raise ValueError("has an empty part or a space too many; write a & b, a & b ~20 or a & b - c")
    if part.startswith(_SIGNS) or part.endswith(_SIGNS) or _AND in part or " ~" in part:
        raise ValueError("has a sign out of place; write the parts, then ~n once, then what must be absent")
    if len(part) > PART_MAX_CHARACTERS:
        raise ValueError(f"has a part of {len(part)} characters; shorten it to at most {PART_MAX_CHARACTERS}")


def _check_number(parts: list[str], absent: list[str]) -> None:
    count = len(parts) + len(absent)
    if count < FEWEST_PARTS:
        raise ValueError("has one part only; add another with & or -, or make it a literal")
    if count > MOST_PARTS:
        raise ValueError(f"has {count} parts; keep to {MOST_PARTS}, or write several rows")


def _distance(digits: str, parts: list[str]) -> int:
    within = int(digits)
    if len(parts) < FEWEST_PARTS:
        raise ValueError("gives a distance to a single part; name two with &, or remove the ~")
    # Parts may overlap (ab & bc in abc), so that the longest alone has to fit.
    shortest = max(map(len, parts))
    if not shortest <= within <= WITHIN_MAX_CHARACTERS:
        raise ValueError(f"gives the distance ~{within}; write {shortest} to {WITHIN_MAX_CHARACTERS}")
    return within
