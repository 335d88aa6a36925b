"""Holds the tree of the entries that are there against the marks, in one pass and with bounded memory."""

import hashlib
import heapq
from collections.abc import Iterable, Sequence

from gateway.audit.tree import Tree
from gateway.audit.verification.diagnosis import WINDOW_LEAVES, diagnose
from gateway.audit.verification.marks import Mark
from gateway.audit.verification.report import Kind, LogReport

_sha256 = hashlib.sha256


class Comparison:
    """The tree as far as it was read, and the next mark it must fit.

    Attributes:
        sequence: entries read so far, and those that could not be.
        tree: the tree over them; None when an entry could not be read, or a mark did not fit, since when it is wrong.
    """

    def __init__(self, report: LogReport, marks: Sequence[Iterable[Mark]], tree: Tree | None = None) -> None:
        """Begin with a tree, and marks in the order of their sizes."""
        self._report = report
        self._marks = heapq.merge(*marks, key=lambda mark: mark.size)
        self.tree: Tree | None = tree or Tree()
        self.sequence = self.tree.size
        self._next: Mark | None = None
        self._good = Tree(self.sequence, self.tree.edge)  # at the last mark that fitted
        self._good_place: tuple[str, int | None] = ("", None)
        self._window: list[bytes] = []  # leaves since then, as far as they are few
        self._advance()
        self._compare((), "", None)

    @property
    def expects_more(self) -> bool:
        """Whether a mark says that there are further entries."""
        return self._next is not None

    def extend(self, entries: Sequence[bytes], file: str, byte: int, overhead_bytes: int) -> None:
        """Take entries in.

        Args:
            entries: they, as they follow each other in the file.
            file: where they stand.
            byte: offset of the first.
            overhead_bytes: what a line has besides its entry.
        """
        leaves = [_sha256(b"\0" + entry).digest() for entry in entries]
        done = 0
        if self.sequence == self._good.size:
            # A mark may have been the last thing in the file before.
            self._good_place = (file, byte)
        while self._next is not None and self._next.size <= self.sequence + len(leaves) - done:
            count = self._next.size - self.sequence
            self._add(leaves[done : done + count])
            done += count
            # Only at marks: summing lengths up for every entry would cost as much as hashing it.
            at = byte + sum(map(len, entries[:done])) + done * overhead_bytes
            self._compare(leaves[done : done + 1], file, at)
        self._add(leaves[done:])

    def lose(self, sequence: int) -> None:
        """Go on at a sequence with entries before it that could not be read: no tree over them can be had."""
        self.tree, self.sequence = None, sequence
        while self._next is not None and self._next.size <= sequence:
            self._advance()

    def resume(self, tree: Tree, file: str, byte: int) -> None:
        """Go on from a tree that a segment's header holds, after the own one was lost."""
        self.tree, self.sequence = tree, tree.size
        self._good, self._good_place = Tree(tree.size, tree.edge), (file, byte)
        self._window = []

    def finish(self, file: str) -> None:
        """Report what marks say is missing."""
        missing: dict[bool, Mark] = {}
        while self._next is not None:
            missing[self._next.anchor] = self._next
            self._advance()
        for anchor, mark in missing.items():
            have = f"but there are {self.sequence}"
            if anchor:
                what = f"the anchor {mark.file} saw {mark.size} entries at {mark.time}, {have}"
                self._report.add(Kind.ROLLED_BACK, file, what, sequence=self.sequence)
            else:
                what = f"{mark.size} entries were signed at {mark.time}, {have}: the rest was removed or cut off"
                self._report.add(Kind.MISSING, file, what, sequence=self.sequence)

    def _add(self, leaves: list[bytes]) -> None:
        self.sequence += len(leaves)
        if self.tree is not None:
            self.tree.extend(leaves)
            if len(self._window) <= WINDOW_LEAVES:
                # One more than the limit says that there were too many.
                self._window += leaves[: WINDOW_LEAVES + 1 - len(self._window)]

    def _compare(self, following: Sequence[bytes], file: str, byte: int | None) -> None:
        """Hold the tree against every mark of its size."""
        while self._next is not None and self._next.size == self.sequence:
            mark = self._next
            if self.tree is not None:
                if self.tree.root() == mark.root:
                    self._fits(mark, file, byte)
                else:
                    self._differs(mark, following)
            self._advance()

    def _fits(self, mark: Mark, file: str, byte: int | None) -> None:
        report = self._report
        if mark.anchor:
            report.anchors += 1
        else:
            report.checkpoints += 1
            report.latest = mark.time
        report.covered = max(report.covered, mark.size)
        if self.tree is not None:
            self._good, self._good_place = Tree(self.tree.size, self.tree.edge), (file, byte)
        self._window = []

    def _differs(self, mark: Mark, following: Sequence[bytes]) -> None:
        first = self._good.size
        if first == mark.size:
            # No entry lies between: the marks contradict each other.
            what = f"this checkpoint of {mark.size} entries has another root than one that fits"
            kind = Kind.ANCHOR if mark.anchor else Kind.CHECKPOINT_DAMAGED
            self._report.add(kind, mark.file, what, byte=mark.byte)
            return
        diagnosis = diagnose(self._good, self._window, following, mark.root)
        found = {
            Kind.INSERTED: "an entry was put in here",
            Kind.REORDERED: "this entry was exchanged with a later one",
        }.get(diagnosis.kind, "they were changed, removed, put in or brought into another order")
        source = f"anchor {mark.file}" if mark.anchor else "checkpoint"
        what = (
            f"entries {first} to {mark.size - 1} are not those that the {source} of {mark.time} was made of: {found}"
        )
        place, byte = self._good_place
        self._report.add(diagnosis.kind, place, what, byte=byte, sequence=first + diagnosis.place)
        # From here on every root would be wrong, and say nothing new.
        self.tree = None

    def _advance(self) -> None:
        self._next = next(self._marks, None)
