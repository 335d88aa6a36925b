"""Published versions of the lists: files beside the store, named by a digest of what is in them.

    <directory>/active              ids that were active, one a line; the last one is; replaced in one step
    <directory>/<id>/version.json   who published it, when, why
    <directory>/<id>/<n>/<risk>.csv its lists, one directory for each that was published

Rules: a version never changes once it has its name; the pointer names it only after it is durable; a version that is
not as it was published is refused. Every worker of this machine reads the same files. For a fleet another class with
these methods can keep them in the store; nobody else knows of the files.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from filters.findings import Kind
from filters.list_rows import ListRow
from filters.list_writing import list_text, rows_by_risk
from filters.lists import ListError, Problem
from gateway.audit.files import OsFileOps, write_durably
from gateway.errors import GatewayError

_FORM = 1
_ID_DIGITS = 16  # of 64: enough to tell versions apart, short enough to type the beginning of
_ID = re.compile(f"[0-9a-f]{{{_ID_DIGITS}}}")
# Each is a few dozen bytes; a thousand rollbacks in a row are nobody's plan.
_REMEMBERED = 1_000


class VersionError(GatewayError):
    """A version that was asked for cannot be had; the message says why and what to do."""


class Version(NamedTuple):
    """One published version.

    Attributes:
        id: what names it.
        digest: digest of its lists as written, ``sha256:`` and 64 hex digits.
        published_at_us: when, in microseconds of Unix time.
        by: who published it.
        note: why, in their words.
        keywords: number of keywords in it, also of those that have expired since.
    """

    id: str
    digest: str
    published_at_us: int
    by: str
    note: str
    keywords: int


class VersionStore:
    """The versions in one directory.

    Args:
        directory: where they are; made when the first is published.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._ops = OsFileOps()
        self.pointer = directory / "active"
        """The file that names the active version; absent when none is."""

    def active_id(self) -> str:
        """Return the id of the active version; empty when none is.

        Raises:
            ListError: the file that names it cannot be read.
        """
        return _top(self._stack())

    def versions(self) -> tuple[Version, ...]:
        """Return every version, the newest first."""
        if not self._directory.is_dir():
            return ()
        found = (self._read(path.name) for path in self._directory.iterdir() if _ID.fullmatch(path.name))
        return tuple(sorted(found, key=lambda version: version.published_at_us, reverse=True))

    def find(self, beginning: str) -> Version:
        """Return the one version whose id begins so.

        Raises:
            VersionError: there is none, or more than one.
        """
        found = [version for version in self.versions() if beginning and version.id.startswith(beginning)]
        if len(found) != 1:
            many = "several versions begin so" if found else "there is no such version"
            raise VersionError(f"{beginning!r}: {many}; run 'sluice lists versions' for their ids")
        return found[0]

    def directories(self, version_id: str) -> tuple[Path, ...]:
        """Return the directories of a version's lists.

        Raises:
            ListError: it is not there, or not as it was published.
        """
        if not self._is_whole(version_id):
            what = "is not there, or not as it was published; restore it, or run 'sluice lists rollback'"
            raise ListError([Problem(f"version {version_id}", 0, what)])
        return tuple(sorted(path for path in (self._directory / version_id).iterdir() if path.is_dir()))

    def publish(
        self,
        lists: Sequence[Sequence[ListRow]],
        by: str,
        note: str,
        at_us: int,
        record: Callable[[Version, str], None] = lambda _version, _active: None,
        *,
        activate: bool = True,
    ) -> Version:
        """Store lists as a version, and make it the active one.

        Args:
            lists: the rows of each directory, without problems.
            by: who publishes them.
            note: why.
            at_us: now, in microseconds of Unix time.
            record: records it durably before it can be seen, given the version and the id of the one that is active;
                undoes it by raising.
            activate: False to store it only.

        Returns:
            The version; the one that is there already when the same lists were published before.

        Raises:
            VersionError: there is no row in them.
            OSError: it cannot be written; the active version is what it was.
        """
        # A gateway would start with it, and match nothing.
        if not any(lists):
            raise VersionError("The lists hold no row at all; publish some, or roll back.")
        with self._locked():
            stack = self._stack()
            version = self._store(lists, by, note, at_us, lambda made: record(made, _top(stack)))
            # Published twice in a row: going back has to lead to what was before, not to the same again.
            if activate and stack[-1:] != [version.id]:
                self._point([*stack, version.id])
        return version

    def roll_back(
        self, to: str | None = None, record: Callable[[str, str], None] = lambda _version, _active: None
    ) -> Version | None:
        """Make an earlier version the active one again.

        Args:
            to: id, or how it begins; None takes the one that was active before.
            record: records it durably before it takes effect, given the ids of the version and of the one that is
                active; undoes it by raising.

        Returns:
            The version that is active now; None when the settings' directories are.

        Raises:
            VersionError: there is nothing to go back to, or no such version.
            ListError: the version is not as it was published; nothing changed.
        """
        with self._locked():
            stack = self._stack()
            if to is None:
                if not stack:
                    raise VersionError("No version is active, so there is nothing before it.")
                left = stack[:-1]
            else:
                wanted = self.find(to).id
                # What was tried after it is forgotten, so that the next step back leads further back.
                left = stack[: len(stack) - stack[::-1].index(wanted)] if wanted in stack else [*stack, wanted]
            if left:
                self.directories(left[-1])
            record(_top(left), _top(stack))
            self._point(left)
        return self._read(left[-1]) if left else None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other publishers out; readers need no lock, since names appear in one step."""
        self._directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _stack(self) -> list[str]:
        """Return the ids that were active, in their order; the last one is."""
        try:
            ids = self.pointer.read_bytes().decode().split()
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError):
            ids = []
        if not ids or not all(map(_ID.fullmatch, ids)):
            what = "cannot be read; restore it, or remove it to go back to the lists of the settings"
            raise ListError([Problem(self.pointer.name, 0, what)])
        return ids

    def _point(self, stack: list[str]) -> None:
        if stack:
            write_durably(self._ops, self.pointer, "".join(f"{each}\n" for each in stack[-_REMEMBERED:]).encode())
        else:
            self.pointer.unlink(missing_ok=True)

    def _store(
        self,
        lists: Sequence[Sequence[ListRow]],
        by: str,
        note: str,
        at_us: int,
        record: Callable[[Version], None],
    ) -> Version:
        making = self._directory / "making"
        # Left behind by a publisher that was killed; the lock says that none is at work.
        shutil.rmtree(making, ignore_errors=True)
        for number, rows in enumerate(filter(None, lists)):
            folder = making / f"{number:02}"
            folder.mkdir(parents=True)
            for risk, of_risk in rows_by_risk(rows).items():
                write_durably(self._ops, folder / f"{risk}.csv", list_text(of_risk).encode())
        digest = _digest(making)
        keywords = sum(row.term.kind is not Kind.ALLOW for rows in lists for row in rows)
        version = Version(digest.partition(":")[2][:_ID_DIGITS], digest, at_us, by, note, keywords)
        # Now that it has an id, and before anybody can see it.
        record(version)
        place = self._directory / version.id
        if self._is_whole(version.id):
            shutil.rmtree(making)
            return self._read(version.id)
        # What has its name and is not what was published was damaged since; the same lists mend it.
        shutil.rmtree(place, ignore_errors=True)
        write_durably(self._ops, making / "version.json", orjson.dumps({"v": _FORM, **version._asdict()}))
        self._ops.rename(making, place)
        self._ops.sync_directory(self._directory)
        return version

    def _is_whole(self, version_id: str) -> bool:
        try:
            return _digest(self._directory / version_id) == self._read(version_id).digest
        except (OSError, VersionError):
            return False

    def _read(self, version_id: str) -> Version:
        try:
            fields: dict[str, Any] = orjson.loads((self._directory / version_id / "version.json").read_bytes())
            del fields["v"]
            return Version(**fields)
        except (OSError, ValueError, LookupError, TypeError) as exc:
            raise VersionError(f"Version {version_id} cannot be read; restore its directory, or remove it.") from exc


def _top(stack: Sequence[str]) -> str:
    """Return the id of the active version; empty when none is."""
    return stack[-1] if stack else ""


def _digest(root: Path) -> str:
    """Return a digest of all lists below a directory, by name and content."""
    files = sorted(path for path in root.rglob("*.csv"))
    lines = [[path.relative_to(root).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()] for path in files]
    return "sha256:" + hashlib.sha256(orjson.dumps(lines)).hexdigest()
