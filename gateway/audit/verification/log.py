"""Verifies one log as it lies in its directory: segments, history and latest checkpoint.

Rules: one pass, in the order of the entries; reading goes on behind damage, so that all of it is named. After an
entry that cannot be read, or a root that does not fit, the tree is lost until the next segment, whose header has it.
"""

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

from gateway.audit import segment
from gateway.audit.segment import CorruptLogError
from gateway.audit.verification.comparison import Comparison
from gateway.audit.verification.lines import LINE_LIMIT_BYTES, Lines, is_canonical
from gateway.audit.verification.marks import HistoryCheck, Mark, Notes
from gateway.audit.verification.report import Kind, LogReport

_ENTRY_START = 9  # CRC and space, in a line
_LINE_OVERHEAD_BYTES = 10  # these and the line feed

Progress = Callable[[int], None]


def ignore_progress(_: int) -> None:
    """Tell nobody how many bytes were read."""


class LogCheck:
    """Checks one log against its checkpoints and what anchors say."""

    def __init__(
        self, directory: Path, report: LogReport, notes: Notes, anchored: Sequence[Mark], progress: Progress
    ) -> None:
        self._directory = directory
        self._report = report
        self._progress = progress
        # Before the segments are listed: what it covers was durable before it was signed.
        history = HistoryCheck(directory, notes, report)
        self._paths = segment.segment_paths(directory)
        self._comparison = Comparison(report, [history.marks(has_entries=bool(self._paths)), anchored])

    def run(self) -> None:
        """Read everything once."""
        firsts = [segment.first_sequence(path) for path in self._paths]
        for index, path in enumerate(self._paths):
            end = firsts[index + 1] if index + 1 < len(firsts) else None
            try:
                self._check_segment(path, firsts[index], end)
            except OSError as exc:
                self._report.add(Kind.UNREADABLE, str(path), f"cannot be read ({exc.strerror})")
                self._comparison.lose(end or self._comparison.sequence)
        self._report.entries = self._comparison.sequence
        self._comparison.finish(str(self._paths[-1] if self._paths else self._directory))
        if left := self._comparison.sequence - self._report.covered:
            self._report.notices.append(
                f"{self._directory}: {left} entries at the end are not under a checkpoint yet"
            )

    def _check_segment(self, path: Path, first: int, end: int | None) -> None:
        comparison = self._comparison
        if comparison.sequence != first:
            self._report_gap(path, first)
        with path.open("rb") as file:
            header = file.readline(LINE_LIMIT_BYTES)
            self._progress(len(header))
            self._check_header(path, header, first)
            lines = Lines(file, len(header))
            for start, piece in lines.pieces():
                room = len(piece) if end is None else end - comparison.sequence
                whole = self._check_piece(path, start, piece[:room], last=end is None)
                self._progress(sum(map(len, piece)) + len(piece))
                # What lies behind the next segment's first entry is void, as is a torn end.
                if room < len(piece) or not whole:
                    break
            else:
                self._check_rest(path, lines, end)

    def _report_gap(self, path: Path, first: int) -> None:
        at = self._comparison.sequence
        if at < first:
            what = f"begins with entry {first}; entries {at} to {first - 1} are missing"
        else:
            what = f"begins with entry {first}, which was read before"
        self._report.add(Kind.MISSING, str(path), what, sequence=at)
        self._comparison.lose(first)

    def _check_header(self, path: Path, line: bytes, first: int) -> None:
        comparison = self._comparison
        try:
            tree = segment.read_header(path, line)
        except CorruptLogError as exc:
            log_id = segment.log_id_of(line)
            kind = Kind.DAMAGED if log_id in {None, path.parent.name} else Kind.SWAPPED
            self._report.add(kind, str(path), str(exc).partition(": ")[2], byte=0, sequence=first)
            return
        if comparison.tree is None:
            comparison.resume(tree, str(path), len(line))
        elif comparison.tree.edge != tree.edge:
            what = "the header's tree is not that of the entries before it"
            self._report.add(Kind.CHANGED, str(path), what, byte=0, sequence=first)

    def _check_piece(self, path: Path, start: int, lines: list[bytes], *, last: bool) -> bool:
        """Check lines that follow each other, the fast way for as long as they are good; False at a torn end."""
        crc32 = zlib.crc32
        entries: list[bytes] = []
        at = start
        for line in lines:
            entry = line[_ENTRY_START:]
            if line[:_ENTRY_START] == b"%08x " % crc32(entry) and is_canonical(entry):
                entries.append(entry)
                continue
            self._comparison.extend(entries, str(path), at, _LINE_OVERHEAD_BYTES)
            at += sum(map(len, entries)) + len(entries) * _LINE_OVERHEAD_BYTES
            entries = []
            # Where something lies that was signed, it is no end, however torn it looks.
            if last and not self._comparison.expects_more and _is_torn(path, at):
                self._report.notices.append(f"{path}: ends torn at byte {at}, as a crash leaves it")
                return False
            self._report_damage(path, at, line)
            at += len(line) + 1
        self._comparison.extend(entries, str(path), at, _LINE_OVERHEAD_BYTES)
        return True

    def _report_damage(self, path: Path, byte: int, line: bytes) -> None:
        entry = line[_ENTRY_START:]
        right = line[:_ENTRY_START] == b"%08x " % zlib.crc32(entry)
        what = "the entry is not canonical JSON" if right else "the line's checksum is wrong"
        self._report.add(Kind.DAMAGED, str(path), what, byte=byte, sequence=self._comparison.sequence)
        self._comparison.lose(self._comparison.sequence + 1)

    def _check_rest(self, path: Path, lines: Lines, end: int | None) -> None:
        at = self._comparison.sequence
        if lines.overlong:
            what = "the line is longer than any entry; reading of this segment ended here"
            self._report.add(Kind.DAMAGED, str(path), what, byte=lines.end, sequence=at)
            self._comparison.lose(end or at)
        elif end is not None and at < end:
            what = f"ends before entry {end}, with which the next segment begins; {end - at} entries were removed"
            self._report.add(Kind.MISSING, str(path), what, byte=lines.end, sequence=at)
            self._comparison.lose(end)
        elif lines.rest:
            self._report.notices.append(f"{path}: ends in half a line, as a crash or a write under way leaves it")


def _is_torn(path: Path, byte: int) -> bool:
    """Say whether a segment's end, from a damaged line on, is what a crash leaves."""
    with path.open("rb") as file:
        file.seek(byte)
        return segment.is_torn(file.read(segment.TORN_LIMIT_BYTES + 1))
