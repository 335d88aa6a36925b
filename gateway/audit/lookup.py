"""Looks entries up in the files and in the index together, so that an answer is complete though the index is behind.

Rules: an entry fits a question by the columns the index has of it, wherever it is read from; what the index does not
have yet is read from the files, from where the index stands; no entry is given twice.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from gateway.audit.canonical import canonical_json
from gateway.audit.index import read_cursors
from gateway.audit.index_rows import EntryRow, rows_of
from gateway.audit.queries import IndexedEntry, Key, Question, find_all
from gateway.audit.reader import START, Position, StoredEntry, read_log
from gateway.audit.segment import log_directories
from gateway.storage.transactions import reading

# Members that stand in the bytes as they are asked for; a decision may be left out, and a type is everywhere.
_FOUND_IN_BYTES = ("request_id", "end_user", "account", "risk")


class Answer(NamedTuple):
    """What was found.

    Attributes:
        entries: the newest that fit, newest first.
        unindexed: entries that were read from the files, because the index does not have them yet.
    """

    entries: list[IndexedEntry]
    unindexed: int


def look_up(engine: sa.Engine, directory: Path | None, question: Question, limit: int) -> Answer:
    """Return the newest entries that fit, from the index and from what it does not have yet of the files.

    Args:
        engine: the store.
        directory: the audit directory of this machine; None looks into the index alone.
        question: what entries must fit.
        limit: most entries returned.

    Raises:
        StorageError: the store is away.
        CorruptLogError: a log is damaged behind where the index stands.
        OSError: a log cannot be read.
        ValueError: an entry is of a form that is not known here.
    """
    if directory is None:
        return Answer(list(find_all(engine, question, limit=limit)), 0)
    log_ids = [path.name for path in log_directories(directory)]
    # The cursors first: what is indexed from now on is found in both, and counted once.
    with reading(engine) as connection:
        cursors = read_cursors(connection, log_ids)
    tail = _Counted(_entries(directory, cursors))
    newest = _newest(_fitting(tail, question), limit)
    found = {entry.key: entry for entry in (*newest, *find_all(engine, question, limit=limit))}
    return Answer(_newest(found.values(), limit), tail.count)


def look_up_in_files(directory: Path, question: Question, limit: int) -> list[IndexedEntry]:
    """Return the newest entries that fit, newest first, from the files alone.

    Args:
        directory: an audit directory.
        question: what entries must fit.
        limit: most entries returned.

    Raises:
        CorruptLogError: a log is damaged.
        OSError: a log cannot be read, or there is no such directory.
        ValueError: an entry is of a form that is not known here.
    """
    # A mistyped directory must not read as a trail in which nothing happened.
    if not directory.is_dir():
        raise OSError(f"there is no directory {directory}; name it with --directory")
    return _newest(_fitting(_entries(directory, {}), question), limit)


class _Counted:
    """Counts what passes."""

    def __init__(self, entries: Iterable[tuple[str, StoredEntry]]) -> None:
        self._entries = entries
        self.count = 0

    def __iter__(self) -> Iterator[tuple[str, StoredEntry]]:
        for each in self._entries:
            self.count += 1
            yield each


def _entries(directory: Path, cursors: Mapping[str, Position]) -> Iterator[tuple[str, StoredEntry]]:
    for log_directory in log_directories(directory):
        for stored in read_log(log_directory, cursors.get(log_directory.name, START)):
            yield log_directory.name, stored


def _fitting(entries: Iterable[tuple[str, StoredEntry]], question: Question) -> Iterator[IndexedEntry]:
    # Decoding costs ten times what reading does, so what can be is looked for in the bytes first.
    asked = [value for name in _FOUND_IN_BYTES if (value := getattr(question, name)) is not None]
    needles = [canonical_json(value) for value in asked]
    for log_id, stored in entries:
        if not all(needle in stored.entry for needle in needles):
            continue
        # The bytes may hold a value in another member, so the columns decide.
        rows = rows_of(log_id, [stored])
        (row,) = rows.entries
        if row.entry is not None and _fits(question, row, {risk.risk for risk in rows.risks}):
            yield IndexedEntry(Key(row.at_us, log_id, row.sequence), row.entry, row.leaf_hash)


def _fits(question: Question, row: EntryRow, risks: set[str]) -> bool:
    return (
        (question.since_us is None or row.at_us >= question.since_us)
        and (question.until_us is None or row.at_us < question.until_us)
        and (question.risk is None or question.risk in risks)
        and all(
            getattr(question, name) in {None, getattr(row, name)}
            for name in ("request_id", "end_user", "account", "decision", "type")
        )
    )


def _newest(entries: Iterable[IndexedEntry], limit: int) -> list[IndexedEntry]:
    # Only so many entries are in memory, however large the trail is.
    return heapq.nlargest(limit, entries, key=lambda entry: entry.key)
