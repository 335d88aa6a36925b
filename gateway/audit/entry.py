"""Entries of the audit trail: what is kept of an exchange, as canonical bytes.

Rules: an entry is an object with ``v`` (version of its form) and ``type``; a field is never dropped or renamed within
a version. Whoever adds a type adds its encoder and its row here, and a paragraph to ``docs/audit-format.md``.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from filters.findings import Action, Phase, Stage
from gateway.audit.canonical import canonical_json
from gateway.protocol.record import ExchangeRecord, RecordedFinding, Unscanned

ENTRY_VERSION = 1
EXCHANGE = "exchange"


def encode_exchange(record: ExchangeRecord) -> bytes:
    """Return the entry of an exchange. On the request path, so the fields are spelled out rather than walked."""
    return canonical_json(
        {
            "v": ENTRY_VERSION,
            "type": EXCHANGE,
            "request_id": record.request_id,
            "started_at_us": record.started_at_us,
            "ended_at_us": record.ended_at_us,
            "account": record.account,
            "account_kind": record.account_kind,
            "policy": record.policy,
            "dialect": record.dialect,
            "model": record.model,
            "streamed": record.streamed,
            "decision": record.decision,
            "phase": record.phase and record.phase.value,
            "retract": record.retract,
            "released_characters": record.released_characters,
            "findings": [_finding(finding) for finding in record.findings] if record.findings else (),
            "unscanned": [_unscanned(missed) for missed in record.unscanned] if record.unscanned else (),
            "ruleset": record.ruleset,
            "label": record.label,
            "produce_id": record.produce_id,
            "status": record.status,
            "error": record.error,
            "prompt_characters": record.prompt_characters,
            "reply_characters": record.reply_characters,
            "upstream": record.upstream,
        }
    )


def decode(entry: bytes) -> ExchangeRecord:
    """Return the record an entry was made of.

    Raises:
        ValueError: the bytes are no entry of a version and type known here.
    """
    fields = orjson.loads(entry)
    if not isinstance(fields, dict) or (fields.pop("v", None), fields.pop("type", None)) != (ENTRY_VERSION, EXCHANGE):
        raise ValueError("not an exchange entry of version 1; read it with the release that wrote it")
    try:
        return ExchangeRecord(
            **{
                **fields,
                "phase": fields["phase"] and Phase(fields["phase"]),
                "findings": tuple(map(_to_finding, fields["findings"])),
                "unscanned": tuple(map(_to_unscanned, fields["unscanned"])),
            }
        )
    # A field too many is refused too: an index that dropped it would not say what the file says.
    except (KeyError, TypeError) as exc:
        raise ValueError("the entry lacks a field of version 1, or has one more") from exc


def _finding(finding: RecordedFinding) -> dict[str, str | int]:
    return {
        "phase": finding.phase.value,
        "stage": finding.stage.value,
        "risk": finding.risk,
        "action": finding.action.value,
        "term": finding.term,
        "count": finding.count,
    }


def _unscanned(missed: Unscanned) -> dict[str, str]:
    return {"phase": missed.phase.value, "stage": missed.stage.value, "reason": missed.reason}


def _to_finding(fields: Mapping[str, Any]) -> RecordedFinding:
    return RecordedFinding(
        **{
            **fields,
            "phase": Phase(fields["phase"]),
            "stage": Stage(fields["stage"]),
            "action": Action(fields["action"]),
        }
    )


def _to_unscanned(fields: Mapping[str, Any]) -> Unscanned:
    return Unscanned(**{**fields, "phase": Phase(fields["phase"]), "stage": Stage(fields["stage"])})
