"""Long texts as numbers: all layers of a reading (`filters.reading`) in a few passes over arrays.

From about a hundred characters on, a pass of numpy over the whole text costs less than a look at each character.
Rules: the layers are those that `filters.reading.spell` gives; positions are made only where something was found.
"""

from functools import cached_property

import numpy as np
import numpy.typing as npt

from filters.characters import SEVERAL, CharacterClass, class_numbers, code_tables
from filters.reading import (
    BREAK,
    CLASSES,
    FOLDS,
    GAP_CHARACTERS,
    GAP_SEPARATORS,
    SIGNS,
    Reading,
    has_sign_by_letter,
    spell_character,
)

Codes = npt.NDArray[np.intp]
Flags = npt.NDArray[np.uint8]

_BMP = 0x10000
# What is known of a character before it is folded, in bits: so that one look at a table answers every question.
_KEPT, _APART, _SIGN, _INVISIBLE = 1, 2, 4, 8
_HAS_SIGN = bytes((_SIGN,))
_HAS_APART = bytes((_KEPT | _APART,))
_LONG_GAP = bytes(GAP_SEPARATORS + 1)


def _flag_table() -> Flags:
    folds = code_tables()
    table: Flags = (folds != 0).astype(np.uint8)
    # Folds that are several characters, or leave the basic plane: read in the wide tables, one by one.
    wide = folds >= _BMP
    wide[_BMP:] = folds[_BMP:] == SEVERAL
    table[wide] |= _APART
    invisible = np.frombuffer(class_numbers(), np.uint8) == list(CharacterClass).index(CharacterClass.INVISIBLE)
    table[invisible] |= _INVISIBLE
    table[[ord(sign) for sign in SIGNS]] |= _SIGN
    return table


_FLAGS = _flag_table()
_FOLDS = code_tables()
_CLASSES = np.array(CLASSES, np.uint32)
_SIGNS = np.zeros(len(CLASSES), np.intp)
_SIGNS[[ord(sign) for sign in SIGNS]] = [ord(spell_character(sign, signs=True)) for sign in SIGNS]
# Numbers as wide as an index, which numpy need not convert; nearly every text is within the basic plane.
_FOLDS_BMP = _FOLDS[:_BMP].astype(np.intp)
_CLASSES_BMP = _CLASSES[:_BMP].astype(np.intp)


