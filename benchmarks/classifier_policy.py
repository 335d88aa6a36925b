"""What the whole gateway stops at its default policy: keywords and classifier together, on whole exchanges.

Run from the root of the repository, with the directory of the public data::

    python -m benchmarks.classifier_policy --data DATA               # some ten minutes
    python -m benchmarks.classifier_policy --data DATA --every 20    # a smoke test

Every text goes through the real core as one exchange by the default policy, the shipped lists and the shipped model:
a prompt is asked, a reply is given to a harmless prompt, whole and as a stream in ``trail``. What counts is the
decision.

Which rows were seen before:

- ``benign``: harmless, of the half that is not trained on; thresholds are set by it, so the share is near what they
  were set to.
- ``dev``: labelled, not trained on, but of the sources of the training rows: easier than what comes from elsewhere.
- ``written``: the tenth of the rows written for this project that is kept back; their styles were trained on.

For sources and styles that were kept aside as a whole, see the card of the model.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks.exchanges import chat, context_of
from benchmarks.report import engine_machine_lines, write_section
from filters.classifier.model import OnnxModel, load_model
from filters.findings import Action, Stage
from filters.lists import list_digest, load_lists, shipped_lists
from filters.ruleset import Ruleset, build_ruleset
from filters.taxonomy import load_taxonomy
from gateway.protocol.policy import Policy
from gateway.protocol.verdicts import VerdictMemory
from models.corpus import divided, is_kept_back, read_public, read_written
from models.evaluation import is_ordinary
from models.rows import Row

_PROMPT = "你好"
_MOST = 1.0
_PERCENT = 100
_SAID_EVERY = 500
_STOPPED = frozenset({Action.BLOCK, Action.MASK, Action.RESTORE})


class Stopped(NamedTuple):
    """How one exchange ended.

    Attributes:
        blocked: True when it was refused or cut.
        stages: the stages whose findings did that.
    """

    blocked: bool
    stages: frozenset[Stage]


class Gateway:
    """The core with everything that decides by default.

    Args:
        model: the classifier.
        ruleset: the lists.
    """

    def __init__(self, model: OnnxModel, ruleset: Ruleset) -> None:
        self._model, self._ruleset = model, ruleset
        # One memory, as a worker has it; the prompt of every reply is known to it after the first.
        self._memory = VerdictMemory(b"bench")

    def judge(self, row: Row, *, streamed: bool = False) -> Stopped:
        """Send one row through."""
        context = context_of(self._model, Policy(), self._ruleset, self._memory)
        prompt, reply = (row.text, "") if row.side == "input" else (_PROMPT, row.text)
        record = chat(context, self._model, prompt, reply, streamed=streamed).exchange.record
        if record is None:
            # Only what is blocked, or answered, has a record; a prompt that passes waits for its reply.
            return Stopped(blocked=False, stages=frozenset())
        stages = frozenset(each.stage for each in record.findings if each.action in _STOPPED)
        return Stopped(record.phase is not None, stages)


def main() -> int:
    """Judge, count, report."""
    given = parse_arguments()
    model = load_model(given.model, load_taxonomy().risks)
    terms = load_lists(shipped_lists(), datetime.now(UTC).date())
    gateway = Gateway(model, build_ruleset(terms, list_digest(terms)))
    _, dev, benign = read_public(given.data)
    dev, benign = dev[:: given.every], divided(benign)[1][:: given.every]
    written = [row for row in read_written() if is_kept_back(row)][:: given.every]
    lines = ["## Whole gateway, default policy", ""]
    lines += [
        f"Model {model.manifest.name} {model.manifest.version}, `{model.manifest.digest}`; {len(terms)} terms.",
        "",
    ]
    lines += harmless_section(gateway, benign, dev, written)
    for name, rows in (("dev", dev), ("written", written)):
        lines += ["", *harm_section(gateway, name, [row for row in rows if row.unsafe])]
    command = f"python -m benchmarks.classifier_policy --data DATA --every {given.every}"
    text = "\n".join([*lines, "", engine_machine_lines(command, ["onnxruntime", "numpy"])])
    sys.stdout.write(text + "\n")
    if given.write:
        write_section(given.write, "classifier-policy", text, writer="classifier_policy")
    return 0


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="directory with classifier/ and benign/")
    parser.add_argument("--model", type=Path, default=Path("models/classifier"), help="folder (default: %(default)s)")
    parser.add_argument("--every", type=int, default=1, help="judge every so many rows alone (default: all)")
    parser.add_argument("--write", type=Path, help="file to put the section in")
    return parser.parse_args()


def harmless_section(
    gateway: Gateway, benign: Sequence[Row], dev: Sequence[Row], written: Sequence[Row]
) -> list[str]:
    """Count what is harmless and blocked."""
    lines = [
        "### Harmless and blocked",
        "",
        "`benign` is the half not trained on, by which thresholds were set; the sources of `dev` were trained on.",
        "`written` is the kept-back tenth of the project's own rows, whose styles were trained on.",
        "",
        "| rows | how | judged | blocked | share | by keywords alone | by the classifier alone | aim |",
        "|---|---|---:|---:|---:|---:|---:|---|",
    ]
    for side, how in (("input", "prompt"), ("output", "whole reply"), ("output", "stream")):
        for name, rows, aim in (("benign", benign, True), ("dev", dev, False), ("written", written, False)):
            chosen = [row for row in rows if row.side == side and not row.unsafe]
            judged = judge_all(gateway, f"{name}, {how}", chosen, streamed=how == "stream")
            lines.append(_harmless_row(name, how, judged, aim=aim))
            ordinary = [each for row, each in zip(chosen, judged, strict=True) if is_ordinary(row, row.side)]
            # Rows that are known to be labelled wrongly say nothing of alarms.
            if name == "benign" and len(ordinary) < len(chosen):
                lines.append(_harmless_row("benign, wrong labels left out", how, ordinary, aim=aim))
    return lines


def judge_all(gateway: Gateway, what: str, rows: Iterable[Row], *, streamed: bool = False) -> list[Stopped]:
    """Send rows through, and say how far it is."""
    judged = []
    for number, row in enumerate(rows):
        if number % _SAID_EVERY == 0:
            sys.stderr.write(f"{time.strftime('%H:%M:%S')} {what}: {number}\n")
        judged.append(gateway.judge(row, streamed=streamed))
    return judged


def _harmless_row(name: str, how: str, judged: Sequence[Stopped], *, aim: bool) -> str:
    blocked = [each for each in judged if each.blocked]
    share = _PERCENT * len(blocked) / max(1, len(judged))
    wanted = f"≤ {_MOST:.1f} %: {'met' if share <= _MOST else 'MISSED'}" if aim else ""
    return (
        f"| {name} | {how} | {len(judged)} | {len(blocked)} | {share:.2f} %"
        f" | {_alone(blocked, Stage.KEYWORDS)} | {_alone(blocked, Stage.CLASSIFIER)} | {wanted} |"
    )


def _alone(stopped: Iterable[Stopped], stage: Stage) -> int:
    return sum(each.stages == {stage} for each in stopped)


def harm_section(gateway: Gateway, name: str, rows: Sequence[Row]) -> list[str]:
    """Count what is harmful and stopped, by class."""
    judged = judge_all(gateway, f"{name}, harm", rows)
    lines = [
        f"### Harm stopped: {name}",
        "",
        "| class | side | judged | stopped | by keywords | by the classifier |",
        "|---|---|---:|---:|---:|---:|",
    ]
    groups: dict[tuple[str, str], list[Stopped]] = {}
    for row, each in zip(rows, judged, strict=True):
        for category in (row.category, "all"):
            groups.setdefault((category, row.side), []).append(each)
    for (category, side), found in sorted(groups.items(), key=lambda group: (group[0][0] == "all", group[0])):
        by = Counter(stage for each in found if each.blocked for stage in each.stages)
        shares = [
            f"{_PERCENT * count / len(found):.1f} %"
            for count in (sum(each.blocked for each in found), by[Stage.KEYWORDS], by[Stage.CLASSIFIER])
        ]
        lines.append(f"| {category} | {side} | {len(found)} | {' | '.join(shares)} |")
    return [*lines, "", "Keywords come first: what they stop is not scored, and counts for them alone."]


if __name__ == "__main__":
    sys.exit(main())
