"""Locating: what a match in the classes of a text stands for in the text as received.

An automaton reads classes, which are generous: 病毒 (virus) sounds like 冰毒 (a drug), ``good`` has the skeleton of
``god``. Here the place is read again in every layer: which characters differ, what stands between them, how often
they are repeated. The answer names the steps that were needed, and what the place's surroundings must still say.

Rules: the answer depends on the text up to the end of the match alone, so that it is the same for every cutting;
bounds on gaps and runs are the same here as in a stream that forgets what lies behind them.
"""

from enum import Enum, auto
from typing import NamedTuple

from filters.characters import STEPS, CharacterClass, character_class
from filters.entries import Entry
from filters.findings import ROMANISED, Kind, Step
from filters.reading import LONGEST_RUN, SIGN_BY_LETTER, Reading
from filters.scripts import is_ideograph, may_look_alike

# What ordinary sentences have between words. A term is not read across one of these as freely as across a star.
_PLAIN_SEPARATORS = frozenset(" \t\r\n\u3000\xa0,.;:!?，。、；：！？…—–-~·/()（）[]【】《》〈〉「」『』“”‘’\"'")
_PAIR = 2
# So long a word does not come about at the seam of two others.
_UNMISTAKABLE_LETTERS = 8
# English doubles these and no other letters.
_DOUBLED = frozenset("abcdefglmnoprstz")
# Languages that need no marks on their letters.
_PLAIN_LANGUAGES = frozenset({"en", "zh"})


class Edges(Enum):
    """What the surroundings of a place must say."""

    ANY = auto()
    LETTERS = auto()  # no Latin letter or digit goes on from either end
    WORDS = auto()  # both ends are ends of words
    RARE = auto()  # the same, and the place itself is made of no ordinary words


# Bound once: looking a member up in its enum takes longer than what is done with it.
_ANY, _LETTERS, _WORDS, _RARE = Edges
_UNSEEN, _WORD = CharacterClass.INVISIBLE, Kind.WORD
_HOMOPHONES = Step.HOMOPHONES
_INITIALS = Step.INITIALS
_INVISIBLE = Step.INVISIBLE
_LEET = Step.LEET
_LOOKALIKE = Step.LOOKALIKE
_REPEATS = Step.REPEATS
_SEPARATORS = Step.SEPARATORS
_SPLIT = Step.SPLIT


class Place(NamedTuple):
    """Where a term stands, as far as the text up to its end can say.

    Attributes:
        start: offset of its first character in the text as received.
        end: offset behind its last character.
        via: the steps that were needed.
        edges: what its surroundings must say.
        swapped: offsets of the characters that only sound alike.
    """

    start: int
    end: int
    via: frozenset[Step]
    edges: Edges
    swapped: tuple[int, ...] = ()


class Growing:
    """The match ends in a run that is too short yet: the next kept character decides."""


GROWING = Growing()


class _Span(NamedTuple):
    """The part of a kept text that a match covers.

    Attributes:
        begin: position of its first kept character.
        end: position behind its last.
        repeated: True when characters are repeated that the term does not repeat.
    """

    begin: int
    end: int
    repeated: bool


class _Gaps(NamedTuple):
    """What stands between the characters of a place.

    Attributes:
        inner: what stands between two characters where the term has no separator.
        some: True when it does not stand between all characters that differ.
        joints: number of places between characters that differ where the term has no separator.
        own: True when the term has separators and the text has others, or none.
        invisible: True when invisible characters stand somewhere.
    """

    inner: list[str]
    some: bool
    joints: int
    own: bool
    invisible: bool


