"""What verifying a trail found, as values: problems, which fail it, and notices, which do not."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

# A trail that is not one at all would otherwise fill the memory with its problems.
PROBLEM_LIMIT = 1000


class Kind(StrEnum):
    """What is wrong."""

    DAMAGED = "damaged"  # a line is not what its checksum says, or not canonical
    CHANGED = "changed"  # entries are not those that were signed
    INSERTED = "inserted"
    REORDERED = "reordered"
    MISSING = "missing"  # entries that were signed are not there: removed, or cut off
    CHECKPOINT_DAMAGED = "checkpoint_damaged"
    CHECKPOINT_MISSING = "checkpoint_missing"
    CHECKPOINT_REORDERED = "checkpoint_reordered"
    SIGNATURE = "signature"  # a known key's signature does not fit
    WRONG_KEY = "wrong_key"
    SWAPPED = "swapped"  # files of another log
    ROLLED_BACK = "rolled_back"  # an anchor knows a later state
    LOG_MISSING = "log_missing"
    ANCHOR = "anchor"  # an anchor itself is wrong
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a log.

    Attributes:
        kind: what it is.
        file: the file it is in.
        what: a sentence for a person; quotes nothing of an entry.
        byte: where in the file; None where no place is meant.
        sequence: the first entry concerned; None where none is.
    """

    kind: Kind
    file: str
    what: str
    byte: int | None = None
    sequence: int | None = None

    def __str__(self) -> str:
        place = self.file if self.byte is None else f"{self.file}, byte {self.byte}"
        entry = "" if self.sequence is None else f", entry {self.sequence}"
        return f"{self.kind}: {place}{entry}: {self.what}"


@dataclass(slots=True)
class LogReport:
    """What was found in one log.

    Attributes:
        log_id: the log.
        first: sequence of the first entry that was there to check; above 0 in an export of a part.
        entries: entries found.
        covered: sequence behind the last entry that a checkpoint was found to cover.
        checkpoints: checkpoints whose signature and root were checked.
        anchors: anchored checkpoints that were checked.
        latest: time of the latest good checkpoint, or empty.
        problems: what is wrong, at most `PROBLEM_LIMIT`.
        problems_found: how many there were.
        notices: what is worth knowing and not wrong.
    """

    log_id: str
    first: int = 0
    entries: int = 0
    covered: int = 0
    checkpoints: int = 0
    anchors: int = 0
    latest: str = ""
    problems: list[Problem] = field(default_factory=list)
    problems_found: int = 0
    notices: list[str] = field(default_factory=list)

    def add(self, kind: Kind, file: str, what: str, *, byte: int | None = None, sequence: int | None = None) -> None:
        """Take a problem in."""
        self.problems_found += 1
        if len(self.problems) < PROBLEM_LIMIT:
            self.problems.append(Problem(kind, file, what, byte, sequence))

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems_found

    def as_json(self) -> dict[str, Any]:
        """Return it for `--json`."""
        return {
            "log_id": self.log_id,
            "good": self.good,
            "first": self.first,
            "entries": self.entries,
            "covered": self.covered,
            "checkpoints": self.checkpoints,
            "anchors": self.anchors,
            "latest": self.latest,
            "problems_found": self.problems_found,
            "problems": [
                {
                    "kind": each.kind.value,
                    "file": each.file,
                    "byte": each.byte,
                    "sequence": each.sequence,
                    "what": each.what,
                }
                for each in self.problems
            ],
            "notices": self.notices,
        }
