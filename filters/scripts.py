"""Scripts: what kind of letter a character is, as far as matching asks."""

import unicodedata
from collections.abc import Collection

from filters.characters import rows

# Scripts whose words may consist of nothing but letters that look like Latin ones.
_WRITTEN = frozenset({"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "HEBREW", "GEORGIAN", "LISU"})


_COMMON = frozenset("".join(row[0] for row in rows("common.tsv")))


def is_common(char: str) -> bool:
    """Tell whether a Chinese character stands in nearly every text: beside a term it says nothing."""
    return char in _COMMON


def is_ideograph(char: str) -> bool:
    """Tell whether a character is a Chinese one."""
    return "\u3400" <= char <= "\u9fff" or char >= "\U00020000"


def script_of(char: str) -> str:
    """Return the first word of a character's name, which is its script where it is a letter."""
    return unicodedata.name(char, "").partition(" ")[0]


def may_look_alike(chars: Collection[str], letters: str, *, marks: bool) -> bool:
    """Tell whether letters were chosen for their looks.

    Args:
        chars: the characters of a place.
        letters: what the list has there.
        marks: True when a letter with a mark may stand for the plain one.

    Returns:
        False for a word of one script alone, which is a word of that script, and for letters with marks where these
        are letters of their own (año is no ano).
    """
    plain = set(letters)
    scripts = {script_of(char) for char in chars}
    if len(scripts) == 1 and scripts <= _WRITTEN:
        return False
    return marks or not any(script_of(char) == "LATIN" and not char.isascii() and char not in plain for char in chars)
