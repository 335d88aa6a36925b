"""Folding: the copy of a text that matching reads, with case and width levelled.

Rules: folding is for detection only, delivered text is never changed by it. Every step here maps one character to
one character, so an offset in the folded text is the offset in the text as received, and folding a text in pieces
gives the pieces of the folded text (chunk invariance).
"""

import re
import unicodedata

# The block of full-width and half-width forms, as far as the compatibility form is a single character.
_WIDTH = {
    chr(code): unicodedata.normalize("NFKC", chr(code))
    for code in (0x3000, *range(0xFF00, 0xFFF0))
    if len(unicodedata.normalize("NFKC", chr(code))) == 1
}
# str.lower() is one-to-one but for U+0130, and free of context but for the final sigma.
_CASE = {"İ": "i", "Σ": "σ", "ς": "σ"}
# A lone surrogate is no character and no engine takes it; undecodable bytes of a command line come as such.
_SURROGATES = dict.fromkeys(map(chr, range(0xD800, 0xE000)), "\ufffd")
_TABLE = {char: form for char, form in (_WIDTH | _CASE | _SURROGATES).items() if char != form}
_SPECIAL = re.compile(f"[{''.join(map(re.escape, _TABLE))}]")


def fold(text: str) -> str:
    """Return the text with case and width levelled.

    Args:
        text: text as received.

    Returns:
        A string of the same length; character ``i`` is the fold of ``text[i]``.
    """
    if not text.isascii():
        # A few distinct characters (the full-width comma above all) make up nearly all replacements in real text:
        # one `replace` for each beats str.translate, which pays for every character.
        for char in set(_SPECIAL.findall(text)):
            text = text.replace(char, _TABLE[char])
    # Not casefold: it makes two characters of "ß", and every offset behind it would be wrong.
    return text.lower()
