"""Entries: what a term's row becomes for the automaton, one entry for each way of writing it that is looked for.

A term has an entry of its own spelling, and one for each spelling made of it (`filters.spellings`). Entries whose
classes are equal are one pattern; which of them a place in a text stands for is settled there (`filters.locating`).
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import NamedTuple

from filters.characters import FORM, STEPS, fold
from filters.combinations import parse_combination
from filters.findings import Kind, Step, Term
from filters.reading import LONGEST_RUN, spell
from filters.spellings import spellings

# What a boundary needs of case, width and script to be seen as a reader sees it.
_LEVELLING = frozenset({Step.WIDTH, Step.CASE, Step.TRADITIONAL})


class Allowance(NamedTuple):
    """A phrase inside which an entry does not count.

    Attributes:
        before: characters of the phrase before the entry.
        text: the phrase, folded.
    """

    before: int
    text: str


class Entry(NamedTuple):
    """One way of writing a term.

    Attributes:
        skeleton: its skeleton.
        runs: how often each character of the skeleton is repeated; empty where none is.
        letters: the character as listed for each character of the kept text.
        gaps: by position in the skeleton, what the listed term has in front of that character; None where anything
            may stand or nothing.
        step: the expansion it comes from, or None for the term's own spelling.
        term: the row.
        part: position among the parts of a combination, or -1.
    """

    skeleton: str
    runs: tuple[int, ...]
    letters: str
    gaps: Mapping[int, str | None]
    step: Step | None
    term: Term
    part: int = -1

    @property
    def kept(self) -> str:
        """Its kept text: the skeleton with its runs."""
        if not self.runs:
            return self.skeleton
        return "".join(char * size for char, size in zip(self.skeleton, self.runs, strict=True))


def _levelled(char: str) -> str:
    form = FORM[char] if _LEVELLING.issuperset(STEPS[char]) else char
    # A ligature stays: offsets must be the same in what is levelled.
    return form if len(form) == 1 else char


_LEVELS = {ord(char): _levelled(char) for char in FORM if STEPS[char]}


def level(text: str) -> str:
    """Return the text with width, case and script levelled, one character for one: as dictionaries spell it."""
    return text.translate(_LEVELS)


def texts_of(term: Term) -> Iterator[tuple[str, Step | None, int]]:
    """Yield all that is looked for of a term: the text, the expansion it comes from, and which part it is, or -1."""
    if term.kind is Kind.ALL:
        combination = parse_combination(term.text)
        for number, part in enumerate((*combination.parts, *combination.absent)):
            yield part, None, number
        return
    yield term.text, None, -1
    for spelling in spellings(fold(term.text), term.folds_off):
        yield spelling.text, spelling.step, -1


def entries_of(term: Term) -> Iterator[Entry]:
    """Yield the entries of a term."""
    for text, step, part in texts_of(term):
        entry = entry_of(text, term, part)
        # Syllables are written together or apart.
        gaps = dict.fromkeys(range(1, len(entry.skeleton))) if step is Step.PINYIN else entry.gaps
        yield entry._replace(step=step, gaps=gaps)


def entry_of(text: str, term: Term, part: int = -1) -> Entry:
    """Return the entry for one text, of which something is left when it is folded."""
    kept, positions = spell(text)
    skeleton: list[str] = []
    runs: list[int] = []
    letters: list[str] = []
    gaps: dict[int, str | None] = {}
    at = 0
    for char, group in groupby(kept):
        size = len(list(group))
        if at and positions[at] > positions[at - 1] + 1:
            gaps[len(skeleton)] = text[positions[at - 1] + 1 : positions[at]]
        skeleton.append(char)
        runs.append(min(size, LONGEST_RUN))
        letters += [text[positions[kept]] for kept in range(at, at + runs[-1])]
        at += size
    repeats = tuple(runs) if max(runs) > 1 else ()
    return Entry("".join(skeleton), repeats, "".join(letters), gaps, None, term, part)


def allowances_of(phrases: Iterable[str]) -> dict[str, tuple[Allowance, ...]]:
    """Return, for every text that stands inside an allow phrase, where it stands in which.

    Args:
        phrases: allow phrases as listed.
    """
    found: dict[str, list[Allowance]] = {}
    for phrase in phrases:
        folded, _ = spell(phrase)
        for start in range(len(folded)):
            for end in range(start + 1, len(folded) + 1):
                found.setdefault(folded[start:end], []).append(Allowance(start, folded))
    return {text: tuple(places) for text, places in found.items()}
