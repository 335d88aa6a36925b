"""Tests of entries."""

import dataclasses
from pathlib import Path
from typing import Any

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from filters.findings import Action, Phase, Stage
from gateway.audit.entry import decode, encode_exchange
from gateway.audit.event_forms import EventName
from gateway.audit.events import Event, encode_event
from gateway.audit.segment import frame
from gateway.protocol.record import Added, ExchangeRecord, Latency, RecordedFinding, Unscanned
from tests.gateway.audit.builders import FINDING, MISSED, exchange

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_COUNT = st.integers(0, 2**53 - 1)
_SMALL = st.integers(0, 2**40)
_FINDINGS = st.builds(
    RecordedFinding,
    st.sampled_from(Phase),
    st.sampled_from(Stage),
    _TEXT,
    st.sampled_from(Action),
    _TEXT,
    _COUNT,
    st.none() | st.integers(0, 1000),
)
_MISSED = st.builds(Unscanned, st.sampled_from(Phase), st.sampled_from(Stage), _TEXT)
_OF_TYPE: dict[object, st.SearchStrategy[object]] = {
    str: _TEXT,
    int: _COUNT,
    bool: st.booleans(),
    Phase | None: st.none() | st.sampled_from(Phase),
    tuple[RecordedFinding, ...]: st.lists(_FINDINGS, max_size=3).map(tuple),
    tuple[Unscanned, ...]: st.lists(_MISSED, max_size=3).map(tuple),
    Latency: st.builds(Latency, *[_COUNT] * len(Latency._fields)),
}


@st.composite
def _records(draw: st.DrawFn) -> ExchangeRecord:
    """Draw any record; each field is at its default as often as not, as in a trail."""
    fields: dict[str, Any] = {name: draw(_OF_TYPE[kind]) for name, kind in ExchangeRecord.__annotations__.items()}
    fields["started_at_us"], fields["ended_at_us"] = draw(_SMALL), draw(_SMALL)
    fields |= {name: ExchangeRecord._field_defaults[name] for name in draw(_DEFAULTED)}
    return ExchangeRecord(**fields)


_DEFAULTED = st.sets(st.sampled_from(sorted(ExchangeRecord._field_defaults)))


@given(_records())
def test_entry_keeps_the_whole_record(record: ExchangeRecord) -> None:
    """Decoding an entry gives the record it was made of."""
    assert decode(encode_exchange(record)) == record


@given(_records())
def test_entry_is_canonical(record: ExchangeRecord) -> None:
    """An entry has the bytes that any RFC 8785 implementation gives what it says."""
    entry = encode_exchange(record)
    assert rfc8785.dumps(orjson.loads(entry)) == entry


@given(_records())
def test_what_the_shell_adds_is_written_as_if_the_record_had_it(record: ExchangeRecord) -> None:
    """Byte by byte, whatever the record had there before."""
    added = Added(*(getattr(record, name) for name in Added._fields))
    bare = record._replace(**Added()._asdict())
    assert encode_exchange(bare, added) == encode_exchange(record)
    assert encode_exchange(record, Added()) == encode_exchange(bare)


def test_ordinary_entry_says_what_is_not_ordinary() -> None:
    """What is at its default is left out, and the rest has the documented form."""
    assert orjson.loads(encode_exchange(exchange())) == {
        "v": 2,
        "type": "exchange",
        "request_id": "0199f0e2c0de7abc8123456789abcdef",
        "at_us": 1_795_316_941_000_000,
        "took_us": [900_412, 212, 1433, 897_310, 211_870, 245],
        "account": "acc-0123456789abcdef",
        "user": "Z2F0ZXdheS9hdWRpdC9lbg",
        "model": "smollm2-135m-instruct",
        "upstream": "local",
        "ruleset": "0123456789abcdef01234567",
        "prompt": [1234, "dGVzdHMvZ2F0ZXdheS9hdQ"],
        "reply": [2345, "YnVpbGRlcnMucHkgdmFsdQ"],
    }


def test_findings_and_what_was_missed_have_their_form() -> None:
    """Phase and stage are said where they are not those of a keyword in a prompt."""
    scored = RecordedFinding(Phase.RESPONSE, Stage.PERSONAL_DATA, "A.4.f", Action.MASK, "", 1, 930)
    fields = orjson.loads(
        encode_exchange(
            exchange(findings=(FINDING, scored), unscanned=(MISSED,), phase=Phase.REQUEST, produce_id="", status=503)
        )
    )
    assert fields["findings"] == [
        {"risk": "A.1.f", "action": "block", "term": "禁词", "count": 2},
        {"phase": "response", "stage": "personal_data", "risk": "A.4.f", "action": "mask", "score": 930},
    ]
    assert fields["unscanned"] == [{"phase": "response", "reason": "malformed_frame"}]
    assert (fields["phase"], fields["produce_id"], fields["status"]) == ("request", "", 503)


def test_clean_entry_is_small() -> None:
    """An ordinary entry with digests, pseudonym and latencies has at most 400 bytes with its line."""
    assert len(frame(encode_exchange(exchange()))) <= 400


@pytest.mark.parametrize(
    "entry",
    [
        b"not json",
        b"[]",
        b'{"v":1,"type":"exchange"}',
        b'{"v":2,"type":"other"}',
        b'{"v":2,"type":"exchange"}',
        b'{"v":2,"type":"exchange","request_id":"r","at_us":"now"}',
        b'{"v":2,"type":"exchange","request_id":"r","at_us":1,"took_us":[1,2,3,4,5,6,7]}',
        encode_exchange(exchange()).replace(b"upstream", b"upstrean"),
    ],
)
def test_unknown_entry_is_refused(entry: bytes) -> None:
    """Bytes that are no exchange entry of this version raise ValueError."""
    with pytest.raises(ValueError, match=r"entry|JSON|unexpected|expected"):
        decode(entry)


_MEMBERS = {
    *orjson.loads(encode_exchange(exchange(findings=(FINDING,), unscanned=(MISSED,), phase=Phase.REQUEST))),
    *(set(ExchangeRecord._fields) & {"account_kind", "policy", "dialect", "served_model", "streamed", "decision"}),
    *("released_characters", "label", "produce_id", "status", "error", "content"),
    *(field.name for kind in (RecordedFinding, Unscanned) for field in dataclasses.fields(kind)),
}


def test_every_member_is_documented() -> None:
    """The page on the format names every member, for readers in other languages."""
    page = (Path(__file__).parents[3] / "docs" / "audit-format.md").read_text(encoding="utf-8")
    assert sorted(name for name in _MEMBERS if f"`{name}`" not in page) == []


def test_an_event_is_told_from_an_exchange() -> None:
    """By its type, whoever reads."""
    event = Event(EventName.ACCOUNTS_DISABLED, "cli:li", 7, "acc-1", {"revision": 3})
    assert decode(encode_event(event)) == event
    assert decode(encode_exchange(exchange())) == exchange()
