"""Ways to write a term so that a plain search misses it, as people on the network do: one for each folding step.

Each takes a term and a source of chance, and returns the term written so; None where the term offers nothing to do
(a Latin word has no pinyin). They are written from what evaders do and share nothing with the tables they test but
the characters' own properties.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from filters.characters import SYLLABLES
from filters.findings import Step
from filters.spellings import SPLITS

Evasion = Callable[[str, random.Random], str | None]

_CYRILLIC = dict(zip("aceopxyijsh", "асеорхуіјѕһ", strict=True))
_LEET = dict(zip("aeiost", "431057", strict=True))
_FORMAL = dict(zip("一二三四五六七八九", "壹贰叁肆伍陆柒捌玖", strict=True))
_TRADITIONAL = dict(
    zip(
        "枪弹药卖买贩赌场毒炸钱单贷证伪骗诈杀伤网络视频资讯号码传销华发种图书马",
        "槍彈藥賣買販賭場毒炸錢單貸證偽騙詐殺傷網絡視頻資訊號碼傳銷華發種圖書馬",
        strict=True,
    )
)
_SEPARATORS = ("*", "_", ".", "|", "·", "-", "~", "+", "/", "、")
_EMOJI = ("🔥", "💊", "❤️", "🎲")


def _map(term: str, table: dict[str, str]) -> str | None:
    written = "".join(table.get(char, char) for char in term)
    return written if written != term else None


def _between(term: str, separator: Callable[[], str]) -> str:
    letters = [char for char in term if not char.isspace()]
    return "".join(char + separator() for char in letters[:-1]) + letters[-1]


def _is_chinese(term: str) -> bool:
    return all("\u4e00" <= char <= "\u9fff" for char in term)


def width(term: str, _chance: random.Random) -> str | None:
    """Full-width letters."""
    return _map(term, {chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})


def case(term: str, chance: random.Random) -> str | None:
    """Capitals here and there."""
    written = "".join(char.upper() if chance.random() < 0.6 else char for char in term)
    return written if written != term else None


def traditional(term: str, _chance: random.Random) -> str | None:
    """Traditional characters."""
    return _map(term, _TRADITIONAL)


def lookalike(term: str, _chance: random.Random) -> str | None:
    """Cyrillic letters for Latin ones, but for the last that could be: whole words of Cyrillic are Russian."""
    places = [at for at, char in enumerate(term) if char in _CYRILLIC]
    if not places or len(places) == sum(char.isalpha() for char in term):
        return None
    return "".join(_CYRILLIC[char] if at in places else char for at, char in enumerate(term))


def circled(term: str, _chance: random.Random) -> str | None:
    """Letters and digits in circles."""
    letters = {chr(ord("a") + at): chr(0x24D0 + at) for at in range(26)}
    return _map(term, letters | {str(digit): chr(0x2460 + digit - 1) for digit in range(1, 10)})


def mathematical(term: str, _chance: random.Random) -> str | None:
    """Mathematical bold letters."""
    return _map(term, {chr(ord("a") + at): chr(0x1D41A + at) for at in range(26)})


def formal_digits(term: str, _chance: random.Random) -> str | None:
    """Formal numerals."""
    return _map(term, _FORMAL)


def zero_width(term: str, chance: random.Random) -> str | None:
    """Characters that are drawn as nothing."""
    return _between_all(term, lambda: chance.choice("\u200b\u200c\u200d\u2060\ufeff\u00ad"))


def bidirectional(term: str, chance: random.Random) -> str | None:
    """Marks of writing direction."""
    return _between_all(term, lambda: chance.choice("\u200e\u200f\u202a\u202c\u2066\u2069"))


def variation(term: str, _chance: random.Random) -> str | None:
    """Variation selectors."""
    return _between_all(term, lambda: "\ufe0f")


def combining(term: str, chance: random.Random) -> str | None:
    """Stray combining marks."""
    return _between_all(term, lambda: chance.choice("\u0336\u0301\u0489\u20dd"))


def _between_all(term: str, mark: Callable[[], str]) -> str:
    return "".join(char + mark() for char in term[:-1]) + term[-1]


def spaced(term: str, _chance: random.Random) -> str | None:
    """A space between all characters."""
    return _between(term, lambda: " ")


def punctuated(term: str, chance: random.Random) -> str | None:
    """One sign between all characters."""
    sign = chance.choice(_SEPARATORS)
    return _between(term, lambda: sign)


def emoji(term: str, chance: random.Random) -> str | None:
    """Emoji between all characters."""
    return _between(term, lambda: chance.choice(_EMOJI))


def lines(term: str, _chance: random.Random) -> str | None:
    """Each character on a line of its own."""
    return _between(term, lambda: "\n")


def starred(term: str, chance: random.Random) -> str | None:
    """One sign in one place."""
    at = chance.randrange(1, len(term))
    if not (term[at - 1].isalnum() and term[at].isalnum()):
        return None
    return term[:at] + chance.choice("*_^#") + term[at:]


def repeated(term: str, chance: random.Random) -> str | None:
    """Every character several times."""
    times = chance.randrange(2, 5)
    return "".join(char * times if char.isalnum() else char for char in term)


def pinyin(term: str, _chance: random.Random) -> str | None:
    """Pinyin in one word."""
    if not _is_chinese(term) or len(term) < 2:
        return None
    return "".join(SYLLABLES[char][0] for char in term) if all(char in SYLLABLES for char in term) else None


def pinyin_spaced(term: str, _chance: random.Random) -> str | None:
    """Pinyin in syllables."""
    if not _is_chinese(term) or len(term) < 2:
        return None
    return " ".join(SYLLABLES[char][0] for char in term) if all(char in SYLLABLES for char in term) else None


def initials(term: str, _chance: random.Random) -> str | None:
    """Initials of the pinyin."""
    if not _is_chinese(term) or not all(char in SYLLABLES for char in term):
        return None
    return "".join(SYLLABLES[char][0][0] for char in term)


def homophone(term: str, chance: random.Random) -> str | None:
    """Another character of the same sound in one place."""
    places = [at for at, char in enumerate(term) if char in SYLLABLES and "\u4e00" <= char <= "\u9fff"]
    if not places or not _is_chinese(term):
        return None
    at = chance.choice(places)
    same = [char for char in _BY_SOUND[SYLLABLES[term[at]][0]] if char != term[at]]
    return term[:at] + chance.choice(same) + term[at + 1 :] if same else None


def homophones(term: str, chance: random.Random) -> str | None:
    """Other characters of the same sound in all places of a longer term."""
    if len(term) <= 2 or not _is_chinese(term) or not all(char in SYLLABLES for char in term):
        return None
    same = [[other for other in _BY_SOUND.get(SYLLABLES[char][0], ()) if other != char] or [char] for char in term]
    return "".join(map(chance.choice, same))


def numbered(term: str, chance: random.Random) -> str | None:
    """Pinyin with the digits of tones."""
    whole = pinyin(term, chance)
    if whole is None or len(whole) < 5:
        return None
    return "".join(SYLLABLES[char][0] + str(chance.randrange(1, 5)) for char in term)


def toned(term: str, chance: random.Random) -> str | None:
    """Pinyin with the marks of tones."""
    spaced = pinyin_spaced(term, chance)
    return spaced and "".join(chance.choice(_TONES.get(char, char)) for char in spaced)


def mixed(term: str, chance: random.Random) -> str | None:
    """One character in pinyin, wherever it stands."""
    if pinyin(term, chance) is None:
        return None
    at = chance.randrange(len(term))
    reading = SYLLABLES[term[at]][0]
    return term[:at] + reading + term[at + 1 :] if len(reading) > 1 else None


def mixed_numbered(term: str, chance: random.Random) -> str | None:
    """One character in pinyin, with the digit of its tone."""
    if pinyin(term, chance) is None:
        return None
    at = chance.randrange(1, len(term))
    reading = SYLLABLES[term[at]][0]
    return term[:at] + reading + str(chance.randrange(1, 5)) + term[at + 1 :] if len(reading) > 1 else None


def mixed_half(term: str, chance: random.Random) -> str | None:
    """The second half in pinyin."""
    if pinyin(term, chance) is None:
        return None
    half = len(term) // 2
    written = "".join(SYLLABLES[char][0] for char in term[half:])
    return term[:half] + written if len(written) > 1 else None


def split(term: str, _chance: random.Random) -> str | None:
    """Characters taken apart."""
    return _map(term, SPLITS)


def leet(term: str, _chance: random.Random) -> str | None:
    """Digits for letters."""
    return _map(term, _LEET)


def accented(term: str, _chance: random.Random) -> str | None:
    """Letters with marks."""
    return _map(term, dict(zip("aeioun", "áèîöûñ", strict=True)))


_TONES = {"a": "āáǎà", "e": "ēéěè", "i": "īíǐì", "o": "ōóǒò"}


def _by_sound() -> dict[str, list[str]]:
    sounds: dict[str, list[str]] = {}
    for char, readings in SYLLABLES.items():
        # The first plane of GB 2312: characters that people can type without looking for them.
        if "\u4e00" <= char <= "\u9fff" and b"\xb0" <= char.encode("gb2312", "ignore")[:1] <= b"\xd7":
            sounds.setdefault(readings[0], []).append(char)
    return sounds


_BY_SOUND = _by_sound()

EVASIONS: dict[str, tuple[Evasion, frozenset[Step]]] = {
    "width": (width, frozenset({Step.WIDTH})),
    "case": (case, frozenset({Step.CASE})),
    "traditional": (traditional, frozenset({Step.TRADITIONAL})),
    "lookalike": (lookalike, frozenset({Step.LOOKALIKE})),
    "accented": (accented, frozenset({Step.LOOKALIKE})),
    "circled": (circled, frozenset({Step.DIGITS})),
    "mathematical": (mathematical, frozenset({Step.DIGITS})),
    "formal digits": (formal_digits, frozenset({Step.DIGITS})),
    "zero width": (zero_width, frozenset({Step.INVISIBLE})),
    "bidirectional": (bidirectional, frozenset({Step.INVISIBLE})),
    "variation": (variation, frozenset({Step.INVISIBLE})),
    "combining": (combining, frozenset({Step.INVISIBLE})),
    "spaced": (spaced, frozenset({Step.SEPARATORS})),
    "punctuated": (punctuated, frozenset({Step.SEPARATORS})),
    "emoji": (emoji, frozenset({Step.SEPARATORS})),
    "lines": (lines, frozenset({Step.SEPARATORS})),
    "starred": (starred, frozenset({Step.SEPARATORS})),
    "repeated": (repeated, frozenset({Step.REPEATS})),
    "pinyin": (pinyin, frozenset({Step.PINYIN})),
    "pinyin spaced": (pinyin_spaced, frozenset({Step.PINYIN})),
    "initials": (initials, frozenset({Step.INITIALS})),
    "pinyin numbered": (numbered, frozenset({Step.PINYIN})),
    "pinyin toned": (toned, frozenset({Step.PINYIN, Step.LOOKALIKE})),
    "mixed": (mixed, frozenset({Step.PINYIN})),
    "mixed numbered": (mixed_numbered, frozenset({Step.PINYIN})),
    "mixed half": (mixed_half, frozenset({Step.PINYIN})),
    "homophone": (homophone, frozenset({Step.HOMOPHONES})),
    "homophones": (homophones, frozenset({Step.HOMOPHONES})),
    "split": (split, frozenset({Step.SPLIT})),
    "leet": (leet, frozenset({Step.LEET})),
}

GUESSES = frozenset({Step.PINYIN, Step.INITIALS, Step.HOMOPHONES, Step.SPLIT, Step.LEET})
"""Steps that lead to several terms; a guess at a guess would find anything, so no two of them are taken together."""
POSITIONS = (("", ""), ("我想买", " 谢谢"), ("he said ", ", ok"), ("，", "。"), ("「", "」\n"))
"""What stands before and behind a term."""
GLUED = ("好", "吗")
"""The same, where a reader needs to know the words to see where the term begins."""
_TONED = ("pinyin numbered", "mixed numbered")
_MIXED = (*_TONED, "mixed", "mixed half")
_APART = (
    "zero width", "bidirectional", "variation", "combining", "spaced", "punctuated", "emoji", "lines", "starred",
)  # fmt: skip
# What comes first hides from the second what it works on, or both together are what ordinary texts have.
_AT_ODDS = frozenset(
    {
        ("traditional", "split"),
        ("initials", "starred"),
        ("homophone", "spaced"),
        ("homophone", "lines"),
        ("homophone", "punctuated"),
        # The digit of a tone stands right behind its syllable, and mixed spellings are read without their repeats.
        *((first, second) for first in _TONED for second in _APART),
        *((name, "repeated") for name in _MIXED),
        *(("repeated", name) for name in (*_MIXED, "pinyin toned", "homophones")),
        ("mixed", "lookalike"),
        *(("repeated", name) for name in ("pinyin", "pinyin spaced", "initials", "homophone", "split")),
    }
)


class Case(NamedTuple):
    """A text with an evasion in it.

    Attributes:
        term: the term.
        names: the evasions, in the order they were applied.
        before: what stands before it.
        written: the term as written.
        after: what stands behind it.
    """

    term: str
    names: tuple[str, ...]
    before: str
    written: str
    after: str

    @property
    def text(self) -> str:
        """The whole text."""
        return self.before + self.written + self.after

    @property
    def guessed(self) -> bool:
        """Whether the term can only be guessed, so that ordinary words around it may hide it."""
        return any(not GUESSES.isdisjoint(EVASIONS[name][1]) for name in self.names)


def chains() -> Iterator[tuple[str, ...]]:
    """Yield each evasion, and each two that can be taken one after the other."""
    for first, (_, steps) in EVASIONS.items():
        yield (first,)
        for second, (_, others) in EVASIONS.items():
            guesses = not GUESSES.isdisjoint(steps) and not GUESSES.isdisjoint(others)
            if first != second and not guesses and (first, second) not in _AT_ODDS:
                yield first, second


def evade(term: str, names: Iterable[str], seed: str) -> str | None:
    """Return a term written with evasions one after the other; None where one has nothing to do."""
    chance, written = random.Random(seed), term  # noqa: S311 no secret is made of it
    for name in names:
        before, found = written, EVASIONS[name][0](written, chance)
        if found is None or found == before:
            return None
        written = found
    return written


def cases(terms: Iterable[str], positions: Iterable[tuple[str, str]] = POSITIONS) -> Iterator[Case]:
    """Yield the full table: every term, every evasion and compatible pair of them, every position."""
    around = tuple(positions)
    for term in terms:
        for names in chains():
            written = evade(term, names, f"{term} {names}")
            if written is not None:
                yield from (Case(term, names, before, written, after) for before, after in around)
