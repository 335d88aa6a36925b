"""Tests of entries."""

import dataclasses
from pathlib import Path

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from filters.findings import Action, Phase, Stage
from gateway.audit.entry import decode, encode_exchange
from gateway.protocol.record import ExchangeRecord, RecordedFinding, Unscanned
from tests.gateway.audit.builders import FINDING, MISSED, exchange

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_COUNT = st.integers(0, 2**53 - 1)
_FINDINGS = st.builds(
    RecordedFinding,
    st.sampled_from(Phase),
    st.sampled_from(Stage),
    _TEXT,
    st.sampled_from(Action),
    _TEXT,
    _COUNT,
)
_MISSED = st.builds(Unscanned, st.sampled_from(Phase), st.sampled_from(Stage), _TEXT)
_OF_TYPE: dict[object, st.SearchStrategy[object]] = {
    str: _TEXT,
    int: _COUNT,
    bool: st.booleans(),
    Phase | None: st.none() | st.sampled_from(Phase),
    tuple[RecordedFinding, ...]: st.lists(_FINDINGS, max_size=3).map(tuple),
    tuple[Unscanned, ...]: st.lists(_MISSED, max_size=3).map(tuple),
}
_RECORDS = st.builds(
    ExchangeRecord, **{field.name: _OF_TYPE[field.type] for field in dataclasses.fields(ExchangeRecord)}
)


@given(_RECORDS)
def test_entry_keeps_the_whole_record(record: ExchangeRecord) -> None:
    """Decoding an entry gives the record it was made of."""
    assert decode(encode_exchange(record)) == record


@given(_RECORDS)
def test_entry_is_canonical(record: ExchangeRecord) -> None:
    """An entry has the bytes that any RFC 8785 implementation gives what it says."""
    entry = encode_exchange(record)
    assert rfc8785.dumps(orjson.loads(entry)) == entry


def test_entry_has_the_fields_of_the_record() -> None:
    """An entry is the record's fields by their names, with version and type."""
    fields = orjson.loads(encode_exchange(exchange(findings=(FINDING,), unscanned=(MISSED,))))
    assert fields.keys() == {"v", "type", *(field.name for field in dataclasses.fields(ExchangeRecord))}
    assert fields["v"] == 1
    assert fields["type"] == "exchange"
    assert fields["findings"] == [
        {"phase": "request", "stage": "keywords", "risk": "A.1.f", "action": "block", "term": "禁词", "count": 2}
    ]
    assert fields["unscanned"] == [{"phase": "response", "stage": "keywords", "reason": "malformed_frame"}]


def test_clean_entry_is_small() -> None:
    """An ordinary entry without findings stays within 560 bytes."""
    assert len(encode_exchange(exchange())) <= 560


@pytest.mark.parametrize(
    "entry",
    [
        b"not json",
        b"[]",
        b'{"v":2,"type":"exchange"}',
        b'{"v":1,"type":"other"}',
        b'{"v":1,"type":"exchange"}',
        encode_exchange(exchange()).replace(b"status", b"sutats"),
    ],
)
def test_unknown_entry_is_refused(entry: bytes) -> None:
    """Bytes that are no exchange entry of this version raise ValueError."""
    with pytest.raises(ValueError, match=r"entry|JSON|unexpected|expected"):
        decode(entry)


@pytest.mark.parametrize("kind", [ExchangeRecord, RecordedFinding, Unscanned])
def test_every_field_is_documented(kind: type) -> None:
    """The page on the format names every field, for readers in other languages."""
    page = (Path(__file__).parents[3] / "docs" / "audit-format.md").read_text(encoding="utf-8")
    assert [field.name for field in dataclasses.fields(kind) if f"`{field.name}`" not in page] == []
