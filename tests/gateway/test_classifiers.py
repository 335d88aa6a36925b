"""Classifiers of the settings, and whole gateways that have one: in order, killed, hung, slow, talking nonsense."""

import math
import threading
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from filters.classifier.model import load_model
from filters.classifier.scores import Score, ScorerError, Window
from filters.taxonomy import load_taxonomy
from gateway.audit.event_forms import EventName
from gateway.classifiers import SHIPPED, SHIPPED_NAME, chosen_classifier, open_classifier
from gateway.cli.model_disagreements import read_disagreements
from gateway.proxy.breaker import Breaker
from gateway.proxy.classifier_panel import ClassifierPanel, Member
from gateway.proxy.classifier_pool import ClassifierPool
from gateway.settings import SettingsError
from gateway.settings.loader import load
from gateway.standin.server import serving
from tests.classifiers import EVIL, ODD, write_model
from tests.gateway.protocol.scoring import CLASSIFICATION
from tests.gateway.proxy.test_remote_classifier import GuardServer
from tests.gateways import (
    STREAM_END,
    STREAM_HEAD,
    Gateway,
    chat,
    delta,
    events_under,
    eventually,
    frames_of,
    gateway,
    reply,
    said_in,
    scripted,
    stream_of,
    whole_answer,
)
from tests.raw_server import Do, Script


def test_the_settings_choose(tmp_path: Path) -> None:
    """A table of one's own, else the one that comes along, where it is there."""
    own = load(None, {}, {"classifiers": [{"name": "own", "path": str(tmp_path)}]}).settings
    chosen = chosen_classifier(own)
    assert chosen is not None
    assert chosen.name == "own"
    shipped = chosen_classifier(load(None, {}, {}).settings)
    assert shipped is None or shipped.name == SHIPPED_NAME


def test_a_wheel_has_the_model_where_it_is_looked_for() -> None:
    """Beside the packages, as in the tree."""
    root = SHIPPED.parent.parent
    built = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    place = SHIPPED.relative_to(root).as_posix()
    assert built["force-include"][place] == place
    assert {"filters", "gateway"} <= set(built["packages"])


def test_a_model_that_is_wrong_is_a_problem_of_the_settings(tmp_path: Path) -> None:
    """It names the key, and says what to do."""
    with pytest.raises(SettingsError) as caught:
        open_classifier(load(None, {}, {"classifiers": [{"name": "own", "path": str(tmp_path)}]}))
    (problem,) = caught.value.problems
    assert problem.key == "classifiers.0.path"
    assert "cannot be read" in problem.wrong
    assert problem.remedy == "Name the folder of a model."


def test_where_no_policy_wants_it_nothing_is_loaded(tmp_path: Path) -> None:
    """Not even a folder that is wrong is looked at."""
    off = {"request": {"classifier": "off"}, "response": {"classifier": "off"}}
    tree = {"classifiers": [{"name": "own", "path": str(tmp_path)}], "policies": {"default": off}}
    assert open_classifier(load(None, {}, tree)) is None


