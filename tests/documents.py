"""The project's documents, for tests that read them."""

import re
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "README.zh.md")

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@cache
def tracked_files() -> tuple[Path, ...]:
    """Return every file that is under version control, from the root."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)  # noqa: S607 git of the machine
    return tuple(Path(name) for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file())


def read(name: str | Path) -> str:
    """Return the text of a document, by its path from the root."""
    return (ROOT / name).read_text(encoding="utf-8")


def documents() -> tuple[str, ...]:
    """Return the paths of all Markdown documents from the root."""
    return tuple(sorted(str(file) for file in tracked_files() if file.suffix == ".md"))


def fenced_blocks(text: str, language: str) -> list[str]:
    """Return the contents of the fenced blocks of one language, in their order."""
    return [body for found, body in _BLOCK.findall(text) if found == language]
