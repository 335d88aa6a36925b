"""`sluice model disagreements`: what a shadow would have decided otherwise, from the trail's files."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from filters.classifier.scores import Score, Side, Window
from filters.findings import Action, Phase, Stage
from gateway.audit.entry import encode_exchange
from gateway.audit.events import encode_event
from gateway.audit.writer import LogWriter
from gateway.cli.main import app
from gateway.cli.model_disagreements import spread
from gateway.differences import Differences
from gateway.protocol.record import RecordedFinding
from gateway.proxy.classifier_panel import Difference
from tests.gateway.audit.builders import exchange


def run(directory: Path, *arguments: str) -> Result:
    """Run the command."""
    environment = {"COLUMNS": "200", "SLUICE_AUDIT__DIRECTORY": str(directory)}
    return CliRunner().invoke(app, ["model", "disagreements", *arguments], env=environment)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A trail with two differences of a classifier, one of a policy in shadow mode, and others that are none."""
    found = RecordedFinding(Phase.RESPONSE, Stage.CLASSIFIER, "A.1.h", Action.BLOCK, "fraud", 1, 870)
    entries = [
        encode_exchange(exchange(request_id="r1", shadow="block", decision="flag", findings=(found,))),
        encode_exchange(exchange(request_id="r2", findings=())),
        encode_exchange(exchange(request_id="r3", shadow="block", decision="flag", findings=())),
    ]
    told = Differences(lambda event: entries.append(encode_event(event)))
    window = Window("text", Side.INPUT)
    clean, harm = Score(0.2, "abuse", "A.4.a"), Score(0.95, "drugs", "A.1.h")
    told.report(Difference("r4", "trial", shadow_only=True, windows=[(window, clean, harm)]))
    told.report(Difference("r5", "trial", shadow_only=False, windows=[(window, harm, clean)]))
    audit = tmp_path / "audit"
    writer = LogWriter(audit)
    writer.append_batch(entries)
    writer.close()
    return audit


def test_it_counts_by_class_and_names_the_requests(directory: Path) -> None:
    """Both shadows are told apart."""
    shown = run(directory)
    assert shown.exit_code == 0, shown.output
    for text in ("policy default", "trial", "shadow_only", "decided_only", "drugs", "fraud", "r1", "r4", "r5"):
        assert text in shown.output
    assert "r3" not in shown.output
    assert "3 texts of 3 requests differed." in shown.output
    assert "r4" not in run(directory, "--limit", "0").output


def test_programs_get_all_of_it(directory: Path, tmp_path: Path) -> None:
    """As JSON, and as a table for a spreadsheet."""
    file = tmp_path / "found.csv"
    found = json.loads(run(directory, "--json", "--csv", str(file)).output)
    assert found["unreported"] == 0
    by_request = {each["request_id"]: each for each in found["disagreements"]}
    assert by_request["r1"] | {"at_us": 0} == {
        "at_us": 0,
        "request_id": "r1",
        "shadow": "policy default",
        "side": "output",
        "outcome": "shadow_only",
        "category": "fraud",
        "score": 870,
        "other_score": None,
    }
    assert (by_request["r5"]["category"], by_request["r5"]["score"], by_request["r5"]["other_score"]) == (
        "drugs",
        950,
        200,
    )
    with file.open(encoding="utf-8-sig", newline="") as stream:
        assert [row["request_id"] for row in csv.DictReader(stream)] == [
            each["request_id"] for each in found["disagreements"]
        ]


def test_a_time_is_asked_for(directory: Path) -> None:
    """Nothing older is counted."""
    assert "Nothing differed" in run(directory, "--since", "2200-01-01").output
    assert "Nothing differed" in run(directory, "--until", "2001-01-01").output


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A mistyped directory is no trail without differences."""
    shown = run(tmp_path, "--directory", str(tmp_path / "nowhere"))
    assert shown.exit_code == 1
    assert "there is no directory" in shown.output


def test_what_was_left_out_is_said(tmp_path: Path) -> None:
    """The counts are of what was written."""
    entries: list[bytes] = []
    told = Differences(lambda event: entries.append(encode_event(event)), iter([0.0] * 70 + [61.0]).__next__)
    harm = (Window("text", Side.INPUT), Score(0.2), Score(0.95, "drugs", "A.1.h"))
    for _ in range(71):
        told.report(Difference("r", "trial", shadow_only=True, windows=[harm]))
    writer = LogWriter(tmp_path)
    writer.append_batch(entries)
    writer.close()
    assert "10 more differed" in run(tmp_path).output


def test_scores_are_drawn() -> None:
    """Ten steps; one that has any is seen."""
    assert spread([950] * 100 + [10]) == "▁········█"
    assert spread([]) == "·" * 10
