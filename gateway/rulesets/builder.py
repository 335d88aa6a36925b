"""A process that builds one ruleset and hands it over, so that building never holds up exchanges.

Started for each reload with the settings on its standard input; answers on standard output with one line of JSON,
and behind it the ruleset's bytes. It is our own code on both ends of the pipe, which is why bytes may be unpickled.
"""

import os
import subprocess
import sys
import threading
from datetime import datetime
from typing import NamedTuple

import orjson

from filters.lists import ListError, Problem
from filters.ruleset import dump_ruleset
from gateway.rulesets.building import build_active
from gateway.settings.models import Lists

BUILD_SECONDS = 300.0
"""Longest wait for a ruleset; ten times what a hundred thousand terms take on a busy machine."""
_NICENESS = 10  # exchanges go first where processors are short


class BuildError(Exception):
    """The process failed; nothing is known to be wrong with the lists."""


class Dump(NamedTuple):
    """A ruleset as it is handed over.

    Attributes:
        digest: its digest.
        version: id of the published version; empty for the settings' directories.
        ruleset: bytes of `filters.ruleset.dump_ruleset`.
    """

    digest: str
    version: str
    ruleset: bytes


class Builder:
    """Starts the process and takes what it hands over; one build at a time.

    Args:
        command: what is started.
        build_seconds: longest wait for a ruleset.
    """

    def __init__(
        self,
        command: tuple[str, ...] = (sys.executable, "-m", "gateway.rulesets.builder"),
        build_seconds: float = BUILD_SECONDS,
    ) -> None:
        self._command = command
        self._build_seconds = build_seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def build(self, lists: Lists, now: datetime, version: str = "") -> Dump:
        """Build the ruleset of the active lists; waits for it, so call this in a thread.

        Args:
            lists: the settings.
            now: the time, with its zone.
            version: id of a published version to take in the place of the active one.

        Raises:
            ListError: a list is wrong.
            BuildError: the process failed, or was stopped.
        """
        with self._lock:
            if self._stopped:
                raise BuildError("the gateway is stopping")
            self._process = subprocess.Popen(  # noqa: S603 our own program
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for the gateway, which then ends this
            )
        with self._process as process:
            try:
                answer, _ = process.communicate(_ask(lists, now, version), self._build_seconds)
            except subprocess.TimeoutExpired as exc:
                process.kill()
                raise BuildError(f"no ruleset within {self._build_seconds:.0f} seconds") from exc
        if process.returncode:
            raise BuildError(f"the builder ended with status {process.returncode}")
        return _take(answer)

    def stop(self) -> None:
        """End a build under way; later ones are refused."""
        with self._lock:
            self._stopped = True
            if self._process is not None:
                self._process.kill()


def _ask(lists: Lists, now: datetime, version: str) -> bytes:
    return orjson.dumps({"lists": lists.model_dump(mode="json"), "now": now.isoformat(), "version": version})


def _take(answer: bytes) -> Dump:
    head, _, ruleset = answer.partition(b"\n")
    try:
        fields = orjson.loads(head)
        if "problems" in fields:
            raise ListError([Problem(*each) for each in fields["problems"]])
        return Dump(fields["digest"], fields["version"], ruleset)
    except (orjson.JSONDecodeError, KeyError, TypeError) as exc:
        raise BuildError("the builder's answer cannot be read") from exc


def answer_for(request: bytes) -> bytes:
    """Return what the process answers.

    Args:
        request: the settings and the time, as JSON.
    """
    asked = orjson.loads(request)
    try:
        now, version = datetime.fromisoformat(asked["now"]), asked.get("version", "")
        built = build_active(Lists.model_validate(asked["lists"]), now, version)
    except ListError as error:
        return orjson.dumps({"problems": [list(problem) for problem in error.problems]})
    head = orjson.dumps({"digest": built.ruleset.digest, "version": built.version})
    return head + b"\n" + dump_ruleset(built.ruleset)


if __name__ == "__main__":
    os.nice(_NICENESS)
    sys.stdout.buffer.write(answer_for(sys.stdin.buffer.read()))
