"""The checkpoints as the settings have them."""

from pathlib import Path

from gateway.audit.checkpointing import checkpointing_of, signing_key_file
from gateway.audit.event_forms import EventName
from gateway.audit.signing_key import load_key
from gateway.settings.models import Audit


def test_the_key_is_made_where_the_settings_say_and_told_of_once(tmp_path: Path) -> None:
    """With the name, the pace and the receiver the settings give."""
    notes: list[bytes] = []
    file = tmp_path / "keys" / "own.key"
    audit = Audit(
        directory=tmp_path / "audit", origin="gateway.example.com/audit", signing_key_file=file, checkpoint_seconds=7
    )
    made, (created,) = checkpointing_of(audit, notes.append)
    assert (made.signer.public.name, made.interval_seconds) == ("gateway.example.com/audit", 7)
    made.publish(b"note")
    assert notes == [b"note"]
    assert (created.name, created.subject) == (EventName.AUDIT_KEY_CREATED, load_key(file).public.line)
    again, told = checkpointing_of(audit, notes.append)
    assert again.signer.public == made.signer.public
    assert told == []


def test_the_longest_name_fits_into_the_event(tmp_path: Path) -> None:
    """Nothing of the key is cut."""
    audit = Audit(directory=tmp_path / "audit", origin="x" * 200)
    made, (created,) = checkpointing_of(audit, print)
    assert created.subject == made.signer.public.line


def test_the_key_lies_beside_the_trail_by_default(tmp_path: Path) -> None:
    """Not inside: the trail is handed to auditors."""
    assert signing_key_file(Audit(directory=tmp_path / "audit")) == tmp_path / "audit.key"
