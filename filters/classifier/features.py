"""What the classifier reads of a text: word pieces for the encoder, hashed n-grams for the rest.

Rules: training and serving call the same `Features.encode`, so that a model meets the numbers it was trained on; the
digest of what decides over them (`tables_digest`) stands in the model's manifest. Everything here takes time in
proportion to the text, of which the first `MOST_CHARACTERS` count.

The text is folded first, less than for keywords: width, case, traditional characters to simplified ones, styled
letters and digits to plain ones, invisible characters left out, and letters of other scripts read as the Latin ones
they look like in words that have Latin letters, too. Separators stay: sentences need them.
"""

import hashlib
import math
from functools import cache
from typing import NamedTuple

import numpy as np
import sentencepiece
from numpy.typing import NDArray

from filters.characters import CODES, FORM, STEPS, class_numbers
from filters.findings import Step
from filters.scripts import is_ideograph, script_of

VERSION = 1
"""Changes when the same text gives other features; a model is only served by the version it was trained with."""
MOST_CHARACTERS = 2048
"""Longer texts are cut here; serving reads them window by window."""

Codes = NDArray[np.uint32]
Numbers = NDArray[np.int64]

_LEVELLING = {Step.WIDTH, Step.CASE, Step.TRADITIONAL}
# Rows of forms.tsv that fold a letter of a flag: emoji carry meaning here.
_FLAGS = range(0x1F1E6, 0x1F200)
_WORD, _SEPARATOR, _UNSPACED, _INVISIBLE = range(4)
# Scripts written without spaces between words, beside the ideographs: their n-grams are short.
_UNSPACED_SCRIPTS = (
    range(0x0E00, 0x0F00),  # Thai, Lao
    range(0x1000, 0x10A0),  # Burmese
    range(0x1780, 0x1800),  # Khmer
    range(0x3040, 0x3100),  # kana
)
_IDEOGRAPHS = (range(0x3400, 0xA000), range(0xF900, 0xFB00), range(0x20000, 0x40000))
_KANA = (0x3040, 0x30FF)
_SPACE = 32
# Beyond it a probability is 0 or 1 and its exponential too large.
_STEEPEST = 60.0
# An odd multiplier has an inverse modulo 2**64, by which the hash of any part of a text follows from two prefix sums.
_MULTIPLIER = 0x9E3779B97F4A7C15
_INVERSE = pow(_MULTIPLIER, -1, 2**64)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_SHIFT = np.uint64(32)


class Encoded(NamedTuple):
    """A text as the classifier reads it.

    Attributes:
        pieces: numbers of word pieces, between those for start and end; 0 is padding and never among them.
        ngrams: numbers of distinct hashed n-grams, ascending, from 1; 0 is padding.
    """

    pieces: Numbers
    ngrams: Numbers


class Sizes(NamedTuple):
    """How much of a text is read.

    Attributes:
        max_pieces: most word pieces of a text, start and end among them.
        ngram_buckets: numbers of n-grams lie below this.
        max_ngrams: most n-grams of a text.
    """

    max_pieces: int
    ngram_buckets: int
    max_ngrams: int


class Features:
    """Reads texts as one model was trained to. It may be shared by threads."""

    def __init__(self, tokenizer: bytes, sizes: Sizes) -> None:
        """Load the tokenizer.

        Args:
            tokenizer: a SentencePiece model.
            sizes: how much of a text is read.

        Raises:
            RuntimeError: the bytes are no SentencePiece model.
        """
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=tokenizer)
        self._start = self._processor.bos_id() + 1
        self._end = self._processor.eos_id() + 1
        self._sizes = sizes

    def encode(self, text: str) -> Encoded:
        """Return what the classifier reads of a text."""
        codes = fold_codes(text)
        folded = codes.tobytes().decode("utf-32-le")
        found = self._processor.encode(folded)[: self._sizes.max_pieces - 2]
        pieces = np.empty(len(found) + 2, np.int64)
        pieces[0], pieces[-1] = self._start, self._end
        # By one, for 0 is padding.
        pieces[1:-1] = found
        pieces[1:-1] += 1
        return Encoded(pieces, hashed_ngrams(codes, self._sizes))