def locate(reading: Reading, first: int, entry: Entry) -> Place | Growing | None:
    """Say where an entry stands, if it does.

    Args:
        reading: the text.
        first: position in its skeleton at which the entry's classes were found.
        entry: one of the entries of the pattern.

    Returns:
        The place; None where the text only resembles the entry; `GROWING` where the next kept character decides.
    """
    place = _as_listed(reading, first, entry)
    if place is not None:
        return place
    # What follows cannot undo it, so nobody has to wait for that.
    if entry.step in ROMANISED and reading.opening(first) is None:
        return None
    span = _span(reading, first, entry)
    if not isinstance(span, _Span):
        return span
    spelled = reading.skeleton[first : first + len(entry.skeleton)]
    swaps = [at for at, char in enumerate(entry.skeleton) if char != spelled[at]]
    gaps = _gaps(reading, first, span, entry)
    if (entry.step in ROMANISED and reading.is_inner(span.begin)) or (reading.signs and not _has_sign(reading, span)):
        return None
    via = _character_steps(reading, first, span, entry, swaps)
    if swaps:
        via.add(_HOMOPHONES if is_ideograph(spelled[swaps[0]]) else _LEET)
    via |= _gap_steps(gaps)
    if span.repeated:
        via.add(_REPEATS)
    if entry.step:
        via.add(entry.step)
    if not via.isdisjoint(entry.term.folds_off) or not _plausible(reading, span, entry, via, gaps):
        return None
    positions = reading.positions
    return Place(
        positions[span.begin],
        positions[span.end - 1] + 1,
        frozenset(via),
        _edges(entry, via, gaps),
        tuple(positions[reading.starts[first + at]] for at in swaps),
    )


def is_two_sentences(stretch: str, written: str, entry: Entry) -> bool:
    """Tell at once what most pairs that only sound like a term are: the end of a sentence, and the next one's start.

    Args:
        stretch: what the text has from the first character to the last.
        written: what the skeleton has there.
        entry: what may stand there.
    """
    if len(written) != _PAIR or len(stretch) == _PAIR or written == entry.skeleton or entry.gaps:
        return False
    return _PLAIN_SEPARATORS.issuperset(stretch[1:-1]) and is_ideograph(written[written[0] == entry.skeleton[0]])


def _as_listed(reading: Reading, first: int, entry: Entry) -> Place | None:
    """Return the place of a term that stands exactly as it is listed: most places are, and need no closer look."""
    if entry.runs or entry.gaps or entry.step or reading.signs:
        return None
    size = len(entry.letters)
    # Where the first character is repeated, the last of the run belongs to the term; one alone stands at the first.
    begin = reading.starts[first] if size == 1 else reading.run(first)[1] - 1
    start = reading.positions[begin]
    at = start - reading.base
    # A listed ligature is written once, and is the letter of each of its characters.
    is_whole = reading.positions[begin + size - 1] == start + size - 1
    if not is_whole or reading.text[at : at + size] != entry.letters:
        return None
    return Place(start, start + size, frozenset(), _WORDS if entry.term.kind is _WORD else _ANY)


def _span(reading: Reading, first: int, entry: Entry) -> _Span | Growing | None:
    """Compare the runs of a place with the entry's."""
    last = len(entry.skeleton) - 1
    longer: list[tuple[str, int]] = []
    for at, char in enumerate(entry.skeleton):
        start, end = reading.run(first + at)
        needed, count = entry.runs[at] if entry.runs else 1, end - start
        if count < needed:
            return GROWING if at == last and end == len(reading.kept) else None
        if 0 < at < last and count > needed:
            if count > LONGEST_RUN:
                return None
            longer.append((char, count - needed))
    start, end = reading.run(first)
    needed = entry.runs[0] if entry.runs else 1
    if not _may_repeat(longer, at_start=end - start > needed):
        return None
    # The shortest stretch that holds the term; where somebody repeats characters, also those before it.
    begin = _run_start(reading, start, end, needed) if longer else end - needed
    finish = reading.starts[first + last] + (entry.runs[last] if entry.runs else 1)
    return _Span(begin if last else start, finish, bool(longer))


def _has_sign(reading: Reading, span: _Span) -> bool:
    """Tell whether a sign stands for a letter; without one, the place is found in the ordinary reading."""
    start, end = reading.positions[span.begin], reading.positions[span.end - 1] + 1
    return SIGN_BY_LETTER.search(reading.text[start - reading.base : end - reading.base]) is not None


def _run_start(reading: Reading, start: int, end: int, needed: int) -> int:
    """Return where the repeated characters begin that the first one of a place belongs to."""
    begin = end - needed
    while begin > max(start, end - LONGEST_RUN) and reading.positions[begin] == reading.positions[begin - 1] + 1:
        begin -= 1
    return begin


def _may_repeat(longer: list[tuple[str, int]], *, at_start: bool) -> bool:
    """Tell whether somebody repeats characters: ``good`` is no spelling of ``god``, ``goood`` is one; 妈妈 is a word.

    Args:
        longer: characters within the place that are repeated, and how often more than the term does.
        at_start: True when its first character is repeated too.
    """
    ordinary = [char for char, more in longer if more == 1 and (char in _DOUBLED or is_ideograph(char))]
    return len(longer) != 1 or at_start or not ordinary


