"""Where texts are cut for the classifier: windows over a long text, passages of one that is still coming.

Rules: every character of a text is in a window; a cut depends on the text before it and on nothing else, so neither
the cutting of a stream nor its pace changes what is scored.

The model reads some 128 pieces. A piece is about one and a half Chinese characters or four Latin letters, and in
UTF-8 both are near four bytes, so windows are measured in bytes and need no tokenizer.
"""

import re
from itertools import pairwise
from typing import NamedTuple

import numpy as np

WINDOW_BYTES = 512
"""Longest window, in bytes of UTF-8: 170 Chinese characters or 512 Latin letters."""
OVERLAP_BYTES = 128
"""How much of a window the next one reads again: a sentence across the cut is read whole by one of them."""
PASSAGE_CHARACTERS = 40
"""A sentence longer than this is scored in parts."""
SHORTEST_PASSAGE = 12
"""A sentence shorter than this is scored with the next."""
CONTEXT_CHARACTERS = 40
"""What a passage is scored with of the text before it: a sentence alone may not say what it is about."""

_MOST_BYTES_OF_CHARACTER = 3
# A full stop ends a sentence where white space follows; between digits or in an address it does not.
_SENTENCE_END = re.compile(r"[。！？!?；\n]|\.\s")


class Span(NamedTuple):
    """A stretch of a text, as offsets in code points."""

    start: int
    end: int


def cut_windows(text: str) -> list[Span]:
    """Cut a text into windows that overlap; a short one is a window by itself.

    Args:
        text: text as received.
    """
    if len(text) * _MOST_BYTES_OF_CHARACTER <= WINDOW_BYTES:
        return [Span(0, len(text))]
    # Lone surrogates come from no well-formed text, and still must not stop anything.
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    # Characters beyond the basic plane count as three: to the tokenizer they are no more than that.
    widths = 1 + (codes >= 0x80).astype(np.int64) + (codes >= 0x800)  # noqa: PLR2004 where UTF-8 grows by a byte
    edges = np.concatenate(([0], np.cumsum(widths)))
    spans, start = [], 0
    while edges[-1] - edges[start] > WINDOW_BYTES:
        end = int(np.searchsorted(edges, edges[start] + WINDOW_BYTES, "right")) - 1
        spans.append(Span(start, end))
        start = int(np.searchsorted(edges, edges[end] - OVERLAP_BYTES, "left"))
    return [*spans, Span(start, len(text))]


def window_is_full(text: str) -> bool:
    """Tell whether a text is longer than a window."""
    return len(text) * _MOST_BYTES_OF_CHARACTER > WINDOW_BYTES and len(cut_windows(text)) > 1


def cut_passages(text: str) -> list[int]:
    """Return where the passages of a text end, as far as what follows cannot change that.

    Args:
        text: text from the end of the passage before.
    """
    ends, last = [0], 0
    for found in _SENTENCE_END.finditer(text):
        _cut_long(ends, found.end())
        last = ends[-1]
        if found.end() - last >= SHORTEST_PASSAGE:
            ends.append(found.end())
    _cut_long(ends, len(text) + 1)
    return [end for _, end in pairwise(ends)]


def _cut_long(ends: list[int], before: int) -> None:
    while before - ends[-1] > PASSAGE_CHARACTERS:
        ends.append(ends[-1] + PASSAGE_CHARACTERS)
