"""Programs and pictures for tests of labels."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ExifTool = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def exiftool() -> ExifTool:
    """What exiftool says of files, all asked at once: a reader no one here wrote."""
    program = shutil.which("exiftool")
    if program is None:
        pytest.skip("the program exiftool is not installed (Debian: libimage-exiftool-perl)")

    def ask(*paths: Path) -> list[dict[str, Any]]:
        command = [program, "-json", "-G1", "-a", "-struct", *map(str, paths)]
        said = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 a program of the system
        answers: list[dict[str, Any]] = json.loads(said.stdout)
        return answers

    return ask
