"""Keeps copies of checkpoints elsewhere, by one thread an anchor, beside the writing of the trail.

Rules: nothing here holds up an append or a checkpoint. Only the newest checkpoint waits, since it covers what the
ones before it did. A failure is counted, logged once, and tried again with whatever is newest then. No address is
logged.
"""

import contextlib
import fcntl
import hashlib
import os
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from rfc3161_client import HashAlgorithm, PKIStatus, TimestampRequestBuilder, decode_timestamp_response

from gateway import metrics
from gateway.audit.anchor_file import TIMESTAMP_LIMIT_BYTES, anchor_line
from gateway.settings.anchors import Anchor, AnchorKind

_RETRY_SECONDS = 5.0
_STOP_SECONDS = 5.0  # longest that a stop waits for the last checkpoint to arrive
_FILE_MODE = 0o640

_log = structlog.get_logger(__name__)

Send = Callable[[bytes], None]


class Anchoring:
    """The anchors of one process."""

    def __init__(self, anchors: tuple[Anchor, ...]) -> None:
        """Start a thread for each.

        Raises:
            OSError: a file of certificates cannot be read.
        """
        self._senders = [_Sender(each.kind, sender_of(each), each.every_seconds) for each in anchors]

    def publish(self, note: bytes) -> None:
        """Give a checkpoint to every anchor; returns at once."""
        for sender in self._senders:
            sender.offer(note)

    def close(self) -> None:
        """Try to send what waits, within a few seconds for all together, and end."""
        deadline = time.monotonic() + _STOP_SECONDS
        for sender in self._senders:
            sender.stop()
        for sender in self._senders:
            sender.join(max(deadline - time.monotonic(), 0))


def sender_of(anchor: Anchor) -> Send:
    """Return what brings a checkpoint to an anchor; it raises OSError or ValueError when that fails."""
    if anchor.path is not None and anchor.kind is AnchorKind.FILE:
        return _FileSender(anchor.path)
    context = ssl.create_default_context(cafile=anchor.ca_file)
    # Redirects are not followed: whoever answers must be the one that was named.
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _NoRedirect)
    post = _Poster(opener, anchor.url or "", anchor.timeout_seconds)
    if anchor.path is not None and anchor.kind is AnchorKind.RFC3161:
        return _StampSender(post, _FileSender(anchor.path))
    return lambda note: _ignore(post(note, "text/plain; charset=utf-8"))


def _ignore(_: bytes) -> None:
    """Have no use for an answer."""


class _Sender:
    """The thread of one anchor, with room for one checkpoint."""

    def __init__(self, kind: AnchorKind, send: Send, every_seconds: float) -> None:
        self._kind = kind
        self._send = send
        self._every_seconds = every_seconds
        self._waiting: bytes | None = None
        self._stopping = False
        self._condition = threading.Condition()
        # A daemon: an address that does not answer must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=f"anchor-{kind}", daemon=True)
        self._thread.start()

    def offer(self, note: bytes) -> None:
        """Take a checkpoint in place of one that waits."""
        with self._condition:
            self._waiting = note
            self._condition.notify()

    def stop(self) -> None:
        """End once nothing waits, without keeping the pace."""
        with self._condition:
            self._stopping = True
            self._condition.notify()

    def join(self, seconds: float) -> None:
        """Wait for the end."""
        self._thread.join(seconds)

    def _run(self) -> None:
        failures = 0
        while (note := self._taken()) is not None:
            try:
                self._send(note)
            except Exception as exc:  # noqa: BLE001 — whatever it is, the next checkpoint must be tried
                metrics.AUDIT_ANCHORS.labels(self._kind, "failed").inc()
                if not failures:
                    # The kind of failure only: its text may hold the address.
                    _log.error("audit_anchor_failed", kind=self._kind, error=type(exc).__name__)
                failures += 1
                self._keep(note)
                self._pause(max(_RETRY_SECONDS, self._every_seconds))
            else:
                metrics.AUDIT_ANCHORS.labels(self._kind, "sent").inc()
                failures = 0
                self._pause(self._every_seconds)

    def _taken(self) -> bytes | None:
        with self._condition:
            self._condition.wait_for(lambda: self._waiting is not None or self._stopping)
            note, self._waiting = self._waiting, None
            return note

    def _keep(self, note: bytes) -> None:
        """Try a checkpoint again, unless a newer one came or this is the end."""
        with self._condition:
            if self._waiting is None and not self._stopping:
                self._waiting = note

    def _pause(self, seconds: float) -> None:
        with self._condition:
            self._condition.wait_for(lambda: self._stopping, seconds)


class _FileSender:
    """Appends to a file that several processes may append to."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, note: bytes, timestamp: bytes = b"") -> None:
        descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, _FILE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size = os.fstat(descriptor).st_size
            # Half a line of a crash would take this one with it.
            torn = size and os.pread(descriptor, 1, size - 1) != b"\n"
            line = (b"\n" if torn else b"") + anchor_line(note, timestamp)
            if os.write(descriptor, line) != len(line):
                raise OSError("the anchor's volume is full")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class _StampSender:
    """Has a checkpoint time-stamped, and keeps both."""

    def __init__(self, post: "_Poster", keep: _FileSender) -> None:
        self._post = post
        self._keep = keep

    def __call__(self, note: bytes) -> None:
        request = TimestampRequestBuilder().data(note).hash_algorithm(HashAlgorithm.SHA256).build()
        answer = self._post(request.as_bytes(), "application/timestamp-query")
        stamp = decode_timestamp_response(answer)
        # Whether the authority is to be trusted is for whoever verifies; that it stamped this is checked now.
        if PKIStatus(stamp.status) is not PKIStatus.GRANTED:
            raise ValueError("the authority refused")
        info = stamp.tst_info
        if info.message_imprint.message != hashlib.sha256(note).digest() or info.nonce != request.nonce:
            raise ValueError("the authority stamped something else")
        self._keep(note, answer)


class _Poster:
    """Sends bytes to one address."""

    def __init__(self, opener: urllib.request.OpenerDirector, url: str, timeout_seconds: float) -> None:
        self._opener = opener
        self._url = url
        self._timeout_seconds = timeout_seconds

    def __call__(self, body: bytes, media_type: str) -> bytes:
        request = urllib.request.Request(self._url, body, {"Content-Type": media_type})  # noqa: S310 the settings check it
        with contextlib.closing(self._opener.open(request, timeout=self._timeout_seconds)) as reply:
            answer: bytes = reply.read(TIMESTAMP_LIMIT_BYTES + 1)
        if len(answer) > TIMESTAMP_LIMIT_BYTES:
            raise ValueError("the answer is too large")
        return answer


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Takes a redirect for a failure."""

    def redirect_request(self, *_: Any) -> None:  # noqa: ANN401 as inherited
        """Follow nowhere."""
