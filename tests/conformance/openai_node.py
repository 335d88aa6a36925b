"""OpenAI's own library for Node."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.standin.replies import HARM_TERM, LABEL_TEXT
from tests.conformance.registry import (
    CALLS,
    HARMFUL,
    HELLO,
    PICTURE,
    REASONING,
    REFUSED,
    TOOLS,
    Client,
    Feature,
    case,
)
from tests.gateways import BLOCKED, MODEL, Gateway

_SELF = Client.OPENAI_NODE
_HERE = Path(__file__).parent / "node"

Runner = Callable[..., Any]


def runner() -> Runner:
    """Return what does one thing with the library; skip the test where Node or the library is missing."""
    node = shutil.which("node")
    directory = Path(os.environ.get("SLUICE_TEST_NODE_DIRECTORY", _HERE))
    if node is None or not (directory / "node_modules" / "openai").is_dir():
        pytest.skip(f"needs Node and `npm ci` in {_HERE.name}/; .ci/run provides both")

    def run(served: Gateway, do: str, prompt: Any, key: str = "", **members: Any) -> Any:  # noqa: ANN401 any JSON
        key = key or served.headers()["authorization"].removeprefix("Bearer ")
        order = {"do": do, "url": served.url, "key": key, "model": MODEL, "prompt": prompt, "members": members}
        command = [node, str(_HERE / "client.mjs"), str(directory), json.dumps(order)]
        done = subprocess.run(command, check=False, capture_output=True, timeout=60)  # noqa: S603 our own script
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    return run


def _said(choices: list[Any], member: str = "content") -> str:
    return "".join(choice["delta"].get(member) or "" for choice in choices)


def _called(message: Any) -> list[tuple[str, Any]]:  # noqa: ANN401 any JSON
    return [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in message["tool_calls"]]


@case(_SELF, Feature.WHOLE)
def whole(served: Gateway, run: Runner) -> None:
    """An answer with its label."""
    choice = run(served, "chat", HELLO)
    assert choice["message"]["content"].endswith(LABEL_TEXT)
    assert choice["finish_reason"] == "stop"


@case(_SELF, Feature.STREAM)
def stream(served: Gateway, run: Runner) -> None:
    """The same in pieces."""
    assert _said(run(served, "chatStream", HELLO)) == run(served, "chat", HELLO)["message"]["content"]


@case(_SELF, Feature.TOOLS)
def tools(served: Gateway, run: Runner) -> None:
    """Two calls."""
    assert _called(run(served, "chat", TOOLS)["message"]) == CALLS


@case(_SELF, Feature.TOOLS_STREAM)
def tools_stream(served: Gateway, run: Runner) -> None:
    """Put together by the library's own helper."""
    assert _called(run(served, "chatHelper", TOOLS)["message"]) == CALLS


@case(_SELF, Feature.JSON)
def as_json(served: Gateway, run: Runner) -> None:
    """The answer parses."""
    content = run(served, "chat", HELLO, response_format={"type": "json_object"})["message"]["content"]
    assert json.loads(content)["stand_in"] is True


@case(_SELF, Feature.REASONING)
def reasoning(served: Gateway, run: Runner) -> None:
    """A member the library has no name for comes through it."""
    assert _said(run(served, "chatStream", REASONING), "reasoning_content").startswith("先想一想")


@case(_SELF, Feature.PICTURES)
def pictures(served: Gateway, run: Runner) -> None:
    """A picture beside the text is no text."""
    parts = [{"type": "text", "text": HELLO}, {"type": "image_url", "image_url": {"url": PICTURE}}]
    assert run(served, "chat", parts)["message"]["content"].endswith(LABEL_TEXT)


@case(_SELF, Feature.RESPONSES)
def responses(served: Gateway, run: Runner) -> None:
    """Text, and calls of tools."""
    assert run(served, "responses", HELLO)["output_text"].endswith(LABEL_TEXT)
    calls = [item for item in run(served, "responses", TOOLS)["output"] if item["type"] == "function_call"]
    assert [(call["name"], json.loads(call["arguments"])) for call in calls] == CALLS


@case(_SELF, Feature.RESPONSES_STREAM)
def responses_stream(served: Gateway, run: Runner) -> None:
    """The pieces joined are the text the last event says."""
    events = run(served, "responsesStream", HELLO)
    said = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    assert said == events[-1]["response"]["output"][-1]["content"][0]["text"]
    assert said.endswith(LABEL_TEXT)


@case(_SELF, Feature.EMBEDDINGS)
def embeddings(served: Gateway, run: Runner) -> None:
    """The library asks for base64 and decodes it."""
    first, second = run(served, "embeddings", HELLO)
    assert first["embedding"] == second["embedding"]
    assert all(isinstance(number, float | int) for number in first["embedding"])


@case(_SELF, Feature.ERRORS)
def errors(served: Gateway, run: Runner) -> None:
    """Each status raises the library's own error, with the code in it."""
    unknown = run(served, "chat", HELLO, "sk-none")
    assert unknown == {"error": "AuthenticationError", "status": 401, "code": "key_unknown"}
    assert run(served, "chat", "[[error:503]]")["error"] == "InternalServerError"


@case(_SELF, Feature.REFUSED)
def refused(served: Gateway, run: Runner) -> None:
    """Shown like an answer, whole and streamed."""
    choice = run(served, "chat", BLOCKED)
    assert (choice["message"]["content"][:3], choice["finish_reason"]) == (REFUSED, "content_filter")
    assert run(served, "chatStream", BLOCKED)[-1]["finish_reason"] == "content_filter"


@case(_SELF, Feature.CUT)
def cut(served: Gateway, run: Runner) -> None:
    """The end is one the library understands."""
    choices = run(served, "chatStream", HARMFUL)
    assert choices[-1]["finish_reason"] == "content_filter"
    assert HARM_TERM not in _said(choices)
    assert run(served, "responsesStream", HARMFUL)[-1]["type"] == "response.incomplete"
