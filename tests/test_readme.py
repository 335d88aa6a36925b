"""What the READMEs show is what happens: their snippets run against a live gateway, in front of the stand-in."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from filters.taxonomy import load_taxonomy
from gateway.settings import load
from gateway.settings.policies import risk_problems
from gateway.settings.serving import serving_problems
from tests.demo_process import Demo, running_demo
from tests.documents import READMES, fenced_blocks, read

_ADDRESS = "http://127.0.0.1:8080"
_ANY = "…"
# A bold word, a prompt in backticks, and the JSON that answers it.
_EXAMPLE = re.compile(r"^\*\*(.+?)\*\* \S+ `(.+?)`(.*?)```json\n(.*?)```", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    """A prompt of a README, and the answer that is shown for it.

    Attributes:
        prompt: what is sent.
        streamed: whether the last frame of a stream is shown.
        answer: what is shown; a subset of the real one.
    """

    prompt: str
    streamed: bool
    answer: dict[str, Any]


def _examples(name: str) -> list[Example]:
    found = _EXAMPLE.findall(read(name))
    return [
        Example(prompt, "streamed" in between or "流式" in between, json.loads(answer))
        for _, prompt, between, answer in found
    ]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The quick start's gateway."""
    with running_demo(tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest.mark.parametrize("name", READMES)
def test_python_snippet_prints_what_is_shown(name: str, demo: Demo) -> None:
    """The `openai` package works with Sluice's address and key, and sees the stop and its outcome."""
    (code,), (shown,) = fenced_blocks(read(name), "python"), fenced_blocks(read(name), "text")
    code = code.replace(_ADDRESS, demo.address).replace('"KEY"', repr(demo.key))
    command, environ = [sys.executable, "-c", code], {**os.environ, "PYTHONUTF8": "1"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environ)  # noqa: S603 the README's code
    assert done.stdout == shown


@pytest.mark.parametrize("name", READMES)
def test_example_is_what_a_client_gets(name: str, demo: Demo) -> None:
    """Each answer shown is part of the answer that comes; nothing in it names the matched term."""
    examples = _examples(name)
    assert len(examples) == 4
    for example in examples:
        answer = _ask(demo, example)
        _assert_within(example.answer, answer)
        assert "出售冰毒" not in json.dumps(answer, ensure_ascii=False)


@pytest.mark.parametrize("name", READMES)
def test_curl_line_is_one_that_the_demonstration_prints(name: str, demo: Demo) -> None:
    """What the README shows can be pasted, once the key is in it."""
    (line,) = [block for block in fenced_blocks(read(name), "sh") if block.startswith("curl")]
    pasted = line.replace(_ADDRESS, demo.address).replace("KEY", demo.key)
    assert shlex.split(pasted) in [shlex.split(each) for each in demo.printed.splitlines() if "curl" in each]


@pytest.mark.parametrize("name", READMES)
def test_settings_example_is_enough_to_serve(name: str, tmp_path: Path) -> None:
    """`sluice config check` finds nothing wrong with it, once the variable it names is set."""
    (text,) = fenced_blocks(read(name), "toml")
    file, environ = tmp_path / "sluice.toml", {"UPSTREAM_API_KEY": "sk-example"}
    file.write_text(text, encoding="utf-8")
    loaded = load(file, environ)
    assert not risk_problems(loaded, load_taxonomy().risks)
    assert not serving_problems(loaded, environ)


def test_both_languages_show_the_same() -> None:
    """The Chinese README has the sections, tables and code of the English one."""
    english, chinese = (_skeleton(read(name)) for name in READMES)
    assert english == chinese


def _skeleton(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if line.startswith(("#", "|", "```"))]
    # A heading by its level, a table row by its first cell where that is code, a block by its language.
    return [re.sub(r"^(#+) .*|^(\| `[^|]*`|\|).*", r"\1\2", line) for line in lines]


def _ask(demo: Demo, example: Example) -> dict[str, Any]:
    body = {
        "model": "sluice-standin",
        "stream": example.streamed,
        "messages": [{"role": "user", "content": example.prompt}],
    }
    headers = {"Authorization": f"Bearer {demo.key}"}
    reply = httpx.post(f"{demo.address}/v1/chat/completions", json=body, headers=headers)
    assert reply.status_code == 200
    if not example.streamed:
        return dict(reply.json())
    *_, last, done, _ = reply.text.split("\n\n")
    assert done == "data: [DONE]"
    return dict(json.loads(last.removeprefix("data: ")))


def _assert_within(shown: object, actual: object) -> None:
    if isinstance(shown, dict) and isinstance(actual, dict):
        assert shown.keys() <= actual.keys()
        for name, value in shown.items():
            _assert_within(value, actual[name])
    elif isinstance(shown, list) and isinstance(actual, list):
        assert len(shown) == len(actual)
        for value, other in zip(shown, actual, strict=True):
            _assert_within(value, other)
    else:
        assert actual if shown == _ANY else shown == actual
