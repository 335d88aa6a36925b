"""What a running gateway leaves behind of prompts and replies: nothing in clear, all of it to those who may read it."""

import base64
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from gateway.audit.content.entry import ContentEntry
from gateway.audit.content.secrets import default_file
from gateway.audit.event_forms import EventName
from gateway.cli.main import app
from tests.gateways import BLOCKED, Gateway, chat, entries_under, eventually, gateway
from tests.servers import standin

_USER = "zhang.wei@example.org-4711"
_EXCHANGES = 60


@pytest.fixture(scope="module", params=["flagged", "all"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, str]]:
    """A gateway that answered known prompts of a known person, and what it keeps."""
    folder = tmp_path_factory.mktemp("served")
    with standin() as model, gateway(folder, model, {"audit": {"content": request.param}}) as running:
        for number in range(_EXCHANGES):
            prompt = f"known-prompt-{number} {BLOCKED if number % 5 == 0 else 'harmless'}"
            body = chat(prompt, user=_USER, stream=number % 2 == 0)
            assert running.post(body).status_code == 200
        kept = _EXCHANGES if request.param == "all" else _EXCHANGES // 5
        eventually(lambda: len(_contents(running)) >= kept)
        yield running, request.param


def _contents(running: Gateway) -> list[ContentEntry]:
    return [each for each in entries_under(running.audit_directory) if isinstance(each, ContentEntry)]
