"""The candidate: a published version that is tried out on some of the people, beside the active one.

A file of one line beside the versions, ``<id> <percent>``, replaced in one step; every worker of this machine reads
it.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from filters.lists import ListError, Problem
from gateway.audit.files import OsFileOps, write_durably
from gateway.rulesets.versions import VersionError, VersionStore

_LINE = re.compile(rb"([0-9a-f]{16}) (\d{1,3})\n")
MOST_PERCENT = 100


class Candidate(NamedTuple):
    """A version that is tried out.

    Attributes:
        version: its id.
        percent: how many of the people it judges.
    """

    version: str
    percent: int


class CandidateStore:
    """The candidate of one directory of versions.

    Args:
        directory: where the versions are.
    """

    def __init__(self, directory: Path) -> None:
        self._versions = VersionStore(directory)
        self._file = directory / "candidate"

    def read(self) -> Candidate | None:
        """Return the candidate; None when there is none.

        Raises:
            ListError: the file that names it cannot be read.
        """
        try:
            line = _LINE.fullmatch(self._file.read_bytes())
        except FileNotFoundError:
            return None
        except OSError:
            line = None
        if line is None or not 0 < int(line[2]) <= MOST_PERCENT:
            what = "cannot be read; run 'sluice lists abandon' to end what is tried out"
            raise ListError([Problem(self._file.name, 0, what)])
        return Candidate(line[1].decode(), int(line[2]))

    def put(self, beginning: str, percent: int, record: Callable[[Candidate, str], None]) -> Candidate:
        """Try a version out.

        Args:
            beginning: how its id begins.
            percent: how many of the people it judges, 1 to 100.
            record: records it durably before it takes effect, given the candidate and the id of the active version;
                undoes it by raising.

        Raises:
            VersionError: there is no such version, or it is the active one.
            ListError: it is not as it was published.
        """
        candidate, active = Candidate(self._versions.find(beginning).id, percent), self._versions.active_id()
        if candidate.version == active:
            raise VersionError(f"Version {active} is active, so there is nothing to try out.")
        self._versions.directories(candidate.version)
        record(candidate, active)
        line = f"{candidate.version} {percent}\n".encode()
        write_durably(OsFileOps(), self._file, line)
        return candidate

    def promote(self, record: Callable[[Candidate, str], None]) -> Candidate:
        """Make the candidate the active version, for everybody.

        Raises:
            VersionError: there is none.
            ListError: it is not as it was published; nothing changed.
        """
        candidate = self._wanted()
        self._versions.roll_back(candidate.version, lambda _version, active: record(candidate, active))
        # Behind it: between the two, the active version is tried out beside itself, which changes nothing.
        self._file.unlink(missing_ok=True)
        return candidate

    def abandon(self, record: Callable[[str], None]) -> None:
        """End what is tried out; the active version judges everybody again.

        Raises:
            VersionError: nothing is tried out.
        """
        try:
            version = self._wanted().version
        except ListError:
            version = ""  # a damaged file is what this is the way out of
        record(version)
        self._file.unlink(missing_ok=True)

    def _wanted(self) -> Candidate:
        candidate = self.read()
        if candidate is None:
            raise VersionError("No version is being tried out. Begin with 'sluice lists try VERSION --percent N'.")
        return candidate
