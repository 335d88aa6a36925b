"""The process that builds: what it hands over, and how it fails."""

import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from filters.lists import ListError, Problem
from filters.ruleset import load_ruleset
from gateway.rulesets.builder import Builder, BuildError, answer_for
from gateway.rulesets.building import build_active
from gateway.settings.models import Lists
from tests.gateways import eventually
from tests.lists import write_list

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _lists(folder: Path, *terms: str) -> Lists:
    write_list(folder / "own", *terms)
    return Lists(directories=(folder / "own",), versions=folder / "versions", shipped=False)


def _script(text: str) -> Builder:
    return Builder((sys.executable, "-c", text))


def test_a_ruleset_comes_over_as_it_was_built(tmp_path: Path) -> None:
    """The process reads the same lists by the same settings and day."""
    lists = _lists(tmp_path, "出售某物")
    dump = Builder().build(lists, NOW)
    built = build_active(lists, NOW)
    assert (dump.digest, dump.version) == (built.ruleset.digest, built.version)
    ruleset = load_ruleset(dump.ruleset, lambda: None)
    assert ruleset.digest == dump.digest
    assert [finding.term.text for finding in ruleset.request.scan("有人出售某物")] == ["出售某物"]


def test_wrong_lists_are_told_as_here(tmp_path: Path) -> None:
    """All problems come over, with file and line."""
    with pytest.raises(ListError) as caught:
        Builder().build(_lists(tmp_path, "毒", "品"), NOW)
    assert [(problem.file, problem.line) for problem in caught.value.problems] == [("A.1.h.csv", 2), ("A.1.h.csv", 3)]


def test_answer_names_problems_as_values(tmp_path: Path) -> None:
    """The line of JSON holds a problem's three fields."""
    lists = _lists(tmp_path, "毒")
    asked = orjson.dumps({"lists": lists.model_dump(mode="json"), "now": NOW.isoformat()})
    ((file, line, _),) = orjson.loads(answer_for(asked))["problems"]
    assert Problem(file, line, "").file == "A.1.h.csv"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("raise SystemExit(3)", "ended with status 3"),
        ("print('nonsense')", "answer cannot be read"),
        ("print('{}')", "answer cannot be read"),
        ("print('[1]')", "answer cannot be read"),
        ("pass", "answer cannot be read"),
    ],
)
def test_a_process_that_fails_is_no_verdict_on_the_lists(tmp_path: Path, script: str, reason: str) -> None:
    """It may be tried again."""
    with pytest.raises(BuildError, match=reason):
        _script(script).build(_lists(tmp_path, "出售某物"), NOW)


def test_a_build_takes_no_longer_than_its_bound(tmp_path: Path) -> None:
    """A process that hangs is ended."""
    builder = Builder((sys.executable, "-c", "import time; time.sleep(600)"), build_seconds=0.01)
    with pytest.raises(BuildError, match="no ruleset within"):
        builder.build(_lists(tmp_path, "出售某物"), NOW)


def test_a_stop_ends_a_build_and_refuses_later_ones(tmp_path: Path) -> None:
    """The end of a gateway does not wait for a ruleset nobody will use."""
    mark = tmp_path / "begun"
    builder = _script(f"import pathlib, time; pathlib.Path({str(mark)!r}).touch(); time.sleep(600)")
    failures: list[BuildError] = []

    def build() -> None:
        with pytest.raises(BuildError) as caught:
            builder.build(_lists(tmp_path, "出售某物"), NOW)
        failures.append(caught.value)

    thread = threading.Thread(target=build)
    thread.start()
    eventually(mark.exists)
    builder.stop()
    thread.join()
    build()
    assert [str(failure) for failure in failures] == [
        "the builder ended with status -9",
        "the gateway is stopping",
    ]


def test_a_stop_before_any_build_is_none(tmp_path: Path) -> None:
    """Nothing runs, so nothing is ended."""
    builder = Builder()
    builder.stop()
    with pytest.raises(BuildError, match="stopping"):
        builder.build(_lists(tmp_path, "出售某物"), NOW)
