"""Mixed spellings: Chinese terms of which some characters stand in pinyin, with or without their tones.

海luo因, zha4 dan4, 代开fp: one mechanism reads them all. A text is read as syllables, and an ideograph is one of them
like the letters of its pinyin; beginnings of terms (`filters.sounds`) say which readings of a run of letters are
worth following. This is done only around *junctions*, where letters meet ideographs or the digit of a tone, so
ordinary texts pay for seeing that they have none.

Rules: what is found around a junction depends on the text up to the end of the match alone. A match that begins with
letters begins as a spelling of the whole term does (`filters.spellings`), so whoever reads a stream held its
beginning before the junction came.
"""

import re
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from enum import IntEnum
from itertools import accumulate, chain, groupby
from operator import itemgetter
from typing import NamedTuple, Protocol

from filters.characters import SYLLABLES
from filters.reading import BREAK, CLASSES, near_sound, spell, spell_character
from filters.scripts import is_ideograph
from filters.sounds import START, Sounds, hashed

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")
_TONES = frozenset("12345")
_LONGEST_SYLLABLE = 6
# So many characters around a junction are read at first; more where that was not enough.
_AROUND = 8
REACH = 64
"""A mixed spelling begins at most so many characters before its first junction."""
MOST_INITIALS = 3
_SLOTS = 2_048
_UNKNOWN = -1
# Letters that nothing goes on from: an accent or a gap may have more of them behind it.
_PLAIN_RUN = re.compile(r"[A-Za-z]+(?=[0-9\u4e00-\u9fff])")
"""Most characters of a term in their initials, beside others that stand as listed."""
_DOTLESS = {"lu": "lv", "nu": "nv", "lue": "lve", "nue": "nve"}
_SYLLABLES_FROM, _SYLLABLES_END = 0xE000, 0xF900
# Numerals fold to digits, and are no tones.
_CHINESE_FROM, _CHINESE_END = "\u2e80", "\uff00"


class How(IntEnum):
    """How a character of a term is written."""

    IDEOGRAPH = 0
    PINYIN = 1
    TONED = 2  # pinyin with the digit of its tone
    INITIAL = 3


class Token(NamedTuple):
    """What stands for one character of a term.

    Attributes:
        begin: position of its first character in the kept text.
        end: position behind its last.
        how: how it is written.
    """

    begin: int
    end: int
    how: How


Path = tuple[Token, ...]


class Found(NamedTuple):
    """What the reading of a stretch of text gave.

    Attributes:
        paths: with the classes it has, each way to read a term.
        live: positions at which one begins that may become a term.
    """

    paths: list[tuple[str, Path]]
    live: list[int]


def _codes() -> dict[str, int]:
    """Return, by syllable as `near_sound` levels it, its class."""
    codes: dict[str, int] = {}
    for char, readings in SYLLABLES.items():
        if is_ideograph(char):
            codes[near_sound(readings[0])] = CLASSES[ord(char)]
    return codes


def _spoken() -> dict[str, tuple[int, ...]]:
    """Return, by syllable as it is typed, the classes it may have."""
    codes = _codes()
    syllables = {reading for readings in SYLLABLES.values() for reading in readings}
    spoken: dict[str, tuple[int, ...]] = {
        each: (codes[near_sound(each)],) for each in syllables if near_sound(each) in codes
    }
    for typed, meant in _DOTLESS.items():
        spoken[typed] = tuple({*spoken.get(typed, ()), *spoken.get(meant, ())})
    return spoken


def _by_initial() -> dict[str, tuple[int, ...]]:
    codes = _codes()
    syllables = {readings[0] for char, readings in SYLLABLES.items() if is_ideograph(char)}
    return {
        letter: tuple({codes[near_sound(each)] for each in syllables if each.startswith(letter)})
        for letter in sorted(_LETTERS)
    }


def _completed() -> dict[str, tuple[int, ...]]:
    """Return, by the beginning of a syllable, the classes it may come to have."""
    completed: dict[str, set[int]] = {}
    for each, symbols in _SPOKEN.items():
        for size in range(1, len(each)):
            completed.setdefault(each[:size], set()).update(symbols)
    return {beginning: tuple(sorted(symbols)) for beginning, symbols in completed.items()}


_SPOKEN = _spoken()
_BY_INITIAL = _by_initial()
_COMPLETED = _completed()


def _syllable_table() -> bytes:
    """Return a table of hashes of all syllables, as `_scan_mixed.c` looks them up, and the classes by initial.

    Letters take five bits each; behind them is what they may be, in sixteen bits each.
    """
    slots = [0] * (2 * _SLOTS)
    for syllable, symbols in _SPOKEN.items():
        packed = 0
        for letter in syllable:
            packed = packed << 5 | (ord(letter) - ord("a") + 1)
        at = packed % _SLOTS
        while slots[2 * at]:
            at = (at + 1) % _SLOTS
        slots[2 * at] = packed
        slots[2 * at + 1] = symbols[0] | (symbols[-1] << 16 if len(symbols) > 1 else 0)
    by_initial = [_BY_INITIAL[letter] for letter in sorted(_LETTERS)]
    starts = [0, *accumulate(map(len, by_initial))]
    return array("I", [*slots, *starts, *chain.from_iterable(by_initial)]).tobytes()


