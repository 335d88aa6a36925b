"""From the active lists to a ruleset, in the process that asks: at a start, for a command, in a builder's child."""

import ctypes
import time
from datetime import datetime
from typing import NamedTuple

from filters.list_rows import ListRow
from filters.lists import list_digest, read_rows
from filters.ruleset import Ruleset, build_ruleset
from gateway.rulesets.sources import Signature, active_lists, signature, today
from gateway.settings.models import Lists


class InForce(NamedTuple):
    """A ruleset and what it was built from.

    Attributes:
        ruleset: what texts are scanned with.
        version: id of the published version; empty for the settings' directories.
        signature: of the lists, as they were before they were read.
        loaded_at: when it was loaded, in seconds of Unix time.
    """

    ruleset: Ruleset
    version: str
    signature: Signature
    loaded_at: float


def build_active(lists: Lists, now: datetime, version: str = "") -> InForce:
    """Read the active lists and build their ruleset.

    Args:
        lists: the settings.
        now: the time, with its zone; terms whose last day has passed are left out.
        version: id of a published version to take in the place of the active one.

    Raises:
        filters.lists.ListError: a list is wrong; it says where and how.
    """
    # Before the files are read: what changes meanwhile is then seen as a change.
    before = signature(lists, now)
    rows, version = read_active(lists, now, version)
    terms = [row.term for row in rows]
    built = InForce(build_ruleset(terms, list_digest(terms)), version, before, time.time())
    give_back_memory()
    return built


def give_back_memory() -> None:
    """Give the system back what building has freed: more than the ruleset keeps, and the allocator would hold it."""
    # Not every C library has it; where it is missing, memory is only used again.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:  # pragma: no branch
        trim(0)


def read_active(lists: Lists, now: datetime, version: str = "") -> tuple[tuple[ListRow, ...], str]:
    """Return the rows that are in force, and the id of the version they are from.

    Args:
        lists: the settings.
        now: the time, with its zone.
        version: id of a published version to take in the place of the active one.

    Raises:
        filters.lists.ListError: a list is wrong.
    """
    active = active_lists(lists, version)
    # Taken once, so that all lists of one ruleset are judged by the same day.
    day = today(lists, now)
    rows = (row for directory in active.directories for row in read_rows(directory))
    return tuple(row for row in rows if row.in_force(day)), active.version
