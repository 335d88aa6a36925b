"""A slow and certain search for terms, to hold the engine against.

It knows width, case and runs, so the texts it is asked about are of letters whose other spellings cannot come up.
"""

import re

from filters.findings import Step, Term
from filters.folding import fold

_RUNS = re.compile(r"(.)\1*", re.DOTALL)


def exactly(term: Term) -> Term:
    """Return the term with all steps switched off but width and case: it stands where `occurrences` says alone."""
    return term._replace(folds_off=frozenset(Step) - {Step.WIDTH, Step.CASE})


def occurrences(text: str, terms: list[str]) -> list[tuple[int, int]]:
    """Return where terms stand, in order of the terms.

    A run of one character has a term made of that character once, at its beginning.
    """
    folded = fold(text)
    return [
        (at, at + len(term))
        for term in map(fold, terms)
        for at in range(len(folded))
        if folded.startswith(term, at) and (len(set(term)) > 1 or not folded[:at].endswith(term[0]))
    ]


def live_from(text: str, terms: list[str]) -> int:
    """Return where the longest end of a text begins that may still become a term; its length where none may.

    What counts is the order of characters: how often each is repeated is known only when its run has ended.
    """
    runs = [(found[1], found.end() - found.start(), found.start()) for found in _RUNS.finditer(fold(text))]
    starts = [runs[at][2] for at in range(len(runs)) if any(_may_become(runs[at:], fold(term)) for term in terms)]
    return min(starts, default=len(text))


def _may_become(runs: list[tuple[str, int, int]], term: str) -> bool:
    needed = [(found[1], found.end() - found.start()) for found in _RUNS.finditer(term)]
    if [char for char, *_ in runs] != [char for char, _ in needed[: len(runs)]]:
        return False
    if len(runs) < len(needed):
        return True
    long_enough = all(size >= least for (_, size, _), (_, least) in zip(runs[:-1], needed, strict=False))
    return long_enough and runs[-1][1] < needed[-1][1]