@pytest.fixture(scope="module")
def served(standin_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with the tiny model, in front of the stand-in."""
    folder = tmp_path_factory.mktemp("classified")
    model = write_model(folder / "model")
    with gateway(folder, standin_url, {"classifiers": [{"name": "tiny", "path": str(model)}]}) as running:
        yield running


def test_a_prompt_is_judged_by_the_model(served: Gateway) -> None:
    """What no keyword knows is refused; the record names the classifier and the score; metrics count both stages."""
    refused = served.post(chat(f"my {EVIL} for today"))
    assert refused.json()["choices"][0]["finish_reason"] == "content_filter"
    record = served.record(refused.headers["x-request-id"])
    assert [(each.stage, each.risk, each.score) for each in record.findings] == [("classifier", "A.1.h", 990)]
    assert served.post(chat("how to bake bread")).headers["x-sluice-decision"] == "allow"
    for stage in ("linear", "encoder"):
        assert served.metric("sluice_classifier_windows_total", classifier="tiny", settled_by=stage) > 0
    assert served.metric("sluice_classifier_seconds_count", classifier="tiny") > 0
    assert served.metric("sluice_classifier_scores_count", classifier="tiny") > 0
    assert served.metric("sluice_scan_batch_size_count") > 0


def test_the_model_that_judged_is_named(served: Gateway, tmp_path: Path) -> None:
    """By the record, in short; by an event and a metric, with name, version and digest."""
    digest = load_model(write_model(tmp_path / "same"), load_taxonomy().risks).manifest.digest
    record = served.record(served.post(chat("how to bake bread")).headers["x-request-id"])
    assert record.classifier == digest.removeprefix("sha256:")[:24]
    (event,) = [
        each
        for each in events_under(served.services.loaded.settings.audit.directory)
        if each.name is EventName.CLASSIFIERS_LOADED
    ]
    assert (event.subject, event.details["short"]) == (digest, record.classifier)
    assert event.details["classifiers"] == f"tiny tiny 1 {digest}"
    labels = {"classifier": "tiny", "model": "tiny", "version": "1", "digest": digest, "shadow": "no"}
    assert served.metric("sluice_classifier_info", **labels) == 1


def test_where_one_in_shadow_says_otherwise_is_in_the_trail(tmp_path: Path, standin_url: str) -> None:
    """It is asked beside the one that decides, which goes by its own score alone."""
    guard = GuardServer()
    with serving(guard) as url:
        shade: dict[str, Any] = {
            "name": "shade",
            "kind": "openai_guard",
            "template": "llama_guard",
            "base_url": f"{url}/v1",
        }
        shade |= {"model": "Guard-1", "shadow": True}
        tables = [{"name": "tiny", "path": str(write_model(tmp_path / "model"))}, shade]
        with gateway(tmp_path, standin_url, {"classifiers": tables}) as running:
            answer = running.post(chat(f"some {ODD}"))
            assert answer.headers["x-sluice-decision"] == "block"
            running.post(chat("bake bread"))
            eventually(lambda: "shade" in str(read_disagreements(tmp_path / "audit")))
            labels = {"classifier": "shade", "shadow": "yes", "model": "Guard-1", "version": "", "digest": ""}
            assert running.metric("sluice_classifier_info", **labels) == 1
    (found,) = read_disagreements(tmp_path / "audit").found
    assert (found.request_id, found.shadow) == (answer.headers["x-request-id"], "shade")
    assert (found.side, found.outcome) == ("input", "decided_only")


def test_streams_are_judged_on_their_way(tmp_path: Path) -> None:
    """The model server goes on and on; the stream is cut, and its connection closed."""
    text = "Bread is a fine thing to bake. " * 3 + f"Here is my {EVIL} for you. " + "And so on it goes. " * 20
    frames = [delta(text[at : at + 10]) for at in range(0, len(text), 10)]
    script: Script = (Do.READ_REQUEST, STREAM_HEAD + b"".join(frames), Do.AWAIT_CLOSE)
    with _in_front_of(tmp_path, script) as running:
        shown = said_in(frames_of(stream_of(running, "hello")))
    assert "Bread is a fine thing" in shown
    assert len(shown.partition("[")[0]) <= text.index(EVIL) + 120


@contextmanager
def _served_by(folder: Path, script: Script, tree: Mapping[str, Any]) -> Iterator[Gateway]:
    with scripted(script) as upstream:
        own = {"name": "test", "base_url": f"{upstream.url}/v1", "idle_seconds": 0.6}
        with gateway(folder, upstream.url, {"upstreams": [own], **tree}) as running:
            yield running


@contextmanager
def _in_front_of(folder: Path, script: Script, mode: str = "trail") -> Iterator[Gateway]:
    model = write_model(folder / "model")
    tree = {"classifiers": [{"name": "tiny", "path": str(model)}], "policies": {"default": {"stream": mode}}}
    with _served_by(folder, script, tree) as running:
        yield running


def test_a_held_sentence_leaves_though_the_model_is_silent(tmp_path: Path) -> None:
    """Its score is in: it does not wait for the next frame, which never comes."""
    script: Script = (Do.READ_REQUEST, STREAM_HEAD + delta("A whole fine sentence! And more"), Do.AWAIT_CLOSE)
    with _in_front_of(tmp_path, script, "hold") as running:
        raw = stream_of(running, "hello")
    assert "A whole fine sentence!" in raw.decode()
    assert "And more" not in raw.decode()


def test_an_end_settles_by_the_whole(tmp_path: Path) -> None:
    """What no passage alone shows is found at the end, and what was shown is to be retracted."""
    frames = delta(f"An {ODD} it is. Really") + delta("", finish="stop")
    script: Script = (Do.READ_REQUEST, STREAM_HEAD + frames + STREAM_END)
    with _in_front_of(tmp_path, script) as running:
        last = frames_of(stream_of(running, "hello"))[-1]
    assert last["sluice"]["retract"] is True
    assert last["choices"][0]["finish_reason"] == "content_filter"


class Faulty:
    """A scorer with a fault that can be mended."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.mended = threading.Event()

    def score(self, windows: Sequence[Window]) -> list[Score]:
        """Fail as told, until it is mended."""
        if not self.mended.is_set():
            if self.fault == "killed":
                raise ScorerError("gone")
            if self.fault == "nonsense":
                return [Score(math.nan)] * len(windows)
            # Hung is hung until it is mended; slow takes longer than the budget, every time.
            self.mended.wait(30 if self.fault == "hung" else 0.3)
        return [Score(0.01)] * len(windows)


@pytest.mark.parametrize("mode", ["closed", "open"])
@pytest.mark.parametrize("fault", ["killed", "hung", "slow", "nonsense"])
def test_closed_means_closed_and_it_comes_back(tmp_path: Path, standin_url: str, fault: str, mode: str) -> None:
    """503 or the end of a stream, or counted as unscanned; mended, everything is served again without a restart."""
    scorer = Faulty(fault)
    half = {"classifier": "block", "fail_mode": {"classifier": mode}}
    policy = {"default": {"request": half, "response": half}}
    with gateway(tmp_path, standin_url, {"policies": policy}) as running:
        breaker = Breaker(failures=3, rest_seconds=0.05)
        pool = ClassifierPool("faulty", scorer, budget_seconds=0.1, breaker=breaker, hangs_after_seconds=0.2)
        running.do(lambda: setattr(running.services, "classifier", ClassifierPanel([Member(pool, CLASSIFICATION)])))
        answer = running.post(chat("hello"))
        if mode == "closed":
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "scan_failed")
        else:
            assert answer.headers["x-sluice-decision"] == "unscanned"
            counted = running.record(answer.headers["x-request-id"]).unscanned[0]
            assert running.metric("sluice_unscanned_total", phase="request", reason=counted.reason) > 0
        scorer.mended.set()
        deadline = time.monotonic() + 20
        while running.post(chat("hello")).headers["x-sluice-decision"] != "allow":
            assert time.monotonic() < deadline
        pool.close()


