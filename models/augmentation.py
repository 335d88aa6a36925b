"""Evasions written into training rows: spellings that folding for the classifier leaves as they are.

Harmless rows get them as well as harmful ones, or the model would learn that odd spelling is harm.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from random import Random

from filters.characters import LEET, SYLLABLES
from filters.scripts import is_common, is_ideograph
from models.rows import MOST_CHARACTERS, Row

_SEPARATORS = "*-_.·~ /|"
_FEWEST_PLACES, _MOST_PLACES = 2, 6


def augment(row: Row, random: Random) -> Row:
    """Return a row with a part of its text spelt otherwise; its id ends in the name of the evasion.

    A row that no evasion changes comes back as it is.

    Args:
        row: any row.
        random: chooses the evasion and the places.
    """
    for name in random.sample(sorted(_EVASIONS), len(_EVASIONS)):
        text = _EVASIONS[name](row.text, random)[:MOST_CHARACTERS]
        if text != row.text:
            return replace(row, id=f"{row.id}+{name}", text=text)
    return row


def _separate(text: str, random: Random) -> str:
    """Put a separator between the characters of one passage."""
    start = random.randrange(len(text))
    end = start + random.randint(_FEWEST_PLACES, _MOST_PLACES)
    return text[:start] + random.choice(_SEPARATORS).join(text[start:end]) + text[end:]


def _each(text: str, random: Random, spell: Callable[[str, Random], str]) -> str:
    """Spell a few characters otherwise, rather those that carry meaning."""
    places = [place for place, char in enumerate(text) if not is_common(char) and spell(char, random) != char]
    chosen = set(random.sample(places, min(len(places), random.randint(_FEWEST_PLACES, _MOST_PLACES))))
    return "".join(spell(char, random) if place in chosen else char for place, char in enumerate(text))


def _pinyin(char: str, _: Random) -> str:
    return SYLLABLES[char][0] if is_ideograph(char) and char in SYLLABLES else char


def _homophone(char: str, random: Random) -> str:
    return random.choice(_by_syllable()[SYLLABLES[char][0]]) if is_ideograph(char) and char in SYLLABLES else char


def _leet(char: str, random: Random) -> str:
    return random.choice(_by_letter().get(char.lower(), char))


def _double(char: str, _: Random) -> str:
    return char * 2 if char.isalpha() and not is_ideograph(char) else char


@cache
def _by_syllable() -> dict[str, str]:
    characters: dict[str, str] = {}
    for char, readings in SYLLABLES.items():
        # Rare characters are not what people type.
        if "\u4e00" <= char <= "\u9fa5":
            characters[readings[0]] = characters.get(readings[0], "") + char
    return characters


@cache
def _by_letter() -> dict[str, str]:
    signs: dict[str, str] = {}
    for sign, letter in LEET.items():
        if sign.isascii() and not sign.isalpha():
            signs[letter] = signs.get(letter, "") + sign
    return signs


_EVASIONS: dict[str, Callable[[str, Random], str]] = {
    "separated": _separate,
    "pinyin": lambda text, random: _each(text, random, _pinyin),
    "homophone": lambda text, random: _each(text, random, _homophone),
    "leet": lambda text, random: _each(text, random, _leet),
    "doubled": lambda text, random: _each(text, random, _double),
}
