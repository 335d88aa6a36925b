"""The record of an exchange."""

import orjson

from gateway.protocol.record import short_digest
from tests.gateway.protocol.playbook import ask, given, request


def test_a_record_holds_no_text_of_prompt_or_reply() -> None:
    """Categories, counts and ids alone; all numbers are integers, so its canonical form is one."""
    outcome = ask(given(flags=["marked"]), request("a private marked sentence", stream=False))
    written = orjson.dumps(tuple(outcome.record), default=tuple)
    assert b"private" not in written
    assert b"fine" not in written
    assert b"marked" in written
    assert not any(isinstance(value, float) for value in outcome.record)


def test_a_ruleset_is_named_by_24_digits() -> None:
    """A record keeps the beginning of the digest, without the name of the algorithm."""
    assert short_digest("sha256:" + "0123456789abcdef" * 4) == "0123456789abcdef01234567"