def _gaps(reading: Reading, first: int, span: _Span, entry: Entry) -> _Gaps:
    """Look at what stands between the characters of a place."""
    positions = reading.positions
    joints = len(entry.skeleton) - 1 - len(entry.gaps)
    offsets = [*positions[span.begin : span.end]]
    # Most places have none, and the term asks for none.
    if offsets == [*range(offsets[0], offsets[0] + len(offsets))] and not any(entry.gaps.values()):
        return _Gaps([], some=False, joints=joints, own=False, invisible=False)
    inner: list[str] = []
    own = invisible = False
    heads = {reading.starts[first + at]: at for at in range(1, len(entry.skeleton))}
    separated = 0
    for at in range(span.begin + 1, span.end):
        between = reading.text[positions[at - 1] + 1 - reading.base : positions[at] - reading.base]
        visible = [char for char in between if character_class(char) is not _UNSEEN]
        invisible = invisible or len(visible) < len(between)
        if heads.get(at) in entry.gaps:
            own = own or not _is_own(entry.gaps[heads[at]], between)
        # Between two of a letter that the term doubles, a space may be the term's own.
        elif visible and (at in heads or not entry.runs):
            inner.append("".join(visible))
            # Repeats are written beside each other, whatever stands between the others.
            separated += at in heads
    return _Gaps(inner, bool(inner) and separated < joints, joints, own, invisible)


def _is_own(listed: str | None, between: str) -> bool:
    """Tell whether a separator stands as the list has it, or where any may stand; one space is as good as another."""
    return listed in (None, between) or (listed is not None and listed.isspace() and between.isspace())


def _gap_steps(gaps: _Gaps) -> set[Step]:
    steps = {_INVISIBLE} if gaps.invisible else set()
    return steps | {_SEPARATORS} if gaps.inner or gaps.own else steps


def _character_steps(reading: Reading, first: int, span: _Span, entry: Entry, swaps: list[int]) -> set[Step]:
    """Return the steps between each character and the listed one."""
    steps: set[Step] = set()
    listed = 0
    for at, needed in enumerate(entry.runs or (1,) * len(entry.skeleton)):
        start, end = reading.run(first + at)
        start = max(start, span.begin)
        for kept in range(start, min(end, span.end)):
            char = reading.char_at(reading.positions[kept])
            # What repeats a run is held against its last character.
            letter = entry.letters[listed + min(kept - start, needed - 1)]
            if char != letter:
                steps.update(STEPS.get(char, ()))
                # What differs from the listed character does so by its steps or by the character's own.
                if at not in swaps:
                    steps.update(STEPS.get(letter, ()))
        listed += needed
    return steps


def _plausible(reading: Reading, span: _Span, entry: Entry, via: set[Step], gaps: _Gaps) -> bool:
    """Tell whether anybody would write the term so."""
    if _LOOKALIKE in via:
        chars = [reading.char_at(reading.positions[at]) for at in range(span.begin, span.end)]
        if not may_look_alike(chars, entry.letters, marks=entry.term.languages <= _PLAIN_LANGUAGES):
            return False
    usual = any(_PLAIN_SEPARATORS.issuperset(gap) for gap in gaps.inner)
    # What only sounds like a term over the end of a sentence is two sentences; no sentence has one at every joint.
    if usual and _HOMOPHONES in via and (gaps.some or gaps.joints == 1):
        return False
    # Ordinary words with an ordinary space between them are no term: the pen is on the table.
    if gaps.some and _is_latin(entry):
        short = usual and len(entry.letters) < _UNMISTAKABLE_LETTERS
        return not short and entry.step is not _INITIALS
    return True


def _edges(entry: Entry, via: set[Step], gaps: _Gaps) -> Edges:
    """Say what the surroundings of a place must be like."""
    if _HOMOPHONES in via:
        return _RARE
    if entry.term.kind is _WORD or entry.step is _SPLIT:
        return _WORDS
    scattered = gaps.some or (gaps.inner and gaps.joints == 1)
    if scattered and not _is_latin(entry) and any(_PLAIN_SEPARATORS.issuperset(gap) for gap in gaps.inner):
        return _WORDS
    if entry.step or _LEET in via or (_SEPARATORS in via and _is_latin(entry)):
        return _LETTERS
    return _ANY


def _is_latin(entry: Entry) -> bool:
    return entry.skeleton.isascii()
