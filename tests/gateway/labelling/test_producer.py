"""A provider code is taken apart, and a wrong one says which part is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.labelling.members import LabelError
from gateway.labelling.producer import check_producer, parse_producer

_REAL = (
    "001191110102MACQD9K64010000",
    "001191440300708461136T1WFUO",
    "001191310104MACE0YX63918020",
    "001191440300MA5G49LC9K1YO01",
    "001191440101MA9Y9T4H7A00000",
    "001191320118MAK93FC72D10001",
)


def test_real_codes_are_taken_apart() -> None:
    """Codes that services publish; the first is of a generation service, the fifth names none."""
    code = parse_producer(_REAL[0])
    assert (code.format_code, code.subject_type, code.binding) == ("00", "1", "1")
    assert (code.subject, code.service, code.extension) == ("91110102MACQD9K640", "generation", "0000")
    assert [parse_producer(each).service for each in _REAL[1:]] == ["generation"] * 3 + ["none named", "generation"]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("", "27 characters, this one has 0"),
        (_REAL[0][:-1], "27 characters, this one has 26"),
        (_REAL[0].lower(), "character 13 is neither"),
        (_REAL[0][:-1] + "-", "character 27 is neither"),
        ("10" + _REAL[0][2:], "characters 1-2"),
        (_REAL[0][:2] + "2" + _REAL[0][3:], "character 3"),
        (_REAL[0][:3] + "2" + _REAL[0][4:], "character 4"),
        (_REAL[0][:21] + "1" + _REAL[0][22:], r"check digit \(character 22\)"),
        (_REAL[0][:4] + "A" + _REAL[0][5:], "eight digits"),
        (_REAL[0][:14] + "I" + _REAL[0][15:], "no IOSVZ"),
        (_REAL[0][:22] + "30000", "characters 23-27"),
        ("2022" + _REAL[0][4:], "characters 1-2.*character 3.*character 4"),
    ],
)
def test_wrong_part_is_named(code: str, told: str) -> None:
    """All wrong parts at once, each by its place."""
    with pytest.raises(LabelError, match=told):
        parse_producer(code)


@given(st.integers(4, 20), st.sampled_from("0123456789"))
def test_a_wrong_digit_never_passes(place: int, digit: str) -> None:
    """Any digit of the credit code put in another's place fails its check."""
    code = _REAL[0][:place] + digit + _REAL[0][place + 1 :]
    if code == _REAL[0]:
        assert parse_producer(code)
    else:
        with pytest.raises(LabelError):
            parse_producer(code)


def test_a_name_passes_and_a_slip_in_a_code_does_not() -> None:
    """What begins as a code does is held to be one."""
    assert check_producer("picwish") == "picwish"
    assert check_producer(_REAL[0]) == _REAL[0]
    for slip in (_REAL[0][:-1], _REAL[0] + "0", "11" + _REAL[0][2:]):
        with pytest.raises(LabelError):
            check_producer(slip)
