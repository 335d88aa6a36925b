"""Which lists are active: the published version, or the directories the settings name."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from filters.lists import shipped_lists
from gateway.rulesets.versions import VersionStore
from gateway.settings.models import Lists

MANIFEST = "manifest.json"
"""In a directory of lists: their version, date, digest, counts and sources."""

Signature = tuple[object, ...]
"""What tells two states of the active lists apart without reading them; compared for equality only."""


class ActiveLists(NamedTuple):
    """The lists that are active.

    Attributes:
        directories: where they are.
        version: id of the published version; empty when the settings' directories are active.
    """

    directories: tuple[Traversable, ...]
    version: str = ""


def active_lists(lists: Lists, version: str = "") -> ActiveLists:
    """Return which lists are active.

    Args:
        lists: the settings.
        version: id of a published version that stands for the active one; empty for that itself.

    Raises:
        filters.lists.ListError: a version is active and is not there, or not as it was published.
    """
    store = VersionStore(lists.versions)
    version = version or store.active_id()
    # A version is complete, with the shipped lists of its day: so that going back brings back what was.
    return ActiveLists(store.directories(version), version) if version else ActiveLists(configured_directories(lists))


def configured_directories(lists: Lists) -> tuple[Traversable, ...]:
    """Return the directories the settings name, the shipped lists first."""
    return (*((shipped_lists(),) if lists.shipped else ()), *lists.directories)


def changed_at_seconds(active: ActiveLists, store: VersionStore) -> float:
    """Return when lists were last changed, in seconds of Unix time; 0 where there are none.

    Args:
        active: the lists.
        store: the published versions.
    """
    if active.version:
        return store.find(active.version).published_at_us / 1_000_000
    return max((_changed_at(directory) for directory in active.directories), default=0.0)


def _changed_at(directory: Traversable) -> float:
    # Lists that ship with the product say of which day they are; the time of their files is that of the installation.
    manifest = directory / MANIFEST
    if manifest.is_file():
        day = date.fromisoformat(json.loads(manifest.read_text(encoding="utf-8"))["date"])
        return datetime.combine(day, time(), UTC).timestamp()
    # The time of the files is all there is; a copy made today looks fresh.
    paths = _lists_in(directory) if isinstance(directory, Path) else iter(())
    return max((path.stat().st_mtime for path in paths), default=0.0)


def today(lists: Lists, now: datetime) -> date:
    """Return the day by which terms expire.

    Args:
        lists: the settings, for the time zone.
        now: the time, with its zone.
    """
    return now.astimezone(ZoneInfo(lists.timezone)).date()


def signature(lists: Lists, now: datetime) -> Signature:
    """Return what tells whether lists have to be read again: cheap enough for every second, and never fails.

    Args:
        lists: the settings.
        now: the time, with its zone: at midnight terms expire though no file changes.
    """
    store = VersionStore(lists.versions)
    pointer = _identity(store.pointer)
    # A version never changes, and while one is active nothing is read from the settings' directories.
    directories = () if pointer else configured_directories(lists)
    paths = (path for directory in directories if isinstance(directory, Path) for path in _lists_in(directory))
    return (today(lists, now), pointer, *((str(path), _identity(path)) for path in paths))


def _lists_in(directory: Path) -> Iterator[Path]:
    try:
        names = sorted(entry.name for entry in os.scandir(directory) if entry.name.endswith(".csv"))
    except OSError:
        names = []
    return (directory / name for name in names)


def _identity(path: Path) -> tuple[int, ...]:
    """Return what tells a file's states apart; empty when it cannot be looked at."""
    try:
        found = path.stat()
    except OSError:
        return ()
    # With the inode: a file that was replaced may have size and time of the one before.
    return (found.st_ino, found.st_size, found.st_mtime_ns)
