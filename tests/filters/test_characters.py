"""What each character stands for; the laws are checked on every code point there is."""

import sys
import unicodedata

import numpy as np
import pytest

from filters.characters import (
    CODES,
    FORM,
    LEET,
    SEVERAL,
    STEPS,
    SYLLABLES,
    CharacterClass,
    character_class,
    code_tables,
    fold,
    fold_table,
)
from filters.findings import Step

KEPT, SEPARATOR, INVISIBLE = CharacterClass
WIDTH, CASE, TRADITIONAL, LOOKALIKE, DIGITS, *_ = Step

EVERY = [chr(code) for code in range(sys.maxunicode + 1)]
# Read as drawn, not by their compatibility form: badges are signs, a lunate sigma is a c.
AS_DRAWN = "™℠ϲϹ"


def _steps(text: str) -> set[Step]:
    return {step for char in text for step in STEPS.get(char, ())}


@pytest.mark.parametrize(
    ("text", "folded", "steps"),
    [
        ("ａｂｃ１２３", "abc123", {WIDTH}),
        ("ｱ", "ア", {WIDTH}),
        ("ﬁ㎏", "fikg", {WIDTH}),
        ("⼿豈", "手岂", {WIDTH, TRADITIONAL}),
        ("氵扌亻⺡讠", "水手人水言", {WIDTH}),
        ("AZı", "azi", {CASE}),
        ("İΔΣς", "iδoo", {CASE, LOOKALIKE}),
        ("槍枝彈藥", "枪枝弹药", {TRADITIONAL}),
        ("沢気発", "泽气发", {TRADITIONAL}),
        ("裏裡峯", "里里峰", {TRADITIONAL}),
        ("раѕѕwоrd", "password", {LOOKALIKE}),
        ("нєℓℓο", "hello", {LOOKALIKE, DIGITS}),
        ("ηινϲ", "nivc", {LOOKALIKE}),
        ("éğşñđłø", "egsndlo", {LOOKALIKE}),
        ("æœß", "aeoess", {LOOKALIKE}),
        ("ʜᴇʟʟᴏ", "hello", {LOOKALIKE}),
        ("ꭰꓮօ", "dao", {LOOKALIKE}),
        ("أإآ", "ااا", {LOOKALIKE}),
        ("①⑴⒈⓵❶", "11111", {DIGITS}),
        ("⑩⓾❿㉈", "10101010", {DIGITS}),
        ("¹₉", "19", {DIGITS}),
        ("½", "12", {DIGITS}),
        ("Ⅻ", "xii", {DIGITS, CASE}),
        ("ⓐ🄰🅐🅰", "aaaa", {DIGITS, CASE}),
        ("𝐚𝕓𝓬", "abc", {DIGITS}),
        ("٣३๓３", "3333", {WIDTH, DIGITS}),
        ("〇零一二三四五六七八九", "00123456789", {DIGITS}),
        ("壹贰貳叁肆伍陆陸柒捌玖", "12234566789", {TRADITIONAL, DIGITS}),
        ("拾佰仟億", "十百千亿", {DIGITS, TRADITIONAL}),
        ("㈠㊀㊙", "11秘", {DIGITS}),
        ("℃№", "cno", {WIDTH, CASE}),
        ("\ud83d", "\ufffd", set()),
    ],
)
def test_characters_fold_by_steps(text: str, folded: str, steps: set[Step]) -> None:
    """Each step levels its own kind of spelling, and is named where it was needed."""
    assert fold(text) == folded
    assert _steps(text) == steps


@pytest.mark.parametrize("text", ["枪支弹药", "abc123", "アカ", "あか", "한국어", "हिन्दी", "ไทย", "φδ", "ф"])
def test_ordinary_letters_stay(text: str) -> None:
    """What is no form of anything folds to itself; hiragana and katakana are not merged."""
    assert fold(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" \t\n\u3000\u00a0\u2028", SEPARATOR),
        ("，。!@$|+-_·・~`^", SEPARATOR),
        ("😀\U0001f3fb☆★♥→█\ufffc", SEPARATOR),
        ("™℠®©ʼˈ", SEPARATOR),
        ("\ue000\U000f0000\ufffe\U0001fafd\u0378", SEPARATOR),
        ("\u200b\u200c\u200d\u2060\ufeff\u00ad\u202e\u2066\U000e0041", INVISIBLE),
        ("\ufe0f\U000e0100\u034f\u180e\u3164\uffa0\u115f\u2800", INVISIBLE),
        ("\u0301\u0336\u0489\u20e3\u1dc4\ufe20\u1ab0\u0345", INVISIBLE),
        ("\u064e\u0651\u0670\u0640\u05b0", INVISIBLE),
        ("az09枪あㄅ한", KEPT),
        ("\u093f\u0e34\u3099", KEPT),
        ("🇨🇿", SEPARATOR),
        ("①㊙ℹ🅰\ufffd\ud800", KEPT),
        ("\U0002fffd", KEPT),
    ],
)
def test_characters_have_a_class(text: str, expected: CharacterClass) -> None:
    """Signs separate, what is not seen is invisible, and what a term can be made of is kept."""
    assert {character_class(char) for char in text} == {expected}


