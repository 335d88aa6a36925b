"""Placeholders: one for each value, known to one exchange alone."""

import re

import pytest

from filters.findings import Stage, Term
from filters.personal.kinds import personal
from gateway.protocol.placeholders import MOST_VALUES, Edit, Vault, write_edits
from gateway.protocol.texts import TextGroup, TextPart

PHONE, EMAIL = personal("phone"), personal("email")
STAGE = Stage.PERSONAL_DATA


def vault(*texts: str) -> Vault:
    """Build a vault for a prompt."""
    made = Vault("req-1")
    made.open(texts)
    return made


def edited(pieces: list[str], edits: list[Edit], values: Vault) -> list[str]:
    """Write edits into a text of these pieces."""
    container = dict(enumerate(pieces))
    parts = tuple(TextPart(container, number, piece) for number, piece in enumerate(pieces))
    write_edits(TextGroup("".join(pieces), parts), edits, values)
    return list(container.values())


def test_a_value_has_one_placeholder_throughout() -> None:
    """Values of one kind are numbered; what was used is remembered for the reply."""
    values = vault()
    assert not values
    first = values.placeholder(PHONE, STAGE, "138")
    assert re.fullmatch(r"PHONE-1-[0-9a-f]{4}", first)
    assert values.placeholder(PHONE, STAGE, "138") == first
    assert values.placeholder(PHONE, STAGE, "139") == f"PHONE-2-{values.tag}"
    assert values.placeholder(personal("ip_address"), STAGE, "1") == f"IP-ADDRESS-1-{values.tag}"
    assert values
    assert values.values == {
        first: "138",
        f"PHONE-2-{values.tag}": "139",
        f"IP-ADDRESS-1-{values.tag}": "1",
    }
    assert values.names == ["PHONE", "IP-ADDRESS"]


def test_a_keyword_is_not_spelled_by_its_placeholder() -> None:
    """A list's term must not reach the model by the way of its name."""
    values = vault()
    assert values.placeholder(Term("secret.word", "A.1.f"), Stage.KEYWORDS, "word") == f"TERM-1-{values.tag}"


def test_the_tag_is_of_the_exchange_and_not_in_the_prompt() -> None:
    """Text of the prompt that looks like a placeholder is none, whatever the prompt holds."""
    own, other = vault(), Vault("req-2")
    other.open([])
    assert own.tag != other.tag
    second = vault("x", f"PHONE-1-{own.tag}").tag
    assert second not in ("", own.tag)
    # Every tag of four characters there is.
    assert len(vault("".join(f"{number:04x}" for number in range(1 << 16))).tag) > 4
    # Nobody can know the last one, so it is taken unasked.
    tags = [own.tag]
    while len(tags[-1]) < 64:
        tags.append(vault(*tags).tag)
    assert vault(*tags).tag == tags[-1]


def test_the_tag_is_chosen_once() -> None:
    """Placeholders that were given out stay what they are."""
    values = vault()
    tag = values.tag
    values.open([tag])
    assert values.tag == tag


def test_values_are_bounded_in_number() -> None:
    """Further ones are masked for good; known ones still have their placeholder."""
    values = vault()
    for number in range(MOST_VALUES):
        values.placeholder(PHONE, STAGE, str(number))
    assert values.placeholder(PHONE, STAGE, "13812345678") == "*" * 11
    assert values.placeholder(PHONE, STAGE, "0") == f"PHONE-1-{values.tag}"
    assert len(values.values) == MOST_VALUES


@pytest.mark.parametrize(
    ("pieces", "edits", "expected"),
    [
        (["call 138 now"], [Edit(5, 8, PHONE, STAGE)], ["call {0} now"]),
        (["138 138"], [Edit(0, 3, PHONE, STAGE), Edit(4, 7, PHONE, STAGE)], ["{0} {0}"]),
        (["1", "38", "!"], [Edit(0, 3, PHONE, STAGE)], ["{0}", "", "!"]),
        (["a1", "38b"], [Edit(1, 4, PHONE, STAGE)], ["a{0}", "b"]),
        (["ab", "cd"], [Edit(1, 3, None, STAGE)], ["a*", "*d"]),
        (["138 bad"], [Edit(0, 3, PHONE, STAGE), Edit(4, 7, None, STAGE)], ["{0} ***"]),
        (["13812"], [Edit(0, 3, PHONE, STAGE), Edit(2, 5, EMAIL, STAGE)], ["{0}"]),
        (["13812"], [Edit(0, 3, PHONE, STAGE), Edit(2, 5, None, STAGE)], ["*****"]),
        (["13812"], [Edit(0, 5, None, STAGE), Edit(1, 2, PHONE, STAGE)], ["*****"]),
        (["1381"], [Edit(0, 2, PHONE, STAGE), Edit(2, 4, PHONE, STAGE)], ["{0}"]),
        (["13a@"], [Edit(0, 2, PHONE, STAGE), Edit(2, 4, EMAIL, STAGE)], ["{0}{1}"]),
        (["138"], [Edit(0, 3, PHONE, STAGE), Edit(0, 3, PHONE, STAGE)], ["{0}"]),
    ],
)
def test_edits_are_written_where_the_text_stands(pieces: list[str], edits: list[Edit], expected: list[str]) -> None:
    """Over parts, over one another, beside one another; where two meet, a mask wins."""
    values = vault()
    written = edited(pieces, edits, values)
    assert written == [each.format(*values.values) for each in expected]
