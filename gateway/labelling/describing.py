"""What was read of a file, as JSON has it on the command line and in the data plane."""

from typing import Any

from gateway.labelling.formats import FileReading


def describe(found: FileReading) -> dict[str, Any]:
    """Return what was read, in plain JSON values.

    Args:
        found: what is to be said of a file.
    """
    members = found.reading.members
    return {
        "format": found.format,
        "verdict": found.reading.verdict.value,
        "members": None if members is None else members.named(),
        "problems": list(found.reading.problems),
        "seal": None if found.seal is None else {"state": found.seal.state.value, "message": found.seal.message},
    }
