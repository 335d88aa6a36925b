"""Places of mixed spellings: which of the ways to read a term (`filters.mixed`) stands there.

Rules: as with other spellings (`filters.locating`) the answer depends on the text up to the end of the place alone. A
guess at a guess finds anything, so what is left of the term itself has to outweigh what was guessed.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from filters.characters import STEPS, SYLLABLES, CharacterClass, character_class
from filters.entries import Entry
from filters.findings import Kind, Step
from filters.homophones import shares_sound
from filters.lexicon import Lexicon
from filters.locating import Edges, Place
from filters.mixed import Found, How, Path, Stretch, starts_of, stretches
from filters.scripts import is_ideograph, may_look_alike
from filters.spellings import MIXED_MAX_CHARACTERS, is_looked_for_whole, typed

# One letter beside a Chinese character is a name of something.
_LEAST_LETTERS = 2
_PAIR = 2
_TRIPLE = 3
# 做AI is no spelling of anything: capitals like these are names.
_NAME_LETTERS = 3
_PLAIN_LANGUAGES = frozenset({"en", "zh"})
_INVISIBLE = CharacterClass.INVISIBLE


def whole_places(lexicon: Lexicon, text: str, found: Sequence[tuple[int, int]]) -> Iterator[tuple[Entry, Place]]:
    """Yield what stands in a whole text in mixed spellings.

    Args:
        lexicon: the terms.
        text: text as received.
        found: its junctions.
    """
    for stretch, result in stretches(lexicon, text, found):
        yield from _places(lexicon, stretch, result, 0)


def stream_places(
    lexicon: Lexicon, window: str, window_base: int, begin: int, fresh: int, found: Sequence[tuple[int, int]]
) -> tuple[list[tuple[Entry, Place]], int | None]:
    """Return what stands in a stream in mixed spellings, and where the first one begins that may be coming.

    Args:
        lexicon: the terms.
        window: the part of the text that is still at hand.
        window_base: offset of its first character.
        begin: offset before which no term begins that is not known yet.
        fresh: offset of what came last; what ends before it is known.
        found: the junctions, at offsets in the window.
    """
    end = window_base + len(window)
    starts = frozenset(start + window_base for start in starts_of(found))
    stretch = Stretch(lexicon.beginnings, window, window_base, min(starts, default=begin), end)
    result = stretch.read(found[-1][1] + window_base, starts)
    met = [junction for _, junction in found]
    begins = (stretch.positions[first] for first in result.live)
    live = next((at for at in begins if _was_held(lexicon, window, at - window_base, met)), None)
    return list(_places(lexicon, stretch, result, fresh)), live


def _was_held(lexicon: Lexicon, window: str, at: int, met: Sequence[int]) -> bool:
    """Tell whether the ordinary reading held a beginning until the first junction came.

    Otherwise it was let go where the text was cut before the junction, and is not to be held where it was not.
    """
    return lexicon.live_before(window, at, met[bisect_right(met, at)]) == at


def _places(lexicon: Lexicon, stretch: Stretch, result: Found, fresh: int) -> Iterator[tuple[Entry, Place]]:
    for classes, path in result.paths:
        if stretch.positions[path[-1].end - 1] < fresh:
            continue
        for entry in lexicon.entries_with(classes):
            place = locate_mixed(stretch, path, entry)
            if place is not None:
                yield entry, place


def locate_mixed(stretch: Stretch, path: Path, entry: Entry) -> Place | None:
    """Say where a term stands in a mixed spelling, if it does.

    Args:
        stretch: the part of the text that was read.
        path: what may stand for each of its characters.
        entry: the term, of the classes of the path.
    """
    swaps = [
        at
        for at, token in enumerate(path)
        if token.how is How.IDEOGRAPH and _written(stretch, path, at) != entry.skeleton[at]
    ]
    hows = [token.how for token in path]
    if not _is_read_so(stretch, path, entry, swaps) or not _outweighs(stretch, path, hows, len(swaps)):
        return None
    if hows[0] is not How.IDEOGRAPH and not _is_held(stretch, path, entry, swaps):
        return None
    via = _steps(stretch, path, entry)
    if swaps:
        if Step.SEPARATORS in via:
            return None
        via.add(Step.HOMOPHONES)
    if not via.isdisjoint(entry.term.folds_off):
        return None
    if Step.LOOKALIKE in via and not _may_look_alike(stretch, path, entry):
        return None
    positions = stretch.positions
    return Place(
        positions[path[0].begin],
        positions[path[-1].end - 1] + 1,
        frozenset(via),
        Edges.RARE if swaps else Edges.WORDS if entry.term.kind is Kind.WORD else Edges.LETTERS,
        tuple(positions[path[at].begin] for at in swaps),
    )


def _written(stretch: Stretch, path: Path, at: int) -> str:
    """Return what stands for a character of the term, without its tone."""
    begin, end, how = path[at]
    return stretch.kept[begin : end - (how is How.TONED)]


def _is_read_so(stretch: Stretch, path: Path, entry: Entry, swaps: list[int]) -> bool:
    """Tell whether every character of the term is read as it is written: classes are generous."""
    for at, token in enumerate(path):
        char, written = entry.skeleton[at], _written(stretch, path, at)
        if token.how is How.IDEOGRAPH:
            if at in swaps and not (is_ideograph(char) and is_ideograph(written) and shares_sound(char, written)):
                return False
        elif token.how is How.INITIAL:
            if SYLLABLES.get(char, " ")[0][0] != written:
                return False
        elif written not in {form for reading in SYLLABLES.get(char, ()) for form in typed(reading)}:
            return False
    return True


def _outweighs(stretch: Stretch, path: Path, hows: list[How], swaps: int) -> bool:
    """Tell whether enough of a term is left for nobody to have written it by chance."""
    size, initials, toned = len(hows), hows.count(How.INITIAL), hows.count(How.TONED)
    exact = hows.count(How.IDEOGRAPH) - swaps
    if initials:
        return exact >= _PAIR and initials <= exact and not swaps and exact + initials == size
    letters = "".join([_written(stretch, path, at) for at, how in enumerate(hows) if how is not How.IDEOGRAPH])
    if len(letters) < _LEAST_LETTERS:
        return False
    if size == _PAIR and not toned and len(letters) <= _NAME_LETTERS:
        begin, end, _ = path[0] if hows[0] is not How.IDEOGRAPH else path[1]
        if stretch.received(begin, end).isupper():
            return False
    return not swaps or (size >= _TRIPLE and exact > 0 and size >= 2 * swaps)


def _is_held(stretch: Stretch, path: Path, entry: Entry, swaps: list[int]) -> bool:
    """Tell whether the letters that a place begins with are held in a stream, as another spelling's beginning."""
    # Up to the first ideograph, or with the first tone: one of them makes it a mixed spelling.
    stop = next(at for at, token in enumerate(path) if token.how in (How.IDEOGRAPH, How.TONED))
    lead = stop + (path[stop].how is How.TONED)
    if any(_written(stretch, path, at) != SYLLABLES.get(entry.skeleton[at], " ")[0] for at in range(lead)):
        return False
    is_short = lead == 1 and len(path) <= MIXED_MAX_CHARACTERS and len(_written(stretch, path, 0)) >= _LEAST_LETTERS
    if is_short and path[0].how is How.PINYIN and not swaps and all(each.how is How.IDEOGRAPH for each in path[1:]):
        # It is a spelling of its own (`filters.spellings`), and found as one.
        return False
    return is_short or is_looked_for_whole(entry.skeleton)


