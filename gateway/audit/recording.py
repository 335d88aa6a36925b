"""How a process that does nothing else writes events: a command, which ends with it.

Rules: an event is durable, and under a signed checkpoint, before what it tells of takes effect; where root runs the
command, everything that is made belongs to whoever the trail belongs to.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from gateway.audit import segment
from gateway.audit.anchoring import Anchoring
from gateway.audit.checkpointing import checkpointing_of
from gateway.audit.events import Event, encode_event
from gateway.audit.writer import LogWriter
from gateway.errors import ErrorCode, ResourceError
from gateway.settings.models import Audit

_ROOT = 0


def record_event(audit: Audit, *events: Event) -> None:
    """Write events durably from a process that does nothing else; call it before what they tell of.

    The entries go to a log that no other process appends to, so commands one after another share one.

    Args:
        audit: the settings of the trail.
        events: what is about to happen.

    Raises:
        ResourceError: the trail cannot take them, or not sign them, and it must not happen.
    """
    append_event_entry(audit, *map(encode_event, events))


def append_event_entry(audit: Audit, *entries: bytes) -> None:
    """Write encoded events, as `record_event` does.

    Args:
        audit: the settings of the trail.
        entries: what is about to happen.

    Raises:
        ResourceError: the trail cannot take it, or not sign it, and it must not happen.
    """
    try:
        with _as_owner(audit.directory), contextlib.closing(Anchoring(audit.anchors)) as anchoring:
            # Always with checkpoints: a log that was begun without them would never verify.
            checkpointing, created = checkpointing_of(audit, anchoring.publish)
            with contextlib.closing(LogWriter(audit.directory, checkpointing=checkpointing)) as writer:
                for batch in _batches([*map(encode_event, created), *entries]):
                    writer.append_batch(batch)
    except (OSError, segment.CorruptLogError) as exc:
        raise ResourceError(
            f"The audit trail under {audit.directory} takes no entry, so nothing was changed ({exc}). "
            "Mend it, or name another directory in [audit] directory.",
            ErrorCode.AUDIT_UNAVAILABLE,
        ) from exc


@contextlib.contextmanager
def _as_owner(directory: Path) -> Iterator[None]:
    """Act as whoever the audit directory belongs to, where this is root.

    A file that root makes there could not be opened by a gateway that runs as a user of its own, whose next start
    would fail; and in a directory of another user's, root would follow links that this user made.
    """
    owner = directory.stat() if directory.is_dir() else None
    if owner is None or os.geteuid() != _ROOT:
        yield
        return
    group = os.getegid()
    # The group first and last: only root may change it.
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        os.seteuid(_ROOT)
        os.setegid(group)


def _batches(entries: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield entries in batches of a size that a writer takes."""
    batch: list[bytes] = []
    for entry in entries:
        batch.append(entry)
        if sum(map(len, batch)) >= segment.BATCH_LIMIT_BYTES:
            yield batch
            batch = []
    if batch:
        yield batch
