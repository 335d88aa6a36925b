"""Files of terms written for this project: one term a line, with choices in braces.

A line ``@ A.1.h zh literal high block`` says what the lines below it are: risk, language, kind, severity, action, and
after these ``phase=response`` or ``folds_off=pinyin,initials`` where they differ from the default, or ``source=`` and
``licence=`` for words picked from somebody's list. ``{出售|收购}{枪支|弹药}`` stands for its four phrases
(`expand`); ``#`` begins a line for people.
"""

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from filters.findings import Kind
from filters.list_rows import COLUMNS

_CHOICE = re.compile(r"\{([^{}]*)\}")
# From here on a line stands for a spread of its phrases.
_FEW = 9
_TURNS = 2
# What begins so asks for something. A reply that says it repeats the question, and mostly to refuse.
_ASKING = re.compile(
    r"(how |where |what |best way|easiest way|painless ways|teach |help me|i want|let's |plan to|write |"
    r"draft |compose |give me |generate |describe |roleplay |send me |create |make |build |design |develop |"
    r"code |tell |show me |print |instructions |tutorial |guide |manual |list materials|list of |steal |hack |"
    r"use |spread |manufacture |synthesize |distribute |produce |promotes? |groom |seduce |lure |smuggle |"
    r"launch |perform |hide |convince |persuade |encourage |spy |track |read |post |find |set up |fabricate |"
    r"launder |poison |ad |coded |hire |"
    r"怎么|如何|怎样|教我|帮我|给我|写|编(?!造)|推荐|哪里|告诉我|想要|给老|用家里|搭建一个|有没有|生成|扮演|跟我来|发我|把|"
    r"écris |invente |cómo |comment |wie |como |come |как |كيف|چگونه|cách |cara |paano |วิธี)"
)
_FIXED = ("risk", "languages", "kind", "severity", "action")
_DEFAULTS = {"source": "project", "licence": "project"}


def read_terms(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a file of terms, in its order.

    Args:
        path: the file.

    Raises:
        ValueError: a term stands before the first ``@`` line, or one of these is wrong.
    """
    header: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.strip()
        if text.startswith("@ "):
            header = _header(text[2:], f"{path.name}:{number}")
        elif text and not text.startswith("#"):
            if not header:
                raise ValueError(f"{path.name}:{number}: a term before the first line with @")
            # A combination may stand among the phrases it belongs to.
            kind = Kind.ALL.value if " & " in text else header["kind"]
            for term in expand(text):
                phase = "request" if _ASKING.match(term) else "both"
                values = {"phase": phase, **_DEFAULTS, **header, "kind": kind, "term": term}
                yield {**dict.fromkeys(COLUMNS, ""), **values}


def expand(line: str) -> Iterator[str]:
    """Yield the phrases that a line with choices stands for.

    All of them while they are few. Of many it is a spread in which every choice stands at least twice: the rest would
    be the same words in every order, which nobody can read and which finds little more.
    """
    pieces = _CHOICE.split(line)
    # What the expression captured, every second piece, are the choices.
    options = [piece.split("|") if index % 2 else [piece] for index, piece in enumerate(pieces)]
    for chosen in _spread(options):
        yield " ".join("".join(chosen).split())


def _spread(options: Sequence[Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """Yield every combination while there are few, and otherwise some, by a step of its own for each place."""
    if math.prod(map(len, options)) <= _FEW:
        yield from itertools.product(*options)
        return
    longest, met = max(map(len, options)), set[tuple[str, ...]]()
    for turn in range(_TURNS):
        for step in range(longest):
            chosen = tuple(
                each[(step + turn * place + step // len(each)) % len(each)] for place, each in enumerate(options)
            )
            if chosen not in met:
                met.add(chosen)
                yield chosen


def _header(text: str, where: str) -> dict[str, str]:
    words = text.split()
    fixed, named = words[: len(_FIXED)], words[len(_FIXED) :]
    if len(fixed) < len(_FIXED) or not all("=" in word for word in named):
        raise ValueError(f"{where}: write @ {' '.join(_FIXED)}, then name=value")
    values = dict(zip(_FIXED, fixed, strict=True))
    values["languages"] = values["languages"].replace("+", " ")
    values.update((name, value.replace(",", " ")) for name, _, value in (word.partition("=") for word in named))
    return values
