"""Secrets longer than a match: private keys and signed tokens are covered from head to end."""

import pytest

from filters.personal.detector import personal_data
from filters.personal.running import LONGEST, TILE
from tests.filters.personal.samples import EMAIL, JWT, found, pem, random_like


def covered(text: str, kind: str) -> list[tuple[int, int]]:
    """Return what findings of a kind cover, neighbours joined."""
    spans: list[tuple[int, int]] = []
    for each, start, end in found(text):
        if each == kind and spans and spans[-1][1] == start:
            spans[-1] = (spans[-1][0], end)
        elif each == kind:
            spans.append((start, end))
    return spans


@pytest.mark.parametrize(
    "key",
    [
        pem(),
        pem("PRIVATE KEY"),
        pem("ENCRYPTED PRIVATE KEY"),
        pem("EC PRIVATE KEY", 3),
        pem("OPENSSH PRIVATE KEY", 38),
        pem("PGP PRIVATE KEY BLOCK", 50),
        pem(newline="\\n"),
        pem(newline="\r\n"),
        pem(newline=" "),
        pem().replace("KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123456789AB\n\n", 1),
    ],
)
@pytest.mark.parametrize("around", ["{}", "我的密钥：\n{}\n请保管好。", '{{"key": "{}"}}'])
def test_a_private_key_is_covered_from_head_to_foot(key: str, around: str) -> None:
    """Neither its lines nor its foot are left over, and nothing behind it is taken."""
    text = around.format(key)
    start = text.index(key)
    assert covered(text, "private_key") == [(start, start + len(key))]


def test_a_private_key_without_foot_is_covered_to_where_no_key_goes_on() -> None:
    """What was cut off is a leak all the same."""
    text = pem().rpartition("\n")[0]
    assert covered(f"{text}。然后", "private_key") == [(0, len(text))]
    assert covered(text, "private_key") == [(0, len(text))]


def test_a_private_key_has_a_longest_length() -> None:
    """A head alone does not swallow a text for ever."""
    head = pem(lines=1).partition("\n")[0]
    assert covered(head + "A" * 2 * LONGEST, "private_key") == [(0, len(head) + LONGEST)]


def test_two_private_keys_are_two() -> None:
    """The end of one is not the end of looking."""
    one = pem(lines=2)
    assert covered(f"{one}；{one}", "private_key") == [(0, len(one)), (len(one) + 1, 2 * len(one) + 1)]


def test_a_head_inside_a_key_begins_no_other() -> None:
    """It is a part of the first one."""
    head = pem(lines=1).partition("\n")[0]
    assert found(head + head + "x") == [("private_key", 0, len(head)), ("private_key", len(head), 2 * len(head) + 1)]


@pytest.mark.parametrize(
    "text", ["-----BEGIN PUBLIC KEY-----\nabc", "-----BEGIN CERTIFICATE-----", "PRIVATE KEY", "begin private key"]
)
def test_what_is_no_private_key_is_not_found(text: str) -> None:
    """Public keys and certificates are made to be shown."""
    assert found(text) == []


def test_a_long_token_is_covered_whole() -> None:
    """Header, claims and signature, however long the claims are."""
    assert len(JWT) > 2 * TILE
    assert covered(f"Bearer {JWT}\n", "jwt") == [(7, 7 + len(JWT))]
    assert covered(f"{JWT}，", "jwt") == [(0, len(JWT))]


def test_what_stands_behind_a_secret_is_found_too() -> None:
    """Other findings are told in their order."""
    text = f"{pem(lines=1)}。{EMAIL}"
    assert found(text)[-1][0] == "email"


def test_a_token_inside_a_key_goes_on_behind_it() -> None:
    """What ends the one need not end the other; nothing between is left over, however it comes."""
    head = pem(lines=1).partition("\n")[0]
    text = f"{head}eyJ{random_like(20)}.eyJ{random_like(12)}_{random_like(50)}。"
    whole = personal_data().scan(text)
    stream = personal_data().stream()
    one_by_one = [known.finding for char in text for known in stream.feed(char)]
    assert sorted(one_by_one) == sorted(whole)
    assert max(each.end for each in whole) == len(text) - 1
    assert {at for each in whole for at in range(each.start, each.end)} == set(range(len(text) - 1))