SYLLABLE_TABLE = _syllable_table()
"""What the kernel is told of syllables."""


class Junction(NamedTuple):
    """A place at which letters meet ideographs, or a tone.

    Attributes:
        start: offset of a character with which a term may begin that is read over it; -1 where that is not known.
        at: offset of the first character behind it.
    """

    start: int
    at: int


def junctions(text: str, start: int = 0) -> list[tuple[int, int]] | None:
    """Return the places at which letters meet ideographs, or a tone, each as a `Junction`; None where there are none.

    The kernel says besides which terms may begin before them (`filters.kernel`), each as one of its own.

    Args:
        text: text as received.
        start: offset to begin at.
    """
    kept, positions = spell(text[start:], start)
    found: list[tuple[int, int]] = []
    before, last = 0, -1
    for char, at in zip(kept, positions, strict=True):
        # What folds to several characters is neither.
        kind = 0 if len(spell_character(text[at])) > 1 else _kind(char)
        if char == BREAK:
            kind = 0
        elif (before == 1 and last == at - 1 and _is_tone(char, text[at])) or (before and kind and before != kind):
            found.append(Junction(_UNKNOWN, at))
        before, last = kind, at
    return found or None


def _kind(char: str) -> int:
    if char in _LETTERS:
        return 1
    return 2 if _SYLLABLES_FROM <= CLASSES[ord(char)] < _SYLLABLES_END else 0


def _is_tone(char: str, received: str) -> bool:
    return char in _TONES and not _CHINESE_FROM <= received < _CHINESE_END


class Readable(Protocol):
    """Terms of which mixed spellings are looked for (`filters.lexicon`)."""

    beginnings: Sounds

    def live_before(self, text: str, begin: int, end: int) -> int | None:
        """Return where the first term begins that may be coming at the end of a part, in an ordinary reading."""
        ...


class Stretch:
    """A part of a text that is read as syllables.

    Args:
        sounds: beginnings of terms.
        text: text as received, or the window of it that is still at hand.
        base: offset of the window's first character.
        begin: offset at which the part begins.
        end: offset behind its last character.
    """

    __slots__ = ("_base", "_sounds", "_text", "kept", "positions")

    def __init__(self, sounds: Sounds, text: str, base: int, begin: int, end: int) -> None:
        self._sounds = sounds
        self._text = text
        self._base = base
        self.kept, self.positions = spell(text[begin - base : end - base], begin)

    def read(self, last: int, starts: Collection[int]) -> Found:
        """Read the terms that begin in the part, up to a junction.

        Args:
            last: offset of the last junction; what begins behind it has none.
            starts: offsets at which terms may begin; none where that is not known.
        """
        paths: list[tuple[str, Path]] = []
        live: list[int] = []
        for first in range(bisect_left(self.positions, last)):
            if starts and self.positions[first] not in starts:
                continue
            if self._may_begin(first) and self._follow(first, paths):
                live.append(first)
        return Found(paths, live)

    def received(self, begin: int, end: int) -> str:
        """Return the characters as received that some of the kept text comes from."""
        return "".join([self._text[at - self._base] for at in self.positions[begin:end]])

    def between(self, at: int) -> str:
        """Return what was dropped before a character of the kept text."""
        return self._text[self.positions[at - 1] + 1 - self._base : self.positions[at] - self._base]

    def _may_begin(self, first: int) -> bool:
        char = self.kept[first]
        if char in _LETTERS:
            # Nobody begins in the middle of a word.
            before = self._text[self.positions[first] - self._base - 1 : self.positions[first] - self._base]
            return not (before.isascii() and before.isalnum())
        if not is_ideograph(char) or first + 1 == len(self.kept):
            return is_ideograph(char)
        following = self.kept[first + 1]
        return following in _LETTERS or self._sounds.may_follow(CLASSES[ord(char)], CLASSES[ord(following)])

    def _follow(self, first: int, paths: list[tuple[str, Path]]) -> bool:
        """Collect the terms that begin at a place; tell whether one of them may still be coming."""
        sounds, size, live = self._sounds, len(self.kept), False
        waiting: list[tuple[int, int, str, Path]] = [(first, START, "", ())]
        while waiting:
            at, value, classes, path = waiting.pop()
            if at == size:
                live = live or is_mixed(path)
                continue
            for token, symbol in self._tokens(at, path):
                longer, so_far, following = hashed(value, symbol), classes + chr(symbol), (*path, token)
                more = sounds.goes_on(longer)
                if len(following) > 1 and sounds.ends(longer):
                    if is_mixed(following):
                        paths.append((so_far, following))
                    # The digit of its tone may follow.
                    live = live or (token.end == size and token.how is How.PINYIN)
                if more and self._is_near(token, path):
                    waiting.append((token.end, longer, so_far, following))
            if self._is_partial(at, value):
                live = True
        return live

    def _tokens(self, at: int, path: Path) -> Iterator[tuple[Token, int]]:
        """Yield what may stand at a position for a character of a term, each with a class that it has."""
        kept = self.kept
        if kept[at] not in _LETTERS:
            if kept[at] != BREAK:
                yield Token(at, at + 1, How.IDEOGRAPH), CLASSES[ord(kept[at])]
            return
        before = path[-1].how if path else How.INITIAL
        if len(path) > 1 and before is not How.PINYIN and before is not How.TONED and self._may_be_initial(at):
            first = CLASSES[ord(kept[at - 1])] if before is How.IDEOGRAPH else 0
            for symbol in _BY_INITIAL[kept[at]]:
                if not first or self._sounds.may_follow(first, symbol):
                    yield Token(at, at + 1, How.INITIAL), symbol
        if path and before is How.INITIAL:
            return
        for end in range(at + 1, min(at + _LONGEST_SYLLABLE, len(kept)) + 1):
            for symbol in _SPOKEN.get(kept[at:end], ()):
                yield Token(at, end, How.PINYIN), symbol
                if end < len(kept) and self._is_tone_at(end):
                    yield Token(at, end + 1, How.TONED), symbol

    def _is_near(self, token: Token, path: Path) -> bool:
        """Tell whether the beginning is near enough for a first junction to come, or came before."""
        offset = self.positions[token.end - 1] - self.positions[path[0].begin if path else token.begin]
        return offset < REACH or is_mixed(path)

    def _may_be_initial(self, at: int) -> bool:
        """Tell whether a letter stands as initials do: in small letters, right beside what comes before."""
        offset = self.positions[at]
        return offset == self.positions[at - 1] + 1 and self._text[offset - self._base] == self.kept[at]

    def _is_tone_at(self, at: int) -> bool:
        offset = self.positions[at]
        return offset == self.positions[at - 1] + 1 and _is_tone(self.kept[at], self._text[offset - self._base])

    def _is_partial(self, at: int, value: int) -> bool:
        """Tell whether the text ends in the middle of a syllable of a term: the junction lies before it."""
        rest = self.kept[at : at + _LONGEST_SYLLABLE]
        if at + len(rest) < len(self.kept) or rest not in _COMPLETED:
            return False
        longer = [hashed(value, symbol) for symbol in _COMPLETED[rest]]
        return any(self._sounds.goes_on(each) or self._sounds.ends(each) for each in longer)


