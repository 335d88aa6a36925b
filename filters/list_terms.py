"""What a term of each kind must look like.

Rules: a term that can match nothing, or everything, is refused where it stands; every refusal says what to do. What
kinds mean is in ``docs/keyword-lists.md``.
"""

from collections.abc import Callable, Iterator, Mapping

import re2

from filters.combinations import parse_combination
from filters.findings import Kind
from filters.reading import skeleton_of
from filters.spelling import quoted

# A single character occurs inside harmless words everywhere; one that stands as a word of its own does not.
TERM_MIN_CHARACTERS = 2
# A stream may have to hold back nearly a whole term, and the matcher keeps each of its prefixes.
TERM_MAX_CHARACTERS = 64
COMBINATION_MAX_CHARACTERS = 256
PATTERN_MAX_CHARACTERS = 256
"""Length of the expression; what it matches is at most `MATCH_MAX_CHARACTERS` long."""
MATCH_MAX_CHARACTERS = 256
"""Longest match of a pattern: a stream keeps so many characters behind what it has read, and no expression tells
beforehand how long its matches are."""
_PATTERN_MEMORY_BYTES = 1024 * 1024
# Between them they hold every place where an expression can match without taking a character: the ends of a text, of
# a line and of a word, and the inside of a word and of a gap.
_PROBES = ("", "a", "ab c", "中文", "  ", "1,2\n_")

# Persian and Indic words are spelt with them.
JOINERS = frozenset({"\N{ZERO WIDTH NON-JOINER}", "\N{ZERO WIDTH JOINER}"})


def term_problems(kind: Kind, term: str) -> Iterator[str]:
    """Say what is wrong with a term.

    Args:
        kind: how it is to be matched.
        term: as the list spells it.

    Yields:
        One sentence per problem: column, value, remedy.
    """
    yield from _CHECKS[kind](term)


def _phrase_problems(term: str, fewest: int = TERM_MIN_CHARACTERS) -> Iterator[str]:
    # Joiners do not count: a term of nothing else would be empty once folded, and match everywhere.
    if len(term) - sum(map(term.count, JOINERS)) < fewest:
        yield f"term is {quoted(term)}; write at least {fewest} characters, or remove the row"
    elif fewest > 1 and not skeleton_of(term):
        # Separators are skipped when texts are read, so nothing would be left to look for.
        yield f"term is {quoted(term)}, which has signs alone; make it a pattern"
    yield from _length_problems(term, TERM_MAX_CHARACTERS)


def _word_problems(term: str) -> Iterator[str]:
    yield from _phrase_problems(term, fewest=1)
    # A word begins and ends beside letters and digits; a term without any has no such place.
    if term and not any(map(str.isalnum, term)):
        yield f"term is {quoted(term)}; a word needs a letter or a digit, so make it a pattern"


def _combination_problems(term: str) -> Iterator[str]:
    try:
        combination = parse_combination(term)
    except ValueError as error:
        yield f"term {error}"
    else:
        if not all(map(skeleton_of, (*combination.parts, *combination.absent))):
            yield f"term is {quoted(term)}, with a part of signs alone; each part needs a letter or a digit"
    yield from _length_problems(term, COMBINATION_MAX_CHARACTERS)


def _pattern_problems(term: str) -> Iterator[str]:
    yield from _length_problems(term, PATTERN_MAX_CHARACTERS)
    try:
        compiled = re2.compile(term, _options())
    except (re2.error, UnicodeEncodeError) as error:
        yield f"term is no RE2 pattern ({_reason(error)}); see github.com/google/re2/wiki/Syntax"
        return
    if any(match.start() == match.end() for probe in _PROBES for match in compiled.finditer(probe)):
        yield "term matches where there is nothing; write a pattern that takes at least one character"


def _length_problems(term: str, most: int) -> Iterator[str]:
    if len(term) > most:
        yield f"term has {len(term)} characters; shorten it to at most {most}"


def _options() -> re2.Options:
    options = re2.Options()
    options.max_mem = _PATTERN_MEMORY_BYTES
    options.log_errors = False  # the library would write to standard error
    return options


def _reason(error: Exception) -> str:
    # The library hands its messages over as bytes, and quotes the expression in them.
    text = error.args[0].decode(errors="replace") if isinstance(error, re2.error) else type(error).__name__
    return text.partition(":")[0]


_CHECKS: Mapping[Kind, Callable[[str], Iterator[str]]] = {
    Kind.LITERAL: _phrase_problems,
    Kind.WORD: _word_problems,
    Kind.ALL: _combination_problems,
    Kind.PATTERN: _pattern_problems,
    Kind.ALLOW: _phrase_problems,
}