def test_folding_is_done_once() -> None:
    """What a character folds to folds to itself."""
    assert [char for char in EVERY if fold(fold(char)) != fold(char)] == []


def test_kept_characters_never_vanish() -> None:
    """A kept character folds to kept characters, at least one; every other folds to nothing."""
    for char in EVERY:
        form = fold(char)
        assert bool(form) == (character_class(char) is KEPT)
        assert all(character_class(part) is KEPT for part in form)


def test_forms_have_steps() -> None:
    """Every form that differs says by which steps, in their order; a lone surrogate is no spelling of anything."""
    assert FORM.keys() == STEPS.keys()
    assert all(char != form for char, form in FORM.items())
    order = [WIDTH, CASE, TRADITIONAL, LOOKALIKE, DIGITS]
    assert all(list(steps) == [step for step in order if step in steps] for steps in STEPS.values())
    assert {char for char, steps in STEPS.items() if not steps} == set(map(chr, range(0xD800, 0xE000)))


def test_spellings_of_one_text_fold_alike() -> None:
    """Case, compatibility forms and composed letters level out, whichever way a text was normalised."""
    for char in EVERY:
        if char not in AS_DRAWN and character_class(char) is KEPT:
            forms = {char, char.lower(), unicodedata.normalize("NFKC", char)}
            # The capitals of ᾳ are two, and the second is read as a letter of its own.
            forms |= {char.upper()} if len(char.upper()) == 1 else set()
            assert len(set(map(fold, forms))) == 1


def test_marks_on_letters_do_not_count() -> None:
    """A letter with marks of its own folds as the letter and the marks written one by one."""
    for char in EVERY:
        base, *marks = list(unicodedata.normalize("NFD", char))
        if marks and all(character_class(mark) is INVISIBLE for mark in marks):
            assert fold(char) == fold(base)


def test_ideographs_are_no_look_alikes() -> None:
    """A Chinese character folds to Chinese characters, or to a digit when it is a numeral."""
    for char in map(chr, (*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000), *range(0x20000, 0x32000))):
        form = fold(char)
        assert form.isdigit() or not form.isascii()
        assert LOOKALIKE not in STEPS.get(char, ())


def test_tables_agree() -> None:
    """The table of codes says what the table of strings says."""
    table, codes = fold_table(), code_tables()
    assert len(table) == len(codes) == CODES
    assert codes.dtype == np.dtype(np.uint32)
    for code, form in enumerate(table):
        text = chr(form) if isinstance(form, int) else form or "\0"
        assert codes[code] == (ord(text) if len(text) == 1 else SEVERAL)


def test_tables_are_shared() -> None:
    """The tables are made once, and that of codes cannot be changed."""
    assert fold_table() is fold_table()
    assert not code_tables().flags.writeable


def test_signs_read_as_letters() -> None:
    """Digits and signs stand for the letter they look like; l and i share a class, and every class is a letter."""
    assert (
        "".join(LEET.get(char, char) for char in "p4$$w0rd h3ll0 ki1l|ng 8@9 7ax|")
        == "password heiio kiiiing bag taxi"
    )
    assert LEET["l"] == LEET["1"] == LEET["！"] == "i"
    assert all(form.isalpha() and LEET.get(form, form) == form for form in LEET.values())


@pytest.mark.parametrize(
    ("char", "readings"),
    [
        ("枪", ("qiang",)),
        ("行", ("xing", "hang")),
        ("弹", ("dan", "tan")),
        ("女", ("nv",)),
        ("略", ("lve",)),
        ("4", ("si",)),
        ("6", ("liu", "lu")),
        ("的", ("de", "di")),
    ],
)
def test_characters_are_read(char: str, readings: tuple[str, ...]) -> None:
    """A character has the readings in use, the commonest first; a digit is read as the numeral that folds to it."""
    assert SYLLABLES[char] == readings


def test_syllables_belong_to_folded_text() -> None:
    """Readings are kept for what folding leaves, as plain letters, for every everyday character."""
    assert all(fold(char) == char for char in SYLLABLES)
    assert all(reading.isascii() and reading.isalpha() for readings in SYLLABLES.values() for reading in readings)
    everyday = [bytes((high, low)) for high in range(0xB0, 0xF8) for low in range(0xA1, 0xFF)]
    characters = "".join(pair.decode("gb2312", "ignore") for pair in everyday)
    assert set(fold(characters)) - SYLLABLES.keys() == set()
