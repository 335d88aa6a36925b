"""Numbers that stand for a person or what is theirs, as written in mainland China.

Rules: a candidate is a run of its own, not part of a longer run, of a word or of a decimal; groups may be separated
by one space or hyphen each, and full-width digits count as digits. Where a number has check digits they must fit, and
so must what else it says (a date, a province, an issuer): an order number of the same length hardly ever passes.

Not looked for: identity numbers of 15 digits, which were withdrawn in 2013 and have no check digit.
"""

import re
from datetime import date

from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

from filters.findings import Severity
from filters.folding import fold
from filters.patterns import Pattern
from filters.personal.kinds import personal

_GAP = r"[ \-]?"
# Taken along where it is there, so that the check sees a decimal and rejects it.
_DECIMAL = r"(?:\.[0-9])?"
_INSIDE_DECIMAL = re.compile(r"[0-9]\.$")
_GAPS = str.maketrans("", "", " -")

# GB/T 2260: the first two digits of an administrative division.
_PROVINCES = frozenset(
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83".split()  # noqa: SIM905 a list of words reads best as words
)
# ISO/IEC 7812: issuers by the beginning and the lengths they issue. UnionPay 62, its members' older 60 and 9558;
# Visa 4, Mastercard 51-55 and 2221-2720, JCB 3528-3589, Discover 6011, 644-649 and 65.
_ISSUERS = re.compile(
    r"(?:62|60|9558)[0-9]+"
    r"|(?:4[0-9]{3}|5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720"
    r"|352[89]|35[3-8][0-9]|6011|64[4-9][0-9]|65[0-9]{2})[0-9]{12}"
)
# The numbering plan's mobile ranges, networks of things left out (they have 13 digits).
_MOBILE = re.compile(r"1(?:3[0-9]|4[5-9]|5[0-35-9]|6[2567]|7[0-8]|8[0-9]|9[0-35-9])[0-9]{8}")
_ROUND = re.compile(r"0{6}$")
# Every second digit counts double, and of two digits the sum.
_DOUBLED = str.maketrans("0123456789", "0246813579")
_PASSPORT_NAMED = re.compile(r"护照|護照|通行证|passport")
PLATE_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
"""What a vehicle's plate begins with."""
# GA 36: no letters I and O, so that they are not read as digits.
_PLATE_LETTER = "a-hj-np-z"

Span = tuple[int, int]


def _digits(value: str, before: str) -> str:
    """Return a number without its separators; empty where it is part of a decimal."""
    folded = fold(value)
    if "." in folded or (folded[:1].isdecimal() and _INSIDE_DECIMAL.search(fold(before[-2:]))):
        return ""
    return folded.translate(_GAPS)


def check_identity_number(value: str, before: str) -> Span | None:
    """Check a resident identity number (GB 11643-1999): province, date of birth and check digit."""
    number = _digits(value, before).upper()
    # Before the library, which takes the digits for digits.
    if number[:2] not in _PROVINCES or not number[:17].isdecimal() or number[-1] != ric.calc_check_digit(number):
        return None
    try:
        born = ric.get_birth_date(number)
    except ValidationError:
        return None
    # The oldest numbers were given to people born in the 1880s.
    return (0, len(value)) if born >= date(1880, 1, 1) else None


def check_organisation_code(value: str, before: str) -> Span | None:
    """Check a unified social credit code (GB 32100-2015)."""
    # Of the identity numbers, one in thirty passes for a code as well.
    if check_identity_number(value, before) or not uscc.is_valid(_digits(value, before)):
        return None
    return 0, len(value)


def check_bank_card(value: str, before: str) -> Span | None:
    """Check a bank card's number: issuer, length and Luhn digit (ISO/IEC 7812-1)."""
    number = _digits(value, before)
    if number and _is_card(number):
        return 0, len(value)
    # Another number may follow; whether the last group is one can only be told by the check digit.
    end = max(value.rfind(" "), value.rfind("-"))
    rest = len(value) - end - 1
    return (0, end) if number and 0 < rest < 4 and _is_card(number[:-rest]) else None  # noqa: PLR2004 a whole group


def _is_card(number: str) -> bool:
    # Not by the library: candidates are many in tables of numbers, and its way takes three times as long.
    last_first = number[::-1]
    total = sum(map(int, last_first[::2])) + sum(map(int, last_first[1::2].translate(_DOUBLED)))
    # A run of one digit passes now and then, and is nobody's.
    return total % 10 == 0 and _ISSUERS.fullmatch(number) is not None and len(set(number)) > 1


def check_mobile(value: str, before: str) -> Span | None:
    """Check a mobile telephone number: its range; a round number is an amount."""
    number = _digits(value, before)[-11:]
    return (0, len(value)) if _MOBILE.fullmatch(number) and not _ROUND.search(number) else None


def check_passport(value: str, before: str) -> Span | None:
    """Check a passport number: it has no check digit, so it counts only where the text before says passport."""
    return (0, len(value)) if _PASSPORT_NAMED.search(fold(before)) else None


def check_plate(value: str, _before: str) -> Span | None:
    """Check a vehicle's plate: of its serial, at most two characters are letters (GA 36-2018)."""
    serial = [char for char in fold(value[2:]) if char.isalnum() and char.isascii()]
    return (0, len(value)) if sum(char.isalpha() for char in serial) <= 2 else None  # noqa: PLR2004 the standard's number


NUMBERS = (
    Pattern(
        personal("id_number", Severity.HIGH),
        rf"\b[1-8][0-9]{{5}}{_GAP}(?:18|19|20)[0-9]{{2}}{_GAP}[01][0-9][0-3][0-9]{_GAP}[0-9]{{3}}[0-9x]\b{_DECIMAL}",
        check_identity_number,
    ),
    Pattern(
        personal("organisation_code", Severity.LOW),
        r"\b[159][1239][0-9]{6}[0-9a-hj-npqrtuwxy]{10}\b" + _DECIMAL,
        check_organisation_code,
    ),
    Pattern(
        personal("bank_card", Severity.HIGH),
        rf"\b[2-69][0-9]{{3}}(?:{_GAP}[0-9]{{4}}){{3}}(?:{_GAP}[0-9]{{1,3}})?\b{_DECIMAL}",
        check_bank_card,
    ),
    Pattern(
        personal("phone"),
        rf"(?:(?:\+|\b00|\b)86{_GAP}|\b)1[3-9][0-9]{_GAP}[0-9]{{4}}{_GAP}[0-9]{{4}}\b{_DECIMAL}",
        check_mobile,
    ),
    Pattern(
        personal("passport", Severity.HIGH),
        # Ordinary ones are E and 8 digits, or E, a letter and 7; the older ones G; D, S and P serve offices.
        r"\b(?:[eg][0-9]{8}|e[a-hj-np-z][0-9]{7}|[dsp]e?[0-9]{7})\b",
        check_passport,
    ),
    Pattern(
        personal("vehicle_plate"),
        # The last three: an ordinary plate; a trailer's, a learner's, a police car's; one of a new-energy vehicle.
        rf"[{PLATE_PROVINCES}][{_PLATE_LETTER}][·•. \-]?(?:[{_PLATE_LETTER}0-9]{{5}}\b"
        rf"|[{_PLATE_LETTER}0-9]{{4}}[挂学警港澳]|(?:[0-9]{{5}}[a-hjk]|[a-hjk][{_PLATE_LETTER}0-9][0-9]{{4}})\b)",
        check_plate,
    ),
)
"""What is looked for."""
