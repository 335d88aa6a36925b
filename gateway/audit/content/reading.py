"""Content as people read it: found in the segment files, opened with the keys in the store.

Rules: nothing is decrypted before the event that tells of it is durable, which is the caller's to see to: the ones
that begin with `find` look, `open_found` opens.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from gateway.audit.canonical import canonical_json
from gateway.audit.content.entry import ContentEntry, open_content
from gateway.audit.content.keys import DataKey
from gateway.audit.content.store import Person
from gateway.audit.entry import decode
from gateway.audit.reader import read_log
from gateway.audit.segment import log_directories
from gateway.protocol.record import ExchangeRecord


class Found(NamedTuple):
    """An entry that was looked for.

    Attributes:
        entry: its canonical bytes.
        value: what it says.
    """

    entry: bytes
    value: ExchangeRecord | ContentEntry


def find_request(directory: Path, request_id: str) -> list[Found]:
    """Return the entries of one exchange: its own, and those of its content.

    Raises:
        CorruptLogError: a log is damaged.
        OSError: a log cannot be read.
        ValueError: an entry is of no form known here.
    """
    return [each for each in _entries(directory, canonical_json(request_id)) if each.value.request_id == request_id]


def find_person(directory: Path, person: Person, key_ids: frozenset[str]) -> Iterator[Found]:
    """Yield the exchanges of one person, and the contents that one of the keys opens, log by log.

    Args:
        directory: the audit directory.
        person: whose they are.
        key_ids: ids of the person's keys.

    Raises:
        CorruptLogError, OSError, ValueError: as for one exchange.
    """
    for found in _entries(directory, b""):
        value = found.value
        if isinstance(value, ContentEntry):
            if value.key in key_ids:
                yield found
        elif (value.user == person.user) if person.user else (value.account == person.account):
            yield found


def open_found(found: Found, key: Callable[[str], DataKey | None]) -> dict[str, Any]:
    """Return an entry as it is shown: an exchange as it stands, content decrypted.

    Args:
        found: the entry.
        key: gives a data key by its id, or None when it was destroyed.

    Raises:
        ValueError: the content does not open with its key.
    """
    value = found.value
    if isinstance(value, ExchangeRecord):
        shown: dict[str, Any] = orjson.loads(found.entry)
        return shown
    opened = {"type": "content", "request_id": value.request_id, "at_us": value.at_us}
    data_key = key(value.key)
    # Said and not left out: whoever asks must see that there was content.
    return opened | ({"erased": True} if data_key is None else open_content(value, data_key))


def _entries(directory: Path, needle: bytes) -> Iterator[Found]:
    if not directory.is_dir():
        raise OSError(f"there is no directory {directory}")
    for log_directory in log_directories(directory):
        for stored in read_log(log_directory):
            # Decoding costs ten times what reading does.
            if needle in stored.entry:
                value = decode(stored.entry)
                if isinstance(value, ExchangeRecord | ContentEntry):
                    yield Found(stored.entry, value)
