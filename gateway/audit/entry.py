"""Entries of the audit trail: what is kept, as canonical bytes.

Rules: an entry is an object with ``v`` (version of its form) and ``type``; a member whose value is its default is
left out; a member is never dropped or renamed within a version, and no default changes. Whoever adds a type adds its
encoder and its row here, and a paragraph to ``docs/audit-format.md``.
"""

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

import orjson

from filters.findings import Action, Phase, Stage
from gateway.audit.canonical import canonical_json_of_known
from gateway.audit.content.entry import CONTENT, ContentEntry, decode_content
from gateway.audit.events import EVENT, Event, decode_event
from gateway.protocol.record import Added, ExchangeRecord, Latency, RecordedFinding, Unscanned

ENTRY_VERSION = 2
EXCHANGE = "exchange"

# Members that are written as the record has them; the others have a form of their own below.
_PLAIN = (
    *("account", "account_kind", "policy", "dialect", "model", "served_model", "streamed", "decision"),
    *("released_characters", "ruleset", "label", "agreement", "status", "error", "upstream"),
    *("shadow", "other_ruleset", "other_decision", "lack", "classifier"),
)
_PLAIN_DEFAULTS = tuple(ExchangeRecord._field_defaults[name] for name in _PLAIN)
# By place: asked by name, the record would take twice as long.
_plain_of = itemgetter(*map(ExchangeRecord._fields.index, _PLAIN))
_added_of = itemgetter(*map(ExchangeRecord._fields.index, Added._fields))


def encode_exchange(record: ExchangeRecord, added: Added | None = None) -> bytes:
    """Return the entry of an exchange.

    Args:
        record: the exchange.
        added: stands in for these fields of the record; a copy of the record with them would cost as much again.
    """
    user, prompt_digest, reply_digest, content, latency = added or _added_of(record)
    plain = zip(_PLAIN, _plain_of(record), _PLAIN_DEFAULTS, strict=True)
    fields: dict[str, object] = {name: value for name, value, default in plain if value != default}
    fields |= {
        "v": ENTRY_VERSION,
        "type": EXCHANGE,
        "request_id": record.request_id,
        "at_us": record.started_at_us,
    }
    if user:
        fields["user"] = user
    if content:
        fields["content"] = content
    if record.produce_id != record.request_id:
        fields["produce_id"] = record.produce_id
    if record.phase is not None:
        fields["phase"] = record.phase.value
    if record.findings:
        fields["findings"] = [_finding(finding) for finding in record.findings]
    if record.unscanned:
        fields["unscanned"] = [_unscanned(missed) for missed in record.unscanned]
    _put_list(fields, "took_us", [record.ended_at_us - record.started_at_us, *latency])
    _put_list(fields, "prompt", [record.prompt_characters, prompt_digest])
    _put_list(fields, "reply", [record.reply_characters, reply_digest])
    # Strings, integers and flags under keys of our own: the record's types say so, and tests compare the two forms.
    return canonical_json_of_known(fields)


def decode(entry: bytes) -> ExchangeRecord | ContentEntry | Event:
    """Return what an entry was made of.

    Raises:
        ValueError: the bytes are no entry of a version and type known here.
    """
    fields = orjson.loads(entry)
    if isinstance(fields, dict) and fields.get("type") == EVENT:
        return decode_event(fields)
    if isinstance(fields, dict) and fields.get("type") == CONTENT:
        return decode_content(fields)
    if not isinstance(fields, dict) or (fields.pop("v", None), fields.pop("type", None)) != (ENTRY_VERSION, EXCHANGE):
        raise ValueError("not an exchange entry of version 2; read it with the release that wrote it")
    try:
        return _to_exchange(fields)
    # A field too many is refused too: an index that dropped it would not say what the file says.
    except (KeyError, TypeError) as exc:
        raise ValueError("the entry lacks a field of version 2, or has one more") from exc


def _put_list(fields: dict[str, object], name: str, values: list[Any]) -> None:
    """Write a list of fixed places, without the defaults (0 or empty) at its end; an empty one is left out."""
    while values and not values[-1]:
        values.pop()
    if values:
        fields[name] = values


def _finding(finding: RecordedFinding) -> dict[str, object]:
    fields: dict[str, object] = {"risk": finding.risk, "action": finding.action.value}
    if finding.phase is not Phase.REQUEST:
        fields["phase"] = finding.phase.value
    if finding.stage is not Stage.KEYWORDS:
        fields["stage"] = finding.stage.value
    if finding.term:
        fields["term"] = finding.term
    if finding.count != 1:
        fields["count"] = finding.count
    if finding.score is not None:
        fields["score"] = finding.score
    return fields


def _unscanned(missed: Unscanned) -> dict[str, object]:
    fields: dict[str, object] = {"reason": missed.reason}
    if missed.phase is not Phase.REQUEST:
        fields["phase"] = missed.phase.value
    if missed.stage is not Stage.KEYWORDS:
        fields["stage"] = missed.stage.value
    return fields


def _to_exchange(fields: dict[str, Any]) -> ExchangeRecord:
    started_at_us = fields.pop("at_us")
    total_us, *latency = fields.pop("took_us", ()) or (0,)
    phase = fields.pop("phase", None)
    return ExchangeRecord(
        started_at_us=started_at_us,
        ended_at_us=started_at_us + total_us,
        produce_id=fields.pop("produce_id", fields["request_id"]),
        phase=phase and Phase(phase),
        findings=tuple(map(_to_finding, fields.pop("findings", ()))),
        unscanned=tuple(map(_to_unscanned, fields.pop("unscanned", ()))),
        latency=Latency(*latency),
        **_to_digested("prompt", fields.pop("prompt", ())),
        **_to_digested("reply", fields.pop("reply", ())),
        **fields,
    )


def _to_digested(half: str, values: list[Any] | tuple[()]) -> dict[str, Any]:
    """Read what is said of a prompt or a reply: how long it is, and its digest."""
    return dict(zip((f"{half}_characters", f"{half}_digest"), values, strict=False))


def _to_finding(fields: Mapping[str, Any]) -> RecordedFinding:
    return RecordedFinding(
        **{
            "term": "",
            "count": 1,
            **fields,
            "phase": Phase(fields.get("phase", Phase.REQUEST)),
            "stage": Stage(fields.get("stage", Stage.KEYWORDS)),
            "action": Action(fields["action"]),
        }
    )


def _to_unscanned(fields: Mapping[str, Any]) -> Unscanned:
    return Unscanned(
        **{
            **fields,
            "phase": Phase(fields.get("phase", Phase.REQUEST)),
            "stage": Stage(fields.get("stage", Stage.KEYWORDS)),
        }
    )
