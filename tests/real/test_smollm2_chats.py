"""Through the gateway a reader sees what the model said, and its label; nothing else."""

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from gateway.sockets import open_socket
from tests.gateways import eventually, gateway
from tests.relay import relayed

pytestmark = pytest.mark.real_model

PROMPTS = (
    "What is a sluice?", "Name three rivers.", "Write one line about rain.", "How do locks on canals work?",
    "Say hello.", "What is 2 + 3?", "Give me a recipe for tea.", "Why is the sky blue?", "Tell a short joke.",
    "What is Python?", "Name a colour.", "Translate 'water' into French.", "Who wrote Hamlet?", "What is a dam?",
    "List two fruits.", "Describe a bridge.", "What do fish eat?", "请说你好。", "水闸是什么？", "Once upon a",
)  # fmt: skip
TOKENS = 24
LABEL = re.compile(r"\n\n[（(]内容由AI生成[^\n]*$")


@pytest.fixture(scope="module")
def model_port() -> Iterator[int]:
    """The small real model, listening."""
    with open_socket("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gateway.cli", "standin", "--model", "smollm2", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # noqa: S603 ours
        try:
            eventually(lambda: _listens(port))
            yield port
        finally:
            process.kill()


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def _said(sent: bytes) -> str:
    """Return what the deltas in a chunked reply say together."""
    texts = []
    for line in sent.split(b"\r\n"):
        for data in re.findall(rb"^data: (\{.*)$", line, re.MULTILINE):
            delta = orjson.loads(data)["choices"][0]["delta"]
            texts.append(delta.get("content") or "")
    return "".join(texts)


@pytest.mark.timeout(900)
def test_twenty_streamed_chats_say_what_the_model_said(model_port: int, tmp_path: Path) -> None:
    """Joined, the deltas a client gets are the deltas the model server sent, plus the label."""
    with relayed(model_port) as relay, gateway(tmp_path, f"http://127.0.0.1:{relay.port}") as served:
        client = served.openai()
        for prompt in PROMPTS:
            before = len(relay.sent)
            stream = client.chat.completions.create(
                model="smollm2", stream=True, max_tokens=TOKENS, messages=[{"role": "user", "content": prompt}]
            )
            seen = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
            said = _said(bytes(relay.sent[before:]))
            assert LABEL.search(seen), prompt
            assert LABEL.sub("", seen) == said
            assert said.strip()
