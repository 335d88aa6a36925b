"""Tests of `gateway.standin.smollm2`."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from gateway.sockets import open_socket
from gateway.standin.smollm2 import (
    BATCH_TOKENS,
    MODEL_PACKAGE,
    ModelMissingError,
    batch_tokens,
    locate_model,
    require_server,
    server_command,
)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of an importable package that fails when imported."""
    folder = tmp_path / "carrier_of_a_model"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise ImportError('must not be imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def test_model_is_found_without_importing_its_package(package: Path) -> None:
    """The GGUF file inside the package is found though the package itself cannot be imported."""
    (package / "model.Q4_1.gguf").touch()
    assert locate_model(package.name) == package / "model.Q4_1.gguf"


def test_package_without_a_model_is_reported(package: Path) -> None:
    """A package that holds no model file is an error that says what to install."""
    with pytest.raises(ModelMissingError, match=r"'carrier_of_a_model'.*pip install"):
        locate_model(package.name)


def test_missing_package_is_reported() -> None:
    """A package that is not installed is an error that says what to install."""
    with pytest.raises(ModelMissingError, match=r"sluice-gateway\[real\]"):
        locate_model("there_is_no_such_package")


def test_missing_server_is_reported() -> None:
    """The error names the missing packages and only these."""
    with pytest.raises(ModelMissingError, match=r"missing: there_is_no_such_package\. "):
        require_server(("sys", "there_is_no_such_package"))


def test_present_server_is_accepted() -> None:
    """With every package there is nothing to report."""
    require_server(("sys", "orjson"))


def test_server_is_started_by_this_interpreter() -> None:
    """The command serves the file under a plain name at the address asked for, with a bounded context."""
    command = server_command(Path("some") / "model.gguf", "127.0.0.1", 8081, batch=7)
    assert command[:3] == [sys.executable, "-m", "llama_cpp.server"]
    options = dict(zip(command[3::2], command[4::2], strict=True))
    assert options.pop("--model") == str(Path("some") / "model.gguf")
    assert (options["--host"], options["--port"], options["--n_ctx"]) == ("127.0.0.1", "8081", "2048")
    assert (options["--model_alias"], options["--n_batch"]) == ("smollm2", "7")


@pytest.mark.parametrize(
    ("features", "tokens"),
    [(b"CPU : AVX2 = 1 | AMX_INT8 = 1 | ", 1), (b"CPU : AVX2 = 1 | ", BATCH_TOKENS), (b"", BATCH_TOKENS)],
)
def test_prompts_are_read_token_by_token_on_amx(features: bytes, tokens: int) -> None:
    """Where the build uses AMX kernels, which crash on batches, there are none."""
    assert batch_tokens(features) == tokens


@pytest.mark.real_model
@pytest.mark.skipif(find_spec(MODEL_PACKAGE) is None, reason="the extra `real` is not installed")
def test_real_model_streams_an_answer() -> None:
    """The command turns into the model server, which answers with frames and a terminator."""
    with open_socket("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    start = f"from gateway.standin.smollm2 import start; start('127.0.0.1', {port})"
    asked = {"messages": [{"role": "user", "content": "What is a sluice?"}], "stream": True, "max_tokens": 8}
    with subprocess.Popen([sys.executable, "-c", start], stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        try:
            assert any("Uvicorn running" in line for line in process.stderr or ())
            reply = httpx.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=asked, timeout=60).text
        finally:
            process.terminate()
    assert reply.count('"content": ') >= 2
    assert reply.endswith("data: [DONE]\n\n")