def _steps(stretch: Stretch, path: Path, entry: Entry) -> set[Step]:
    """Return the steps that were needed, but for characters of the same sound."""
    via: set[Step] = set()
    for at, token in enumerate(path):
        own = entry.letters[at] if token.how is How.IDEOGRAPH else ""
        for char in stretch.received(token.begin, token.end):
            if char != own:
                via.update(STEPS.get(char, ()))
                via.update(STEPS.get(own, ()) if _written(stretch, path, at) == entry.skeleton[at] else ())
        if token.how is not How.IDEOGRAPH:
            via.add(Step.INITIALS if token.how is How.INITIAL else Step.PINYIN)
        first = token.begin + (at == 0)
        for kept in range(first, token.end):
            between = stretch.between(kept)
            visible = any(character_class(char) is not _INVISIBLE for char in between)
            # Syllables are written together or apart.
            is_apart = kept == token.begin and token.how is not How.IDEOGRAPH
            if visible and not (is_apart and at and path[at - 1].how is not How.IDEOGRAPH):
                via.add(Step.SEPARATORS)
            if any(character_class(char) is _INVISIBLE for char in between):
                via.add(Step.INVISIBLE)
    return via


def _may_look_alike(stretch: Stretch, path: Path, entry: Entry) -> bool:
    tokens = [token for token in path if token.how is not How.IDEOGRAPH]
    chars = [char for token in tokens for char in stretch.received(token.begin, token.end)]
    letters = "".join([stretch.kept[token.begin : token.end] for token in tokens])
    return may_look_alike(chars, letters, marks=entry.term.languages <= _PLAIN_LANGUAGES)