def linear_score(weights: NDArray[np.float32], bias: float, ngrams: Numbers) -> float:
    """Return the verdict of the linear stage, the first and cheapest of the cascade.

    Args:
        weights: one number per bucket, for the side the text is on.
        bias: added to their sum.
        ngrams: as `Encoded` holds them.

    Returns:
        Estimated probability of harm, 0 to 1: the logistic function of the bias and of the sum of the weights over
        the square root of how many there are, which keeps long texts from being certain by their length.
    """
    logit = bias + float(weights[ngrams].sum()) / max(1.0, len(ngrams)) ** 0.5
    return 1.0 / (1.0 + math.exp(-max(-_STEEPEST, min(_STEEPEST, logit))))


def tables_digest() -> str:
    """Return the SHA-256 of what decides over the features of a text, in hexadecimal."""
    forms, kinds, lookalikes = _tables()
    digest = hashlib.sha256(f"{VERSION} {MOST_CHARACTERS} {sorted(_several().items())}".encode())
    for table in (forms, kinds, lookalikes):
        digest.update(table.tobytes())
    return digest.hexdigest()


def fold_codes(text: str) -> Codes:
    """Return a text as the classifier reads it, as code points."""
    forms, kinds, _ = _tables()
    codes = _codes(text[:MOST_CHARACTERS])
    folded = forms[codes]
    if not folded.all():
        # Some forms are many characters long.
        codes = _codes(text[:MOST_CHARACTERS].translate(_several())[:MOST_CHARACTERS])
        folded = forms[codes]
    if _is_japanese(codes):
        # Its characters are no misspelt Chinese ones.
        folded = np.where(kinds[codes] == _UNSPACED, codes, folded)
    folded = folded[kinds[folded] != _INVISIBLE]
    return _read_lookalikes(folded)


def hashed_ngrams(codes: Codes, sizes: Sizes) -> Numbers:
    """Return the numbers of the distinct n-grams of a folded text.

    Scripts without spaces give runs of two and three characters, separators among them left out; the others give
    words, pairs of words and runs of four characters. Where there are more than are read, the first kinds are kept.

    Args:
        codes: what `fold_codes` gave.
        sizes: number of buckets, and most numbers returned.

    Returns:
        Numbers from 1 to ``ngram_buckets - 1``, ascending.
    """
    codes, kinds = _without_spare_separators(codes)
    prefixes = np.zeros(len(codes) + 1, np.uint64)
    powers, inverses = _powers()
    np.cumsum((codes + np.uint64(1)) * powers[: len(codes)], out=prefixes[1:])
    starts, ends = _spans(kinds)
    hashes = (prefixes[ends] - prefixes[starts]) * inverses[starts]
    hashes = (hashes ^ (hashes >> _SHIFT)) * _MIX
    hashes ^= hashes >> _SHIFT
    buckets = hashes[: sizes.max_ngrams] % np.uint64(sizes.ngram_buckets - 1)
    return np.unique(buckets).astype(np.int64) + 1


def _spans(kinds: NDArray[np.uint8]) -> tuple[Numbers, Numbers]:
    """Return where n-grams start and end, the most telling kinds first."""
    separators = np.concatenate(([0], np.cumsum(kinds == _SEPARATOR)))
    unspaced = np.concatenate(([0], np.cumsum(kinds == _UNSPACED)))
    pairs, triples = (_unspaced_runs(separators, unspaced, length) for length in (2, 3))
    edges = np.diff((kinds == _WORD).astype(np.int8), prepend=0, append=0)
    word_starts, word_ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    # Words with a single separator between them, which is all there ever is.
    follows = np.flatnonzero(word_starts[1:] == word_ends[:-1] + 1)
    parts = _word_parts(separators, unspaced)
    starts = (pairs, word_starts, triples, word_starts[follows], parts)
    ends = (pairs + 2, word_ends, triples + 3, word_ends[follows + 1], parts + 4)
    return np.concatenate(starts), np.concatenate(ends)


def _unspaced_runs(separators: Numbers, unspaced: Numbers, length: int) -> Numbers:
    if len(separators) <= length:
        return np.empty(0, np.int64)
    without = separators[length:] == separators[:-length]
    return np.flatnonzero(without & (unspaced[length:] > unspaced[:-length]))


