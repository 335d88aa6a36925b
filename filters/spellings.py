"""Other ways to write a Chinese term: in pinyin, by its initials, with its characters taken apart.

Rules: made once per term when lists are compiled, from plain tables; what comes out is folded text to be looked for
like the term itself. Latin look-alikes are not spelled out: the matcher reads those by class.
"""

from collections.abc import Iterator
from typing import NamedTuple

from filters.characters import SYLLABLES, rows
from filters.findings import Step

# Two characters make a word; one syllable is a part of half of all words.
PINYIN_MIN_CHARACTERS = 2
# Shorter runs of letters are words of other languages too often.
PINYIN_MIN_LETTERS = 5
# Three letters are an abbreviation of something else, nearly always; see benchmarks in `filters/data/README.md`.
INITIALS_MIN_CHARACTERS = 4
# A term of twenty characters must not become twenty terms.
SPLIT_MAX_SPELLINGS = 4


class Spelling(NamedTuple):
    """Another way to write a term.

    Attributes:
        text: folded text, without separators.
        step: the step a list switches it off by.
    """

    text: str
    step: Step


# What each character, or two to four together, are written as when read aloud.
_PHRASES = {phrase: tuple(readings.split(" ")) for phrase, readings in rows("phrases.tsv")}
_PHRASE_STARTS = frozenset(phrase[0] for phrase in _PHRASES)
_PHRASE_LENGTHS = tuple(sorted({len(phrase) for phrase in _PHRASES}, reverse=True))
# Characters whose two halves stand beside each other, and these halves.
SPLITS: dict[str, str] = {char: halves for char, halves in rows("splits.tsv")}
# Every character that can be read: its commonest reading.
_USUAL = {char: readings[0] for char, readings in SYLLABLES.items()}
_ASCII = {chr(code): chr(code) for code in (*range(ord("0"), ord("9") + 1), *range(ord("a"), ord("z") + 1))}
_READINGS = _ASCII | _USUAL


def spellings(folded: str, off: frozenset[Step]) -> Iterator[Spelling]:
    """Yield the other ways to write a term.

    Args:
        folded: the term as `filters.characters.fold` gives it.
        off: steps its list has switched off.
    """
    if folded.isascii():
        return
    if Step.PINYIN not in off or Step.INITIALS not in off:
        yield from _read_aloud(folded, off)
    if Step.SPLIT not in off:
        for text in _taken_apart(folded):
            yield Spelling(text, Step.SPLIT)


def _read_aloud(folded: str, off: frozenset[Step]) -> Iterator[Spelling]:
    usual = [_READINGS.get(char, "") for char in folded]
    han = len(folded) - sum(map(folded.count, _ASCII.keys() & set(folded)))
    if "" in usual or han < PINYIN_MIN_CHARACTERS:
        return
    proper = _by_phrases(folded, usual)
    if Step.PINYIN not in off:
        for text in _romanised(folded, usual, proper):
            if len(text) >= PINYIN_MIN_LETTERS:
                yield Spelling(text, Step.PINYIN)
    if Step.INITIALS not in off and han >= INITIALS_MIN_CHARACTERS:
        yield Spelling("".join(syllable[0] for syllable in proper), Step.INITIALS)


def _romanised(folded: str, usual: list[str], proper: list[str]) -> dict[str, None]:
    texts = {"".join(usual): None, "".join(proper): None}
    if any(char in _ASCII for char in folded):
        # 四 and 4 fold alike, so a digit is tried as itself too.
        texts["".join(char if char in _ASCII else syllable for char, syllable in zip(folded, proper, strict=True))] = None
    for text in tuple(texts):
        # A ü is typed as v, or with its dots, which folding drops.
        texts[text.replace("v", "u")] = None
    return texts


def _by_phrases(folded: str, usual: list[str]) -> list[str]:
    """Return the readings with those of phrases that are read otherwise than their characters."""
    proper, start = usual, 0
    while start < len(folded):
        found = 1
        if folded[start] in _PHRASE_STARTS:
            for length in _PHRASE_LENGTHS:
                readings = _PHRASES.get(folded[start : start + length])
                if readings:
                    proper = [*proper[:start], *readings, *proper[start + len(readings) :]]
                    found = len(readings)
                    break
        start += found
    return proper


def _taken_apart(folded: str) -> list[str]:
    """Return the term with every character in halves, then with one at a time, as far as the bound goes."""
    places = [place for place, char in enumerate(folded) if char in SPLITS]
    if not places:
        return []
    texts = ["".join([SPLITS.get(char, char) for char in folded])]
    if len(places) > 1:
        texts += [
            folded[:place] + SPLITS[folded[place]] + folded[place + 1 :] for place in places[: SPLIT_MAX_SPELLINGS - 1]
        ]
    return texts
