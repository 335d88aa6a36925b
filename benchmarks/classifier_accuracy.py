"""Accuracy and speed of a classifier as it is served: the linear stage first, long texts window by window.

Run from the root of the repository, with the directory of the public data::

    python -m benchmarks.classifier_accuracy --data DATA --write benchmarks/RESULTS.md

Labelled rows are those of ``classifier/dev.jsonl.gz``, whose sources the shipped model was trained on; the card in
``models/classifier`` has the figures on sources that were kept aside. Harmless rows are those of ``benign`` that no
model is trained on.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import engine_machine_lines, write_section
from filters.classifier.model import OnnxModel, load_model
from filters.classifier.scores import Score, Side, Window
from filters.classifier.windows import cut_windows
from filters.taxonomy import load_taxonomy
from models.calibration import auroc, share_at, threshold_at
from models.corpus import divided
from models.evaluation import is_ordinary
from models.rows import Row, read_rows

_QUESTIONS = Path(__file__).parent / "harmless_questions.txt"
_RUNS = 200
_ALARM_SHARE = 0.01
_SENTENCE = "这道菜要先把水烧开，再放盐和面条，煮八分钟以后捞出来。"


def main() -> int:
    """Score, time, report."""
    arguments = parse_arguments()
    model = load_model(arguments.model, load_taxonomy().risks)
    dev = list(read_rows(arguments.data / "classifier" / "dev.jsonl.gz"))[:: arguments.every]
    benign = [
        row for name in ("prompts", "replies") for row in read_rows(arguments.data / "benign" / f"{name}.jsonl.gz")
    ]
    # The half that is trained on says nothing of alarms, nor do texts that are known to be mislabelled.
    benign = [row for row in divided(benign)[1] if is_ordinary(row, row.side)][:: arguments.every]
    questions = [line for line in _QUESTIONS.read_text(encoding="utf-8").splitlines() if line]
    asked = [_worst(model, text, Side.INPUT) for text in questions]
    text = "\n".join(
        [
            "## Classifier",
            "",
            f"Model {model.manifest.name} {model.manifest.version}, `{model.manifest.digest}`.",
            "",
            *_accuracy(model, _scored(model, dev), _scored(model, benign), asked),
            "",
            *_speed(model),
            "",
            engine_machine_lines(
                f"python -m benchmarks.classifier_accuracy --data DATA --every {arguments.every}",
                ["onnxruntime", "sentencepiece", "numpy"],
            ),
        ]
    )
    sys.stdout.write(text + "\n")
    if arguments.write:
        write_section(arguments.write, "classifier", text, writer="classifier_accuracy")
    return 0


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Measure accuracy and speed of a classifier.")
    parser.add_argument("--data", type=Path, required=True, help="directory with classifier/ and benign/")
    parser.add_argument("--model", type=Path, default=Path("models/classifier"), help="folder (default: %(default)s)")
    parser.add_argument("--every", type=int, default=1, help="score every so many rows alone (default: all)")
    parser.add_argument("--write", type=Path, help="file to put the section in")
    return parser.parse_args()


def _scored(model: OnnxModel, rows: Iterable[Row]) -> list[tuple[Row, Score]]:
    return [(row, _worst(model, row.text, Side(row.side))) for row in rows]


def _worst(model: OnnxModel, text: str, side: Side) -> Score:
    scores = model.score([Window(text[span.start : span.end], side) for span in cut_windows(text)])
    # What the linear stage settled is safe, whatever number it has.
    return max(scores, key=lambda score: (not score.settled, score.unsafe))


def _value(score: Score) -> float:
    return score.unsafe - 1.0 if score.settled else score.unsafe


def _alarms(model: OnnxModel, side: Side, scores: Sequence[Score]) -> float:
    bars = model.manifest.thresholds[side]
    reached = [
        not score.settled and score.unsafe >= bars.categories.get(score.category, bars.unsafe) for score in scores
    ]
    return sum(reached) / max(1, len(reached))


def _accuracy(
    model: OnnxModel,
    labelled: Sequence[tuple[Row, Score]],
    benign: Sequence[tuple[Row, Score]],
    questions: Sequence[Score],
) -> list[str]:
    lines = [
        "Harmful rows are held-out ones of known sources, harmless rows those of `benign` that",
        "were not trained on; caught is at the score that 1 % of these reach, the last columns at the thresholds of",
        "the manifest.",
        "",
        "| side | harmful | harmless | AUROC | caught at 1 % | settled early | caught | alarms |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for side in Side:
        harmful = [score for row, score in labelled if row.side == side and row.unsafe]
        harmless = [score for row, score in benign if row.side == side]
        bad, good = _values(harmful), _values(harmless)
        threshold = threshold_at(good, _ALARM_SHARE)
        settled = sum(score.settled for score in harmless) / len(harmless)
        lines.append(
            f"| {side} | {len(bad)} | {len(good)} | {auroc(good, bad):.3f} | {share_at(bad, threshold):.1%} |"
            f" {settled:.1%} | {_alarms(model, side, harmful):.1%} | {_alarms(model, side, harmless):.2%} |"
        )
        if side is Side.INPUT:
            shipped = _alarms(model, side, questions)
            asked = f"{share_at(_values(questions), threshold):.1%} at 1 %, {shipped:.1%} as shipped"
    lines += ["", f"Frightening but harmless questions ({len(questions)}) that alarm: {asked}."]
    return lines


def _values(scores: Sequence[Score]) -> NDArray[np.float64]:
    return np.array([_value(score) for score in scores])


def _speed(model: OnnxModel) -> list[str]:
    lines = ["| what, on one core | median µs | p99 µs |", "|---|---:|---:|"]
    lines += [_timed(f"graph, {pieces} pieces", partial(_run_graph, model, pieces)) for pieces in (64, 128, 256)]
    for characters, side in ((60, Side.INPUT), (400, Side.OUTPUT)):
        text = (_SENTENCE * 20)[:characters]
        windows = [Window(text[span.start : span.end], side) for span in cut_windows(text)]
        first = windows[0]
        lines.append(_timed(f"linear stage, {len(first.text)} characters", partial(model.linear_score, first)))
        lines.append(_timed(f"features and graph, {characters} characters", partial(_encode, model, windows)))
    return lines


def _run_graph(model: OnnxModel, pieces: int) -> None:
    random = np.random.default_rng(1)
    feed = {
        "pieces": random.integers(4, 1000, (1, pieces)),
        "ngrams": random.integers(1, 1000, (1, 2 * pieces)),
        "side": np.zeros(1, np.int64),
    }
    model._session.run(None, feed)  # noqa: SLF001 - the graph alone


def _encode(model: OnnxModel, windows: Sequence[Window]) -> None:
    for window in windows:
        model._encode([(0, window.side, model._features.encode(window.text))])  # noqa: SLF001 - what no linear stage settles


def _timed(name: str, run: Callable[[], object]) -> str:
    times = []
    for _ in range(_RUNS):
        # Processor time: other programs on the machine are not what is measured.
        started = time.process_time_ns()
        run()
        times.append((time.process_time_ns() - started) / 1000)
    return f"| {name} | {statistics.median(times):.0f} | {np.percentile(times, 99):.0f} |"


if __name__ == "__main__":
    sys.exit(main())
