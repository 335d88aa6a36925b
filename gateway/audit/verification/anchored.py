"""Reads anchors for verifying: which checkpoints of which log other places have seen, and since when."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from cryptography.x509 import Certificate
from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

from gateway.audit.anchor_file import read_anchors
from gateway.audit.checkpoint import Checkpoint, open_checkpoint
from gateway.audit.note import NoteError, PublicKey
from gateway.audit.verification.marks import Mark, anchor_marks
from gateway.audit.verification.report import Kind, LogReport


class Anchors:
    """The anchors that a trail is held against, by log.

    Attributes:
        report: what is wrong with the anchors themselves.
    """

    def __init__(self, keys: Sequence[PublicKey], authorities: Sequence[Certificate] = ()) -> None:
        """Prepare for reading.

        Args:
            keys: keys that sign checkpoints.
            authorities: root certificates of time-stamp authorities; none leaves time stamps to others to check.
        """
        self.report = LogReport("")
        self._keys = keys
        self._authorities = authorities
        self._found: defaultdict[str, list[tuple[Checkpoint, str, int | None]]] = defaultdict(list)

    def read(self, path: Path) -> None:
        """Take the anchors of a file in.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is no file of anchors.
        """
        damaged = unchecked = 0
        for anchor in read_anchors(path):
            if anchor.note is None:
                damaged += 1
                continue
            try:
                checkpoint = open_checkpoint(anchor.note, self._keys)
            except NoteError as exc:
                self.report.add(Kind.ANCHOR, str(path), f"the anchor proves nothing: {exc}", byte=anchor.byte)
                continue
            if anchor.timestamp and not self._authorities:
                unchecked += 1
            elif anchor.timestamp and (wrong := self._wrong_with(anchor.timestamp, anchor.note)):
                self.report.add(Kind.ANCHOR, str(path), f"the time stamp is wrong: {wrong}", byte=anchor.byte)
            self._found[checkpoint.log_id].append((checkpoint, str(path), anchor.byte))
        if damaged:
            self.report.notices.append(f"{path}: {damaged} damaged lines, as a crash leaves them, were passed over")
        if unchecked:
            self.report.notices.append(f"{path}: {unchecked} time stamps were not checked; name --tsa-certificate")

    @property
    def log_ids(self) -> set[str]:
        """The logs that anchors know entries of."""
        # The anchor of an empty log proves nothing that could be missing.
        return {log_id for log_id, found in self._found.items() if any(each.size for each, _, _ in found)}

    def marks(self, log_id: str) -> list[Mark]:
        """Return what the anchors say of a log."""
        return anchor_marks(self._found[log_id])

    def _wrong_with(self, timestamp: bytes, note: bytes) -> str:
        """Return what is wrong with a time stamp; nothing when it is good."""
        builder = VerifierBuilder()
        for certificate in self._authorities:
            builder = builder.add_root_certificate(certificate)
        try:
            builder.build().verify(decode_timestamp_response(timestamp), hashlib.sha256(note).digest())
        except (VerificationError, ValueError) as exc:
            return str(exc)
        return ""
