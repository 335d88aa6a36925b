"""The checkpoints of an installation as its settings have them: which key signs, how often, who is told."""

from collections.abc import Callable
from pathlib import Path

from gateway.audit.event_forms import EventName
from gateway.audit.events import SUBJECT_CHARACTERS, SYSTEM, Event, now_us, showable
from gateway.audit.log_tree import Checkpointing
from gateway.audit.signing_key import key_file_beside, load_or_create_key
from gateway.settings.models import Audit


def signing_key_file(audit: Audit) -> Path:
    """Return where the signing key lies."""
    return audit.signing_key_file or key_file_beside(audit.directory)


def checkpointing_of(audit: Audit, publish: Callable[[bytes], None]) -> tuple[Checkpointing, list[Event]]:
    """Prepare the checkpoints of the audit trail; the signing key is made when there is none.

    Args:
        audit: the settings.
        publish: is given each checkpoint; must not wait.

    Returns:
        How checkpoints are made, and what the first log they are made of has to say of the key: that it was made
        now, or nothing.

    Raises:
        ResourceError: the signing key cannot be used.
        OSError: it cannot be read or made.
    """
    signer, is_new = load_or_create_key(signing_key_file(audit), audit.origin or "")
    line = showable(signer.public.line, SUBJECT_CHARACTERS)
    created = [Event(EventName.AUDIT_KEY_CREATED, SYSTEM, now_us(), line)] if is_new else []
    return Checkpointing(signer, audit.checkpoint_seconds, publish), created