@pytest.mark.parametrize(
    ("mode", "trail", "shown"), [("trail", 60, 60), ("trail", 0, 0), ("hold", 60, 0), ("full", 60, 0)]
)
def test_a_stream_is_cut_when_the_classifier_dies_in_its_middle(
    tmp_path: Path, mode: str, trail: int, shown: int
) -> None:
    """What may be ahead of it is all that is shown, and the end is an error of the format."""
    text = "甲" * 400
    frames = [delta(text[at : at + 10]) for at in range(0, len(text), 10)]
    script: Script = (Do.READ_REQUEST, STREAM_HEAD + b"".join(frames), Do.AWAIT_CLOSE)
    halves = {"request": {"classifier": "off"}, "response": {"classifier": "block"}}
    policy = {"default": {**halves, "stream": mode, "trail_characters": trail}}
    with _served_by(tmp_path, script, {"policies": policy}) as running:
        pool = ClassifierPool("dead", Faulty("hung"), budget_seconds=0.1)
        running.do(lambda: setattr(running.services, "classifier", ClassifierPanel([Member(pool, CLASSIFICATION)])))
        raw = stream_of(running, "hello")
        pool.close()
    assert raw.decode().count("甲") == shown
    assert b"scan_failed" in raw


def test_a_whole_reply_is_scored_before_it_leaves(tmp_path: Path) -> None:
    """Nothing of a harmful one is delivered."""
    with _in_front_of(tmp_path, (Do.READ_REQUEST, reply(whole_answer(f"my {EVIL}")))) as running:
        answer = running.post(chat("hello"))
    assert EVIL not in answer.text
    assert answer.json()["sluice"]["phase"] == "response"


def test_a_guard_and_a_model_judge_together(tmp_path: Path, standin_url: str) -> None:
    """Either suffices; a guard that fails is done without where it is open, and closes where it is not."""
    guard = GuardServer()
    with serving(guard) as url:
        tables = [
            {"name": "tiny", "path": str(write_model(tmp_path / "model"))},
            {"name": "guard", "kind": "openai_guard", "template": "llama_guard", "base_url": f"{url}/v1"},
        ]
        with gateway(tmp_path, standin_url, {"classifiers": tables}) as running:
            for prompt, decision in ((f"my {EVIL}", "block"), ("an evil thing", "block"), ("bake bread", "allow")):
                assert running.post(chat(prompt)).headers["x-sluice-decision"] == decision
            guard.mode = "error"
            assert running.post(chat("bake cake")).status_code == 503
        tables[1] |= {"fail_mode": "open"}
        other = tmp_path / "open"
        other.mkdir()
        with gateway(other, standin_url, {"classifiers": tables}) as running:
            assert running.post(chat("bake cake")).headers["x-sluice-decision"] == "allow"
            assert running.metric("sluice_classifier_failures_total", classifier="guard", reason="failed") > 0


def test_a_guard_without_its_key_stops_the_start() -> None:
    """The variable is named, and its value is not."""
    table = {"name": "g", "kind": "moderation", "base_url": "http://127.0.0.1:1/v1", "api_key_env": "GUARD_KEY"}
    with pytest.raises(SettingsError) as caught:
        open_classifier(load(None, {}, {"classifiers": [table]}), {})
    assert caught.value.problems[0].key == "classifiers.0.api_key_env"
    with pytest.raises(SettingsError, match="has none that decides"):
        open_classifier(load(None, {}, {"classifiers": [table | {"shadow": True}]}), {})
