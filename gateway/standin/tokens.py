"""Cutting text into the pieces the stand-in sends.

Rules: joined pieces are the text, character by character; one piece is one token of the stand-in's own counting; the
same text is always cut the same way.
"""

import re
from itertools import cycle

# Chinese punctuation and full-width forms count as well, since tokenizers cut at each of them.
_IDEOGRAPH = "\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uff00-\uffef"
_TOKEN = re.compile(rf"\s*(?:[{_IDEOGRAPH}]|[^\s{_IDEOGRAPH}]+)|\s+")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]")
# Short and unequal, so that no term of two characters or more stays whole for long.
_UNEVEN_SIZES = (1, 2, 1, 1, 3)


def split_tokens(text: str) -> tuple[str, ...]:
    """Cut like a tokenizer would: a Chinese character each, other words whole with the space before them."""
    return tuple(_TOKEN.findall(text))


def split_unevenly(text: str) -> tuple[str, ...]:
    """Cut into pieces of one to three characters without regard to words."""
    pieces: list[str] = []
    position = 0
    for size in cycle(_UNEVEN_SIZES):
        if position >= len(text):
            return tuple(pieces)
        pieces.append(text[position : position + size])
        position += size
    raise AssertionError("a cycle does not end")


def split_across(before: str, term: str, after: str) -> tuple[str, ...]:
    """Cut a term in the ways that scanners miss.

    Its first character shares a piece with the text before it, its last one with the text after it, and each
    character between stands alone.
    """
    lead, tail = before[-1:] + term[:1], term[1:][-1:] + after[:1]
    pieces = (*split_tokens(before[:-1]), lead, *term[1:-1], tail, *split_tokens(after[1:]))
    return tuple(piece for piece in pieces if piece)


def is_english(text: str) -> bool:
    """Tell whether an answer to the text should be English: Latin letters and no Chinese character."""
    return bool(_LATIN.search(text)) and not _HAN.search(text)
