"""The record of an exchange."""

from dataclasses import asdict, fields

import orjson

from gateway.protocol.record import ExchangeRecord
from tests.gateway.protocol.playbook import ask, given, request


def test_a_record_holds_no_text_of_prompt_or_reply() -> None:
    """Categories, counts and ids alone; all numbers are integers, so its canonical form is one."""
    outcome = ask(given(flags=["marked"]), request("a private marked sentence", stream=False))
    written = orjson.dumps(asdict(outcome.record))
    assert b"private" not in written
    assert b"fine" not in written
    assert b"marked" in written
    assert not any(isinstance(getattr(outcome.record, each.name), float) for each in fields(ExchangeRecord))