def is_mixed(path: Path) -> bool:
    """Tell whether a term is written in letters and something else: otherwise it is found as ever."""
    hows = {token.how for token in path}
    return How.TONED in hows or (How.IDEOGRAPH in hows and len(hows) > 1)


def stretches(lexicon: "Readable", text: str, found: Sequence[tuple[int, int]]) -> Iterator[tuple[Stretch, Found]]:
    """Yield the parts of a whole text around its junctions that are worth it, each with the ways to read terms in it.

    Args:
        lexicon: the terms.
        text: text as received.
        found: its junctions.
    """
    sounds, done = lexicon.beginnings, 0
    for junction, places in groupby(found, key=itemgetter(1)):
        starts = starts_of([*places])
        begin: int | None = min(starts, default=None)
        if begin is None and _may_follow(sounds, text, junction):
            # Behind the last letter of a whole spelling nothing is coming any more, but for its tone.
            begin = lexicon.live_before(text, max(done, junction - REACH), junction - text[junction].isdigit())
        if begin is None:
            continue
        end = junction + _AROUND
        stretch = Stretch(sounds, text, 0, begin, end)
        result = stretch.read(junction, starts)
        while result.live and end < len(text):
            end += end - begin
            stretch = Stretch(sounds, text, 0, begin, end)
            result = stretch.read(junction, starts)
        yield stretch, result
        # What begins before it was followed to its end.
        done = junction


def starts_of(found: Sequence[tuple[int, int]]) -> frozenset[int]:
    """Return where terms may begin that are read over some junctions; nothing where that is not known."""
    return frozenset(start for start, _ in found if start != _UNKNOWN)


def _may_follow(sounds: Sounds, text: str, junction: int) -> bool:
    """Tell at once, where plain letters stand right behind an ideograph, whether any term reads on with them."""
    match = _PLAIN_RUN.match(text, junction)
    before = text[junction - 1]
    if match is None or not is_ideograph(before):
        return True
    first, letters = CLASSES[ord(spell_character(before)[-1])], match.group().lower()
    symbols = [symbol for size in range(1, _LONGEST_SYLLABLE + 1) for symbol in _SPOKEN.get(letters[:size], ())]
    if len(letters) <= MOST_INITIALS:
        symbols += _BY_INITIAL[letters[0]]
    return any(sounds.may_follow(first, symbol) for symbol in symbols)
