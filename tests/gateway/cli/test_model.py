"""`sluice model`: what the classifier is, and how well it does on a labelled file."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gateway.cli.main import app
from tests.classifiers import EVIL, ODD, write_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model."""
    return write_model(tmp_path_factory.mktemp("model"))


def run(*args: object) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, ["model", *map(str, args)])


def row(text: str, side: str, label: str, category: str) -> dict[str, Any]:
    """Build a labelled row."""
    return {"text": text, "side": side, "label": label, "category": category}


ROWS = [
    row(f"an {EVIL}", "input", "unsafe", "fraud"),
    row(f"some {ODD}", "input", "unsafe", "abuse"),
    row("how to bake bread", "input", "safe", "safe"),
    row("今天天气很好", "output", "safe", "safe"),
]


def test_info_says_what_it_is(folder: Path) -> None:
    """For people with its card, for programs as JSON."""
    shown = run("info", "--path", folder)
    assert shown.exit_code == 0
    assert "For tests." in shown.output
    described = json.loads(run("info", "--path", folder, "--json").output)
    assert (described["name"], described["categories"]) == ("tiny", {"fraud": "A.1.h", "abuse": "A.4.a"})
    assert described["digest"].startswith("sha256:")
    (folder / "CARD.md").rename(folder / "card")
    assert run("info", "--path", folder).exit_code == 0
    (folder / "card").rename(folder / "CARD.md")


def test_evaluate_measures_a_file(folder: Path, tmp_path: Path) -> None:
    """Figures per side, a score for each row, plots; a compressed file as well."""
    file, scores, plots = tmp_path / "rows.jsonl.gz", tmp_path / "scores", tmp_path / "plots"
    file.write_bytes(gzip.compress("\n".join(map(json.dumps, ROWS)).encode()))
    done = run("evaluate", file, "--path", folder, "--json", "--scores", scores, "--plots", plots)
    assert done.exit_code == 0
    found = json.loads(done.output)
    assert found["sides"]["input"]["recall"] == 1.0
    assert found["sides"]["input"]["auroc"] == 1.0
    assert found["sides"]["output"]["false_alarms"] == 0.0
    assert [float(line) > 0.5 for line in scores.read_text().split()] == [True, True, False, False]
    for name in ("thresholds.svg", "confusion.svg"):
        assert (plots / name).read_text().startswith("<svg")
    assert "macro" not in run("evaluate", file, "--path", folder).output


def test_rows_that_are_none_are_named_and_counted(folder: Path, tmp_path: Path) -> None:
    """The others are measured, and the scores stay side by side with the rows; the text is not quoted."""
    file, scores = tmp_path / "rows.jsonl", tmp_path / "scores"
    wrong = ["{", "[]", json.dumps(ROWS[0] | {"side": "left"}), json.dumps(ROWS[2])]
    file.write_text("\n".join(wrong), "utf-8")
    done = run("evaluate", file, "--path", folder, "--json", "--scores", scores)
    assert done.exit_code == 1
    assert "rows.jsonl:3: is no labelled row" in done.output
    assert EVIL not in done.output
    assert scores.read_text().count("\n") == 4


def test_wrong_use(folder: Path, tmp_path: Path) -> None:
    """A file or a model that is not there is status 2, with a sentence."""
    missing = run("evaluate", tmp_path / "none", "--path", folder)
    assert (missing.exit_code, "cannot be read" in missing.output) == (2, True)
    nothing = run("info", "--path", tmp_path)
    assert (nothing.exit_code, "cannot be read" in nothing.output) == (2, True)


def test_without_a_model_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And what to do."""
    monkeypatch.setattr("gateway.classifiers.SHIPPED", tmp_path)
    done = run("info")
    assert (done.exit_code, "--path" in done.output) == (2, True)
