"""How many of the ways to write a term around the keyword engine it finds, whole and streamed.

Run from the root of the repository::

    python -m benchmarks.evasion                                  # two minutes, report on standard output
    python -m benchmarks.evasion --pair-terms 0                   # all pairs on all terms in all places: half an hour
    python -m benchmarks.evasion --terms 20                       # a smoke test; no figures to quote
    python -m benchmarks.evasion --write benchmarks/RESULTS.md    # what is committed

Every evasion of ``tests/filters/evasions.py`` and every pair of two that take different steps, on terms of the
shipped lists and of the project's own word lists. A single evasion is tried on every term in every place, and in two
pieces in every cut at and inside the term; a pair on a sample of the terms, each in one place, in the same cuts, or
with ``--pair-terms 0`` as a single one is.
*Caught* means that the whole text has a finding of the term; *leaked* means that in some cut the term's first
character was released before a finding of the term was certain. Harmless texts say what the steps cost: every finding
there is a false one.
"""

import argparse
import itertools
import random
import shlex
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.keyword_texts import read_harmless, shipped_terms
from benchmarks.processes import BenchmarkError
from benchmarks.report import engine_machine_lines, write_section
from benchmarks.servers import ROOT
from filters.findings import Kind, Phase, Term
from filters.keywords import KeywordMatcher
from tests.filters.evasions import EVASIONS

_SEED = 20_260_101
_CHINESE_SHARE = 0.7
_CHINESE_PLACES = (
    ("", ""),
    ("请问", "怎么办"),
    ("我想了解一下", "的价格，谢谢"),
    ("今天天气不错。", "！"),
    ("老师说：", "，对吗"),
)
_LATIN_PLACES = (("", ""), ("please tell me about ", " now"), ("I want ", ""), ("hello. ", "!"), ('say "', '" again'))
_BAR_CHARACTERS = 40


class Tally(NamedTuple):
    """What came of one evasion.

    Attributes:
        texts: texts that were written so.
        caught: how many of them have a finding of their term.
        leaked: how many let its beginning out in some cut.
    """

    texts: int = 0
    caught: int = 0
    leaked: int = 0

    def plus(self, *, caught: bool, leaked: bool) -> "Tally":
        """Return the tally with one more text."""
        return Tally(self.texts + 1, self.caught + caught, self.leaked + leaked)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description="The share of evasions that the keyword engine finds, and what it finds in harmless texts.",
        epilog="Terms come from the shipped lists and from files project-*.txt below the directory of word lists.",
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the report between its markers in this file")
    parser.add_argument(
        "--data", type=Path, default=ROOT / "../shared/data/benign", help="directory of harmless texts"
    )
    parser.add_argument(
        "--words", type=Path, default=ROOT / "../shared/data/wordlists", help="directory of word lists"
    )
    parser.add_argument(
        "--terms", type=int, default=200, help="terms that are written otherwise; default %(default)s"
    )
    parser.add_argument(
        "--pair-terms",
        type=int,
        default=8,
        help="terms of each pair of evasions, in one place each; 0 takes all in all places (default: %(default)s)",
    )
    return parser.parse_args()


def main() -> int:
    """Measure, print the report, and write it where asked."""
    arguments = parse_arguments()
    try:
        harmless = read_harmless(arguments.data)
    except BenchmarkError as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 1
    chance = random.Random(_SEED)  # noqa: S311  # nothing secret is made of it
    listed = _listed(arguments.words)
    terms = _sample(listed, arguments.terms, chance)
    matcher = KeywordMatcher([Term(text, "A.1.f") for text in terms], Phase.RESPONSE)
    singles, pairs = _measure(matcher, terms, arguments.pair_terms, chance)
    text = "\n".join(
        [
            *_evasion_lines(len(terms), arguments.pair_terms, singles, pairs),
            "",
            *_harmless_lines({"prompts": harmless.prompts, "replies": harmless.all_replies}, listed),
            "",
            engine_machine_lines(
                f"python -m benchmarks.evasion {shlex.join(sys.argv[1:])}".rstrip(), ("daachorse", "numpy", "rjieba")
            ),
        ]
    )
    print(text)
    if arguments.write:
        write_section(arguments.write, "evasion", text, writer="evasion")
    return 0


def _listed(words: Path) -> list[str]:
    """Return the terms of the shipped lists and of the word lists, in order."""
    texts = [term.text for term in shipped_terms() if term.kind in {Kind.LITERAL, Kind.WORD}]
    for path in sorted(words.glob("*/project-*.txt")):
        texts += [line for line in path.read_text(encoding="utf-8").split("\n") if len(line) > 1]
    return list(dict.fromkeys(texts))


def _sample(listed: Sequence[str], count: int, chance: random.Random) -> list[str]:
    shuffled = chance.sample(listed, len(listed))
    chinese = [text for text in shuffled if not text.isascii()][: round(count * _CHINESE_SHARE)]
    return chinese + [text for text in shuffled if text.isascii()][: count - len(chinese)]


def _measure(
    matcher: KeywordMatcher, terms: Sequence[str], pair_terms: int, chance: random.Random
) -> tuple[dict[str, Tally], dict[tuple[str, str], Tally]]:
    """Try every evasion, and every pair of two that take different steps."""
    pairs = [
        (first, second)
        for first, second in itertools.permutations(EVASIONS, 2)
        if EVASIONS[first][1].isdisjoint(EVASIONS[second][1])
    ]
    bar = _Bar(len(EVASIONS) + len(pairs))
    singles: dict[str, Tally] = {}
    for name in EVASIONS:
        texts = [(term, written) for term in terms for written in _written(term, (name,), chance)]
        placed = ((term, written, place) for term, written in texts for place in _places(term, written))
        singles[name] = _tally(matcher, placed)
        bar.step()
    doubles: dict[tuple[str, str], Tally] = {}
    for pair in pairs:
        texts = [(term, written) for term in terms for written in _written(term, pair, chance)]
        if pair_terms:
            texts = chance.sample(texts, min(len(texts), pair_terms))
        placed = (
            (term, written, place)
            for term, written in texts
            for place in ([chance.choice(_places(term, written))] if pair_terms else _places(term, written))
        )
        doubles[pair] = _tally(matcher, placed)
        bar.step()
    return singles, doubles


