"""Checkpoints: what a log's tree was at a moment, as the text of a signed note (c2sp.org/tlog-checkpoint).

The text is five lines: origin, size, root hash in base64, and as extension lines a number and the time. The origin is
the name of the installation's key, a slash and the log id, so that one key serves all logs and no log passes for
another. The number counts a log's checkpoints, so that one taken out of the history is missed.
"""

import base64
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from gateway.audit.note import NoteError, PublicKey, note_text, open_note
from gateway.audit.tree import HASH_BYTES

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TEXT = re.compile(
    # The size has at most 18 digits, which no log reaches: a longer number would only cost time.
    r"([^\n]+)\n(0|[1-9][0-9]{0,17})\n([A-Za-z0-9+/]{43}=)\n"
    r"number (0|[1-9][0-9]{0,17})\n"
    r"time (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})Z\n"
)


class Checkpoint(NamedTuple):
    """The state of a log's tree.

    Attributes:
        origin: name of the log, unique in the world.
        size: number of entries under it.
        root: root hash of the tree over them.
        number: how many checkpoints the log had before it.
        time_us: when it was made, in microseconds of Unix time, by the clock of the machine.
    """

    origin: str
    size: int
    root: bytes
    number: int
    time_us: int

    @property
    def log_id(self) -> str:
        """The id of the log."""
        return self.origin.rpartition("/")[2]

    @property
    def time(self) -> str:
        """When it was made, as its text says it."""
        moment = _EPOCH + self.time_us * _MICROSECOND
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def text(self) -> str:
        """Return the text to be signed."""
        root = base64.b64encode(self.root).decode()
        return f"{self.origin}\n{self.size}\n{root}\nnumber {self.number}\ntime {self.time}\n"


def origin_of(key_name: str, log_id: str) -> str:
    """Return the origin of a log."""
    return f"{key_name}/{log_id}"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint's text.

    Raises:
        NoteError: it is not the text of a checkpoint, or not in its one form.
    """
    found = _TEXT.fullmatch(text)
    if not found:
        raise NoteError("its text is no checkpoint")
    try:
        moment = datetime.fromisoformat(found[5]).replace(tzinfo=UTC)
    except ValueError as exc:
        raise NoteError("its time is no time") from exc
    checkpoint = Checkpoint(
        found[1],
        int(found[2]),
        base64.b64decode(found[3])[:HASH_BYTES],
        int(found[4]),
        (moment - _EPOCH) // _MICROSECOND,
    )
    # The other way round again: the base64 of 32 bytes has two bits that decoding ignores.
    if checkpoint.text() != text:
        raise NoteError("its root hash is not canonical base64")
    return checkpoint


def open_checkpoint(note: bytes, keys: Iterable[PublicKey]) -> Checkpoint:
    """Return the checkpoint in a note that a known key signed.

    Raises:
        UnknownKeyError: none of the keys signed it.
        NoteError: it is no note, no checkpoint, or its signature does not fit.
    """
    return parse_checkpoint(open_note(note, keys))


def read_checkpoint(note: bytes) -> Checkpoint:
    """Return the checkpoint in a note without looking at its signatures.

    Raises:
        NoteError: it is no note, or no checkpoint.
    """
    return parse_checkpoint(note_text(note))
