"""`sluice model`: what the classifier is, and how well it does on a labelled file."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NoReturn

import orjson
import typer
from rich.table import Table

from filters.classifier.manifest import Manifest
from filters.classifier.model import OnnxModel
from gateway.classifiers import SHIPPED, chosen_classifier, open_model
from gateway.cli.context import ConfigOption, console, failures_reported
from gateway.cli.model_disagreements import disagreements
from gateway.cli.model_figures import Judged, Labelled, curves, figures, judge_row, read_row
from gateway.cli.model_plots import confusion_plot, threshold_plot
from gateway.cli.rows import open_source
from gateway.settings.loader import load

app = typer.Typer(help="The classifier: what it is, and how well it does.", no_args_is_help=True)

app.command()(disagreements)

_CARD = "CARD.md"
_SHOWN_WRONG = 20
FolderOption = Annotated[
    Path | None, typer.Option("--path", help="Folder of a model; otherwise the one the settings name.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.command()
def info(path: FolderOption = None, config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """Show the classifier: name, digest, thresholds, what it was trained on, its card."""
    model, folder = _model(path, config)
    described = _describe(model.manifest)
    if as_json:
        typer.echo(orjson.dumps(described).decode())
        return
    table = Table(show_header=False)
    for name in ("name", "version", "created", "digest", "size_bytes"):
        table.add_row(name, str(described[name]))
    for side, bars in described["thresholds"].items():
        table.add_row(f"{side}: harmful from", f"{bars['unsafe']:.4f}, early {bars['early']:.4f}")
    table.add_row("categories", ", ".join(f"{name} ({risk})" for name, risk in described["categories"].items()))
    table.add_row("training", orjson.dumps(described["training"]).decode())
    console().print(table)
    card = folder / _CARD
    if card.is_file():
        typer.echo(card.read_text("utf-8"))


@app.command()
def evaluate(
    file: Annotated[Path, typer.Argument(help='Rows of {"text","side","label","category"}, one a line; gzip too.')],
    path: FolderOption = None,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
    scores: Annotated[Path | None, typer.Option(help="Write the encoder's score of each row to this file.")] = None,
    plots: Annotated[Path | None, typer.Option(help="Write curves and confusion table here, as SVG.")] = None,
) -> None:
    """Measure the classifier on a labelled file; exit 1 when rows could not be read.

    Recall and false alarms are those of serving, cascade and windows included. AUROC, the curves and --scores are of
    the encoder alone.
    """
    model, _ = _model(path, config)
    judged: list[Judged] = []
    wrong = 0
    said = []
    try:
        for number, row in _rows(file):
            if row is None:
                wrong += 1
                if wrong <= _SHOWN_WRONG:
                    typer.echo(f"sluice model evaluate: {file}:{number}: is no labelled row", err=True)
            else:
                judged.append(judge_row(model, row))
            # A line for each row, so that the two files stay side by side.
            said.append("" if row is None else repr(judged[-1].unsafe))
    except OSError as exc:
        _refuse(f"{file}: cannot be read ({exc.strerror})")
    if scores is not None:
        scores.write_text("".join(f"{line}\n" for line in said), "ascii")
    found = {"digest": model.manifest.digest, **figures(judged)}
    if plots is not None:
        plots.mkdir(parents=True, exist_ok=True)
        (plots / "thresholds.svg").write_text(threshold_plot(curves(judged)), "utf-8")
        classes = found["categories"]
        (plots / "confusion.svg").write_text(confusion_plot(classes["names"], classes["confusion"]), "utf-8")
    if as_json:
        typer.echo(orjson.dumps({**found, "unread": wrong}).decode())
    else:
        _show(found)
    raise typer.Exit(1 if wrong else 0)


def _rows(file: Path) -> Iterator[tuple[int, Labelled | None]]:
    with open_source(file) as source:
        for number, line in enumerate(source.lines, 1):
            if line.strip():
                try:
                    value = orjson.loads(line)
                except orjson.JSONDecodeError:
                    value = None
                yield number, read_row(value)


def _show(found: dict[str, Any]) -> None:
    table = Table("side", "harmful", "harmless", "recall", "false alarms", "AUROC", "recall at 1 %")
    for side, row in found["sides"].items():
        cells = (row["recall"], row["false_alarms"], row.get("auroc"), row.get("recall_at_1_percent"))
        shown = ["" if cell is None else f"{cell:.3f}" for cell in cells]
        table.add_row(side, str(row["unsafe_rows"]), str(row["safe_rows"]), *shown)
    console().print(table)
    classes = found["categories"]
    if classes["macro_f1"] is not None:
        by_class = Table("class", "F1")
        for name, score in classes["f1"].items():
            by_class.add_row(name, f"{score:.3f}")
        by_class.add_row("all, by class", f"{classes['macro_f1']:.3f}")
        console().print(by_class)


def _model(path: Path | None, config: Path | None) -> tuple[OnnxModel, Path]:
    with failures_reported():
        own = {"classifiers": [{"name": "given", "path": str(path)}]} if path is not None else None
        loaded = load(config, os.environ, own)
        chosen = chosen_classifier(loaded.settings)
        if chosen is None:
            _refuse("there is no classifier here; name a model's folder with --path")
        return open_model(loaded, chosen), chosen.path or SHIPPED


def _describe(manifest: Manifest) -> dict[str, Any]:
    return {
        "name": manifest.name,
        "version": manifest.version,
        "created": manifest.created,
        "digest": manifest.digest,
        "size_bytes": sum(file.size_bytes for file in manifest.files.values()),
        "files": {use: file.sha256 for use, file in manifest.files.items()},
        "categories": dict(manifest.categories),
        "thresholds": {
            side.value: {
                "unsafe": own.unsafe,
                "early": own.early,
                "categories": dict(own.categories),
                "settled_below": own.settled_below,
            }
            for side, own in manifest.thresholds.items()
        },
        "training": dict(manifest.training),
        "metrics": dict(manifest.metrics),
    }


def _refuse(message: str) -> NoReturn:
    typer.echo(f"sluice model: {message}", err=True)
    raise typer.Exit(2)
