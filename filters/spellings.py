"""Other ways to write a Chinese term: in pinyin, whole or one character of it, by its initials, taken apart.

Rules: made once per term when lists are compiled, by looking up plain tables; what comes out is folded text, to be
looked for like the term itself. An English word is no spelling of anything. Latin look-alikes are not spelled out:
the matcher reads those by class.
"""

from collections.abc import Iterator
from typing import NamedTuple

from filters.characters import SYLLABLES, rows
from filters.findings import Step

# One syllable is a part of half of all words.
PINYIN_MIN_CHARACTERS = 2
PINYIN_MIN_LETTERS = 5
# Of all runs of three initials 2.5 % stand in harmless texts as a word (sql, dry), of four less than 0.2 %.
INITIALS_MIN_CHARACTERS = 4
# A term of twenty characters must not become twenty more.
SPLIT_MAX_SPELLINGS = 4
# Longer terms are looked for in pinyin as a whole.
MIXED_MAX_CHARACTERS = 3
# One letter between Chinese characters is a name of something.
_MIXED_MIN_LETTERS = 2


class Spelling(NamedTuple):
    """Another way to write a term.

    Attributes:
        text: folded text, without separators.
        step: the step a list switches it off by.
    """

    text: str
    step: Step


# Bound once: looking a member up in its enum shows in the time of 100,000 terms.
_PINYIN, _INITIALS, _SPLIT = Step.PINYIN, Step.INITIALS, Step.SPLIT
# Characters whose two halves stand beside each other, and these halves.
SPLITS = {row[0]: row[1] for row in rows("splits.tsv")}
# 我们 is women, 哇爱龙龙 is wall: words that would be found in every other English text.
_WORDS = frozenset(word for (word,) in rows("words.tsv"))
# Two to four characters that are read otherwise together than each by itself, such as 银行.
_PHRASES = {phrase: readings.split(" ") for phrase, readings in rows("phrases.tsv")}
_PHRASE_STARTS = frozenset(phrase[0] for phrase in _PHRASES)
_PHRASE_LENGTHS = sorted({len(phrase) for phrase in _PHRASES}, reverse=True)
# ASCII digits are among the syllables, because 四 folds to 4.
_ASCII = frozenset("0123456789abcdefghijklmnopqrstuvwxyz")
_READINGS = {letter: letter for letter in _ASCII} | {char: readings[0] for char, readings in SYLLABLES.items()}
# Most terms hold none of these, and need no look at their phrases.
_CHANGING = frozenset(
    char
    for phrase, readings in _PHRASES.items()
    for char, reading in zip(phrase, readings, strict=True)
    if reading != _READINGS[char]
)
# A ü is typed as v, or as it is: then folding takes its dots.
_DOTLESS = {"lv": "lu", "lve": "lue", "nv": "nu", "nve": "nue"}


def spellings(folded: str, off: frozenset[Step]) -> Iterator[Spelling]:
    """Yield the other ways to write a term, each once.

    Args:
        folded: the term as `filters.characters.fold` gives it.
        off: steps its list has switched off.
    """
    if folded.isascii():
        return
    usual = _readings(folded)
    plain = _ASCII.isdisjoint(folded)
    han = len(folded) if plain else sum(char not in _ASCII for char in folded)
    if usual and han >= PINYIN_MIN_CHARACTERS:
        proper = usual if _CHANGING.isdisjoint(folded) else _by_phrases(folded, usual)
        if _PINYIN not in off:
            whole = _romanised(usual, proper, None if plain else folded)
            texts = [text for text in whole if len(text) >= PINYIN_MIN_LETTERS and text not in _WORDS]
            # Other mixed spellings are read as syllables (`filters.mixed`), and held in a stream by the ordinary
            # reading of what they begin with: this one begins like no spelling of the whole where that is too short.
            if (
                folded[0] not in _ASCII
                and len(folded) <= MIXED_MAX_CHARACTERS
                and len(usual[0]) >= _MIXED_MIN_LETTERS
            ):
                texts.append(usual[0] + folded[1:])
            yield from [Spelling(text, _PINYIN) for text in texts]
        if han >= INITIALS_MIN_CHARACTERS and _INITIALS not in off:
            initials = "".join([reading[0] for reading in proper])
            # One letter again and again has no other than that letter in its skeleton: a look at every one.
            if initials not in _WORDS and initials != len(initials) * initials[0]:
                yield Spelling(initials, _INITIALS)
    if _SPLIT not in off:
        for text in _taken_apart(folded):
            yield Spelling(text, _SPLIT)


def _readings(folded: str) -> list[str]:
    """Return how the characters are read each by itself; nothing where one of them cannot be read."""
    try:
        return [_READINGS[char] for char in folded]
    except KeyError:
        return []


def _by_phrases(folded: str, usual: list[str]) -> list[str]:
    """Return the readings with those of the phrases in it; the longest phrase wins, from left to right."""
    readings, start = usual.copy(), 0
    while start < len(folded):
        phrase = _phrase_at(folded, start) if folded[start] in _PHRASE_STARTS else ""
        if phrase:
            readings[start : start + len(phrase)] = _PHRASES[phrase]
        start += len(phrase) or 1
    return readings


def _phrase_at(folded: str, start: int) -> str:
    for length in _PHRASE_LENGTHS:
        if folded[start : start + length] in _PHRASES:
            return folded[start : start + length]
    return ""


def _romanised(usual: list[str], proper: list[str], mixed: str | None) -> dict[str, None]:
    """Return the ways to write the readings without spaces, in order.

    Args:
        usual: readings of the characters each by itself.
        proper: readings of the characters together.
        mixed: the term, where it has letters or digits in it.
    """
    texts = {"".join(usual): None}
    if proper is not usual:
        texts["".join(proper)] = None
    if mixed is not None:
        # 四 and 4 are one after folding: whoever writes a digit may have meant it.
        proper = [char if char in _ASCII else reading for char, reading in zip(mixed, proper, strict=True)]
        texts["".join(proper)] = None
    if not _DOTLESS.keys().isdisjoint(proper):
        texts["".join([_DOTLESS.get(reading, reading) for reading in proper])] = None
    return texts


def is_looked_for_whole(folded: str) -> bool:
    """Tell whether the usual pinyin of a term is one of its spellings."""
    usual = "".join(_readings(folded))
    return len(usual) >= PINYIN_MIN_LETTERS and usual not in _WORDS and len(folded) >= PINYIN_MIN_CHARACTERS


def typed(reading: str) -> tuple[str, ...]:
    """Return the ways to type a reading."""
    return (reading, _DOTLESS[reading]) if reading in _DOTLESS else (reading,)


def _taken_apart(folded: str) -> list[str]:
    """Return the term with every character in halves, then with one at a time, as far as the bound goes."""
    places = [place for place, char in enumerate(folded) if char in SPLITS]
    if not places:
        return []
    every = "".join([SPLITS.get(char, char) for char in folded])
    if len(places) == 1:
        return [every]
    some = places[: SPLIT_MAX_SPELLINGS - 1]
    return [every, *[folded[:place] + SPLITS[folded[place]] + folded[place + 1 :] for place in some]]
