"""Restoring: what was replaced comes back, however the reply is cut, and nothing else changes."""

from typing import Any

import orjson
import pytest
from hypothesis import given as generate
from hypothesis import settings
from hypothesis import strategies as st

from filters.findings import Stage
from filters.personal.kinds import personal, secret
from gateway.protocol.placeholders import Vault
from gateway.protocol.restoring import Restorer, restore_document
from tests.filters.test_patterns import cut

QUOTED = 'a "quoted"\\\n值'


def vault() -> Vault:
    """Build a vault with some values."""
    made = Vault("req-1")
    made.open([])
    for number in range(12):
        made.placeholder(personal("phone"), Stage.PERSONAL_DATA, f"1380000{number:04}")
    made.placeholder(personal("id_number"), Stage.PERSONAL_DATA, "11010119900307803X")
    made.placeholder(secret("private_key"), Stage.PERSONAL_DATA, QUOTED)
    return made


VAULT = vault()
PLACEHOLDERS = list(VAULT.values)
# Placeholders, their halves, numbers nobody was given, other tags, and text around.
NOISE = [each[:size] for each in PLACEHOLDERS[:1] + PLACEHOLDERS[-1:] for size in range(1, len(each))]
NOISE += [f"PHONE-99-{VAULT.tag}", "PHONE-1-zzzz", "KEY-", "-", "P", VAULT.tag, "电话", " "]
PIECES = st.lists(st.sampled_from([*PLACEHOLDERS, *NOISE]), max_size=8)


@generate(PIECES, st.lists(st.integers(0, 100), max_size=6), st.booleans())
@settings(max_examples=300, deadline=None)
def test_a_restored_stream_does_not_depend_on_the_cutting(pieces: list[str], cuts: list[int], escaped: bool) -> None:  # noqa: FBT001 drawn
    """Law 2: the same text, cut in any way, is shown as the same text: each placeholder as its value."""
    text, restorer = "".join(pieces), Restorer(VAULT, escaped=escaped)
    expected = text
    for placeholder, value in VAULT.values.items():
        expected = expected.replace(placeholder, orjson.dumps(value).decode()[1:-1] if escaped else value)
    shown = "".join(restorer.feed(piece) for piece in cut(text, cuts)) + restorer.finish()
    assert shown == expected == Restorer(VAULT, escaped=escaped).restore(text)


@generate(st.lists(st.sampled_from([*VAULT.values.values(), "我的", " ", "x", "P"]), max_size=8))
@settings(max_examples=200, deadline=None)
def test_what_was_replaced_is_restored(pieces: list[str]) -> None:
    """Restoring undoes replacing."""
    placeholders = {value: placeholder for placeholder, value in VAULT.values.items()}
    replaced = "".join(placeholders.get(piece, piece) for piece in pieces)
    assert Restorer(VAULT, escaped=False).restore(replaced) == "".join(pieces)


@generate(PIECES)
@settings(max_examples=200, deadline=None)
def test_held_back_is_what_may_become_a_placeholder(pieces: list[str]) -> None:
    """Exactly the longest end that is the beginning of one; so what is held is bounded."""
    text, restorer = "".join(pieces), Restorer(VAULT, escaped=False)
    restorer.feed(text)
    begun = [size for size in range(1, len(text) + 1) if any(each.startswith(text[-size:]) for each in PLACEHOLDERS)]
    begun = [size for size in begun if text[-size:] not in PLACEHOLDERS]
    assert restorer.finish() == text[len(text) - max(begun, default=0) :]


def test_an_ended_text_may_go_on() -> None:
    """A name may be said again."""
    restorer = Restorer(VAULT, escaped=False)
    assert restorer.feed("PHO") + restorer.finish() == "PHO"
    assert restorer.feed(PLACEHOLDERS[0]) == "13800000000"


@pytest.mark.parametrize("structured", [False, True])
def test_a_whole_reply_is_restored_in_place(structured: bool) -> None:  # noqa: FBT001 a parameter of the table
    """In content, parts and arguments; what is JSON stays JSON."""
    key, phone = PLACEHOLDERS[-1], PLACEHOLDERS[0]
    call = {"function": {"name": "f", "arguments": f'{{"key": "{key}"}}'}}
    document: dict[str, Any] = {"content": f"您的 {phone}", "parts": [{"text": f"{key}"}], "tool_calls": [call]}
    assert restore_document(document, VAULT, structured=structured)
    assert document["content"] == "您的 13800000000"
    assert document["parts"][0]["text"] == (orjson.dumps(QUOTED).decode()[1:-1] if structured else QUOTED)
    assert orjson.loads(document["tool_calls"][0]["function"]["arguments"]) == {"key": QUOTED}
    assert not restore_document(document, VAULT, structured=structured)
