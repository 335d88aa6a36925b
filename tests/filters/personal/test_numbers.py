"""Numbers of people: what counts, in which spelling, and what only looks like one."""

import pytest

from tests.filters.personal.samples import (
    CARD,
    CARD_16,
    CODE,
    ID_NUMBER,
    MOBILE,
    OTHER_ID_NUMBER,
    PASSPORT,
    PLATE,
    found,
)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("id_number", ID_NUMBER),
        ("id_number", OTHER_ID_NUMBER),
        ("id_number", ID_NUMBER.lower()),
        ("id_number", "110101 19900307 803X"),
        ("id_number", "110101-19900307-803x"),
        ("id_number", "１１０１０１１９９００３０７８０３Ｘ"),
        ("organisation_code", CODE),
        ("organisation_code", CODE.lower()),
        ("bank_card", CARD),
        ("bank_card", CARD_16),
        ("bank_card", "6222 0212 3456 7890 128"),
        ("bank_card", "4532-0151-1283-0366"),
        ("bank_card", "６２２２ ０２１２ ３４５６ ７８９０ １２８"),
        ("phone", MOBILE),
        ("phone", "138 1234 5678"),
        ("phone", "138-1234-5678"),
        ("phone", "+86 13812345678"),
        ("phone", "+86-138-1234-5678"),
        ("phone", "008613812345678"),
        ("phone", "8613812345678"),
        ("phone", "１３８１２３４５６７８"),
        ("vehicle_plate", PLATE),
        ("vehicle_plate", "沪B·F2345"),
        ("vehicle_plate", "粤B12345D"),
        ("vehicle_plate", "京AD12345"),
        ("vehicle_plate", "京A1234警"),
        ("vehicle_plate", "京Ａ１２３４５"),
    ],
)
@pytest.mark.parametrize("around", ["{}", "联系：{}。", "是{}吗", "x {}, y", "({})", "1.{}\n2"])
def test_number_is_found(kind: str, value: str, around: str) -> None:
    """Whole, in any of its spellings, wherever it stands on its own."""
    text = around.format(value)
    start = text.index(value)
    # A digit and a dot in front make it a decimal.
    expected = [] if around.startswith("1.") and value[0].isdecimal() else [(kind, start, start + len(value))]
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "110101199003078030",  # its check digit does not fit
        "110101199013078033",  # there is no thirteenth month
        "110101180103078037",  # nobody with a number was born so early
        "99010119900307803X",  # there is no such province
        f"8{ID_NUMBER}",
        f"a{ID_NUMBER}",
        f"{ID_NUMBER}5",
        "91110000600037341X",
        "6222021234567890120",
        "1222021234567890124",  # no issuer begins so
        "4444 4444 4444 4444",
        f"{CARD}7",
        f"0{CARD}",
        "2" * 16,
        "12012345678",
        "15412345678",
        "13000000000元",
        f"{MOBILE}9",
        f"7{MOBILE}",
        f"0.{MOBILE}",
        f"{MOBILE}.5",
        f"订单号 20231122{MOBILE}",
        "京ABCDEF",
        "京I12345",
        "我爱北京a12b",
        PASSPORT,
        f"型号 {PASSPORT}",
        "2023-11-22 10:30:45",
        "版本 1.2.3，共 100,200,300 行",
    ],
)
def test_what_only_looks_like_a_number_is_not_found(text: str) -> None:
    """Check digits, ranges and what stands around decide."""
    assert found(text) == []


@pytest.mark.parametrize("text", ["护照号：{}", "Passport No. {} issued", "護照 {}", "通行证{}，有效"])
@pytest.mark.parametrize("number", [PASSPORT, "EA1234567", "G12345678", "PE1234567"])
def test_a_passport_is_one_where_the_text_says_so(text: str, number: str) -> None:
    """It has no check digit: without the word it could be any product's number."""
    start = text.index("{")
    assert found(text.format(number)) == [("passport", start, start + 9)]


def test_a_number_behind_a_card_is_not_its_last_group() -> None:
    """Where the longest reading does not check, the card without its last group does."""
    assert found(f"{CARD_16} 123 元") == [("bank_card", 0, 16)]
    assert found("4532-0151-1283-0366-12") == [("bank_card", 0, 19)]


def test_digits_in_front_do_not_hide_a_card() -> None:
    """A candidate that does not check is no match, and the next may begin inside it."""
    assert found(f"1234 {CARD[:4]} {CARD[4:]}")[0][0] == "bank_card"


def test_a_number_may_be_two_things() -> None:
    """Every reading that checks is told; what is done is for the policy to say."""
    assert found(f"{ID_NUMBER} {MOBILE}") == [("id_number", 0, 18), ("phone", 19, 30)]