def _written(term: str, names: Sequence[str], chance: random.Random) -> Iterable[str]:
    """Yield the term written so; nothing where an evasion has nothing to do."""
    written: str | None = term
    for name in names:
        written = EVASIONS[name][0](written, chance) if written and len(written) > 1 else None
    return () if written is None else (written,)


def _places(term: str, written: str) -> Sequence[tuple[str, str]]:
    return _LATIN_PLACES if term.isascii() and written.isascii() else _CHINESE_PLACES


def _tally(matcher: KeywordMatcher, placed: Iterable[tuple[str, str, tuple[str, str]]]) -> Tally:
    tally = Tally()
    for term, written, (before, behind) in placed:
        text = before + written + behind
        starts = [found.start for found in matcher.scan(text) if found.term.text == term]
        cuts = range(max(len(before), 1), min(len(before + written) + 1, len(text)))
        # A text that is not caught whole leaks in every cut; it is counted once, as not caught.
        leaked = bool(starts) and any(_leaks(matcher, text, cut, term, min(starts)) for cut in cuts)
        tally = tally.plus(caught=bool(starts), leaked=leaked)
    return tally


def _leaks(matcher: KeywordMatcher, text: str, cut: int, term: str, start: int) -> bool:
    """Tell whether the frontier passes the term's beginning before it is found."""
    stream = matcher.stream()
    for piece in (text[:cut], text[cut:]):
        if any(known.finding.term.text == term for known in stream.feed(piece)):
            return False
        if stream.frontier > start:
            return True
    return not any(known.finding.term.text == term for known in stream.finish())


def _evasion_lines(
    terms: int, pair_terms: int, singles: dict[str, Tally], pairs: dict[tuple[str, str], Tally]
) -> list[str]:
    sampled = f"each on at most {pair_terms} terms by lot, in one place" if pair_terms else "on all terms and places"
    lines = [
        "### Evasions",
        "",
        f"{terms} terms; each evasion in {len(_CHINESE_PLACES)} places, streamed in two pieces in every cut at and",
        f"inside the term. With another: all pairs it is in, {sampled}.",
        "",
        "| evasion | texts | caught | leaked | pairs' texts | caught with another | leaked | worst with |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, tally in singles.items():
        own = {pair: each for pair, each in pairs.items() if name in pair and each.texts}
        worst = min(own, key=lambda pair: own[pair].caught / own[pair].texts, default=None)
        cell = "–" if worst is None else f"{worst[0]} + {worst[1]}: {_share(own[worst].caught, own[worst].texts)}"
        lines.append(f"| {name} | {_cells(tally)} | {_cells(_sum(own.values()))} | {cell} |")
    lines.append(f"| all | {_cells(_sum(singles.values()))} | {_cells(_sum(pairs.values()))} | |")
    return lines


def _harmless_lines(texts: dict[str, Sequence[str]], listed: Sequence[str]) -> list[str]:
    """Report what is found in harmless texts, by the steps that were needed."""
    lines = [
        f"Harmless texts, looked through for the shipped lists and for all {len(listed):,} terms the above are drawn",
        "from: findings by what the engine had to see through. *As listed* is the list's own false alarm.",
        "",
        "| texts | terms | texts with a finding | as listed | through steps |",
        "|---|---|---|---|---|",
    ]
    matchers = {
        "shipped": KeywordMatcher(shipped_terms(), Phase.RESPONSE),
        "all": KeywordMatcher([Term(text, "A.1.f") for text in listed], Phase.RESPONSE),
    }
    for name, rows in texts.items():
        for terms, matcher in matchers.items():
            found = [matcher.scan(text) for text in rows]
            steps = Counter(" + ".join(each.via) for findings in found for each in findings)
            plain = steps.pop("", 0)
            seen = ", ".join(f"{step} {count}" for step, count in steps.most_common()) or "none"
            touched = sum(map(bool, found))
            lines.append(
                f"| {len(rows):,} {name} | {terms} | {touched} ({_share(touched, len(rows))}) | {plain} | {seen} |"
            )
    return lines


def _sum(tallies: Iterable[Tally]) -> Tally:
    columns = list(zip(*tallies, strict=True))
    return Tally(*map(sum, columns)) if columns else Tally()


def _cells(tally: Tally) -> str:
    return f"{tally.texts} | {_share(tally.caught, tally.texts)} | {_share(tally.leaked, tally.texts)}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"


class _Bar:
    """A progress bar on standard error, where that is a terminal.

    Args:
        steps: how many there will be.
    """

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._done = 0
        self._started = time.monotonic()

    def step(self) -> None:
        """Draw one more step as done."""
        self._done += 1
        if not sys.stderr.isatty():
            return
        filled = _BAR_CHARACTERS * self._done // self._steps
        left = (time.monotonic() - self._started) / self._done * (self._steps - self._done)
        bar = "#" * filled + "." * (_BAR_CHARACTERS - filled)
        end = "\n" if self._done == self._steps else ""
        print(f"\r[{bar}] {self._done}/{self._steps}, {left:.0f} s left ", end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