class LongText:
    """A whole text in all its layers.

    Args:
        text: text as received.
        signs: True when signs are letters.

    Attributes:
        text: text as received.
        has_signs: True when it has characters that may be read as letters, and are not in this reading.
        skeleton_codes: its skeleton, as code points.
        class_codes: its classes, as code points.
    """

    __slots__ = (
        "__dict__",
        "_flags",
        "_kept",
        "_run_starts",
        "_signs",
        "class_codes",
        "has_signs",
        "skeleton_codes",
        "text",
    )

    def __init__(self, text: str, *, signs: bool = False) -> None:
        self.text = text
        self._signs = signs
        codes, narrow = _codes(text)
        flags = _FLAGS[codes]
        seen = flags.tobytes()
        self.has_signs = _HAS_SIGN in seen and not signs
        narrow = narrow and _HAS_APART not in seen
        folds = _FOLDS_BMP[codes] if narrow else _FOLDS[codes].astype(np.intp)
        if signs and _HAS_SIGN in seen:
            folds = np.where(flags == _SIGN, _SIGNS[codes], folds)
            flags |= flags >> 2 & _KEPT  # a sign is kept
        self._flags: Flags = flags & np.uint8(_KEPT)
        if _LONG_GAP in self._flags.tobytes():
            _break_long_gaps(folds, self._flags, flags)
        kept = folds[self._flags.view(np.bool_)]
        if not narrow:
            kept = self._taken_apart(kept)
        self._kept = kept
        self._run_starts: npt.NDArray[np.bool_] | None = None
        differs = kept[1:] != kept[:-1]
        if b"\0" in differs.tobytes():
            self._run_starts = np.concatenate((_FIRST, differs))
            kept = kept[self._run_starts]
        self.skeleton_codes: Codes = kept
        self.class_codes: Codes = (_CLASSES_BMP if narrow else _CLASSES)[kept].astype(np.intp, copy=False)

    @property
    def has_sign_by_letter(self) -> bool:
        """Whether one of these stands where a letter may stand."""
        if not self.has_signs:
            return False
        places: list[int] = (_FLAGS[_codes(self.text)[0]] & _SIGN).nonzero()[0].tolist()
        return has_sign_by_letter(self.text, places)

    @cached_property
    def skeleton(self) -> str:
        """The text with runs written once."""
        return _decoded(self.skeleton_codes)

    @cached_property
    def classes(self) -> str:
        """The text as automata read it."""
        return _decoded(self.class_codes)

    def around(self, first: int, end: int) -> Reading:
        """Return all layers of a part of the skeleton, runs at both ends whole.

        Args:
            first: where the part begins.
            end: position behind its last character.
        """
        starts, positions = self._starts, self._positions
        if starts is not None:
            first = int(starts[first])
            end = int(starts[end]) if end < len(starts) else len(self._kept)
            kept = _decoded(self._kept[first:end])
        else:
            kept = self.skeleton[first:end]
        return Reading(self.text, 0, kept, positions[first:end].tolist(), signs=self._signs)

    def has_repeats(self, first: int, end: int) -> bool:
        """Tell whether a character of a part of the skeleton is repeated."""
        starts = self._starts
        if starts is None:
            return False
        stop = int(starts[end]) if end < len(starts) else len(self._kept)
        return stop - int(starts[first]) > end - first

    def is_within_word(self, first: int, end: int) -> bool:
        """Tell whether plain Latin letters or digits go on at either end of a part that has no repeats."""
        starts = self._starts
        if starts is not None:
            if self.has_repeats(first, end):
                return False
            first, end = int(starts[first]), int(starts[end - 1]) + 1
        positions, text = self._positions, self.text
        start, last = int(positions[first]), int(positions[end - 1])
        return (start > 0 and _is_word(text[start - 1 : start + 1])) or _is_word(text[last : last + 2])

    @cached_property
    def _positions(self) -> Codes:
        return self._flags.nonzero()[0]

    @cached_property
    def _starts(self) -> Codes | None:
        return None if self._run_starts is None else self._run_starts.nonzero()[0]

    def _taken_apart(self, kept: Codes) -> Codes:
        """Write the folds of several characters into the kept text, each with the position it comes from."""
        places = (kept == SEVERAL).nonzero()[0]
        if not len(places):
            return kept
        positions = self._positions
        forms = [FOLDS[ord(self.text[at])] for at in positions[places].tolist()]
        sizes = np.ones(len(kept), np.intp)
        sizes[places] = [len(form) for form in forms]  # type: ignore[arg-type]  # several characters are a string
        self._positions = np.repeat(positions, sizes)
        longer = np.repeat(kept, sizes)
        longer[longer == SEVERAL] = [ord(char) for form in forms for char in form]  # type: ignore[union-attr]
        return longer


_FIRST = np.array([True])


def _is_word(two: str) -> bool:
    return len(two) > 1 and two.isascii() and two.isalnum()


def _codes(text: str) -> tuple[Codes, bool]:
    """Return the code points of a text, and whether all are within the basic plane."""
    short = text.encode("utf-16-le", "surrogatepass")
    if len(short) == 2 * len(text):
        return np.frombuffer(short, np.uint16).astype(np.intp), True
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.intp), False


def _decoded(codes: Codes) -> str:
    return codes.astype(np.uint32).tobytes().decode("utf-32-le")


def _break_long_gaps(folds: Codes, kept: Flags, flags: Flags) -> None:
    """Write a break into every gap that no term reaches over, where it becomes too long."""
    places = np.arange(len(folds))
    # How many separators there are up to each place, and where the last kept character before it stands.
    separators = np.cumsum((flags & (_KEPT | _INVISIBLE)) == 0)
    last = np.maximum.accumulate(np.where(kept, places, -1))
    before = np.where(last < 0, 0, separators[last])
    is_long = (places - last > GAP_CHARACTERS) | (separators - before > GAP_SEPARATORS)
    is_long[1:] &= ~is_long[:-1]
    folds[is_long] = ord(BREAK)
    kept[is_long] = _KEPT