def _word_parts(separators: Numbers, unspaced: Numbers) -> Numbers:
    """Return where runs of four start that a word goes through; a separator may open or end one."""
    if len(separators) <= 4:  # noqa: PLR2004 - the length the name of the function says
        return np.empty(0, np.int64)
    inner = separators[3:-1] == separators[1:-3]
    return np.flatnonzero(inner & (unspaced[4:] == unspaced[:-4]))


def _without_spare_separators(codes: Codes) -> tuple[Codes, NDArray[np.uint8]]:
    """Write runs of separators as one space, and none between characters of scripts without spaces."""
    kinds = _tables()[1][codes]
    separator = kinds == _SEPARATOR
    kept = ~separator
    kept[1:] |= ~separator[:-1]
    codes, kinds = codes[kept], kinds[kept]
    between = np.zeros(len(codes), bool)
    unspaced = kinds == _UNSPACED
    between[1:-1] = (kinds[1:-1] == _SEPARATOR) & unspaced[:-2] & unspaced[2:]
    codes, kinds = codes[~between], kinds[~between]
    return np.where(kinds == _SEPARATOR, np.uint32(_SPACE), codes), kinds


def _read_lookalikes(codes: Codes) -> Codes:
    """Read letters as the Latin ones they look like, in words that have Latin ones."""
    _, kinds, lookalikes = _tables()
    latin = lookalikes[codes]
    if not latin.any():
        return codes
    words = np.cumsum(kinds[codes] != _WORD)
    is_latin = (codes >= ord("a")) & (codes <= ord("z"))
    mixed = np.bincount(words, weights=is_latin)[words] > 0
    return np.where(mixed & (latin > 0), latin, codes)


def _is_japanese(codes: Codes) -> bool:
    return bool(((codes >= _KANA[0]) & (codes <= _KANA[1])).any())


def _codes(text: str) -> Codes:
    # Lone surrogates come of undecodable bytes; a question mark is no worse a reading of them.
    return np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32)


@cache
def _powers() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return powers of the multiplier and of its inverse modulo 2**64, from the power of nothing on."""
    powers = np.full(MOST_CHARACTERS + 1, _MULTIPLIER, np.uint64)
    inverses = np.full(MOST_CHARACTERS + 1, _INVERSE, np.uint64)
    powers[0] = inverses[0] = 1
    return np.cumprod(powers), np.cumprod(inverses)


@cache
def _tables() -> tuple[Codes, NDArray[np.uint8], Codes]:
    """Return, by code point, the form (0 where it is several characters), the kind, and the look-alike or 0."""
    forms = np.arange(CODES, dtype=np.uint32)
    forms[0] = _SPACE
    lookalikes = np.zeros(CODES, np.uint32)
    for char in FORM:
        form = _light_form(char)
        forms[ord(char)] = ord(form) if len(form) == 1 else 0
        if Step.LOOKALIKE in STEPS[char] and FORM[char].isascii() and script_of(char) != "LATIN":
            lookalikes[ord(char)] = ord(FORM[char][0])
    return forms, _kinds(), lookalikes


def _kinds() -> NDArray[np.uint8]:
    # The engine's classes have the same numbers but for the last.
    kinds = np.frombuffer(class_numbers(), np.uint8).copy()
    kinds[kinds == 2] = _INVISIBLE  # noqa: PLR2004 - the number of CharacterClass.INVISIBLE
    for codes in (*_UNSPACED_SCRIPTS, *_IDEOGRAPHS):
        own = kinds[codes.start : codes.stop]
        own[own == _WORD] = _UNSPACED
    return kinds


@cache
def _several() -> dict[int, str]:
    return {ord(char): form for char in FORM if len(form := _light_form(char)) > 1}


def _light_form(char: str) -> str:
    """Return what a character of the engine's table becomes here."""
    steps = set(STEPS[char])
    if steps <= _LEVELLING:
        return FORM[char]
    if Step.DIGITS in steps and not is_ideograph(char) and ord(char) not in _FLAGS:
        return FORM[char]
    lower = char.lower()
    return lower if len(lower) == 1 else char
