"""Content found in the segment files, and opened."""

from pathlib import Path

import pytest

from gateway.audit.content.entry import seal_content
from gateway.audit.content.keys import new_data_key
from gateway.audit.content.reading import find_person, find_request, open_found
from gateway.audit.content.store import Person
from gateway.audit.entry import encode_exchange
from gateway.audit.writer import LogWriter
from gateway.protocol.evidence import Evidence
from tests.gateway.audit.builders import exchange


def test_a_person_is_found_by_pseudonym_or_account(tmp_path: Path) -> None:
    """Exchanges by what they name, contents by their keys; what has no key any more is said to be erased."""
    key, other = new_data_key("acc-1", "p", 1), new_data_key("acc-1", "q", 1)
    writer = LogWriter(tmp_path)
    for name, each in (("p", key), ("q", other)):
        record = exchange(request_id=f"r-{name}", account="acc-1", user=name)
        sealed = seal_content(f"r-{name}", 1, Evidence(prompt=(f"text of {name}",)), each)
        writer.append_batch([encode_exchange(record), sealed])
    writer.close()
    mine = list(find_person(tmp_path, Person(user="p"), frozenset({key.id})))
    shown = [open_found(each, {key.id: key}.get) for each in mine]
    assert [(each["type"], each["request_id"]) for each in shown] == [("exchange", "r-p"), ("content", "r-p")]
    assert shown[1]["prompt"] == ["text of p"]
    assert len(list(find_person(tmp_path, Person(account="acc-1"), frozenset()))) == 2
    assert open_found(find_request(tmp_path, "r-q")[1], lambda _: None)["erased"] is True
    assert find_request(tmp_path, "r") == []


def test_a_directory_that_is_not_there_is_no_empty_trail(tmp_path: Path) -> None:
    """A typing error must not read as nothing kept."""
    with pytest.raises(OSError, match="there is no directory"):
        find_request(tmp_path / "none", "r")
