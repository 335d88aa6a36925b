"""What was read of a file, as JSON has it on the command line and in the data plane."""

from typing import Any

from gateway.labelling.formats import FileReading
from gateway.labelling.propagation import NOTHING_KNOWN, Knowledge, verdict_with


def describe(found: FileReading, knowledge: Knowledge = NOTHING_KNOWN) -> dict[str, Any]:
    """Return what was read, in plain JSON values.

    Args:
        found: what is to be said of a file.
        knowledge: what is known of it besides.
    """
    members = found.reading.members
    return {
        "format": found.format,
        "verdict": verdict_with(found.reading, knowledge).value,
        "members": None if members is None else members.named(),
        "problems": list(found.reading.problems),
        "seal": None if found.seal is None else {"state": found.seal.state.value, "message": found.seal.message},
        "manifest": None if found.manifest is None else found.manifest._asdict(),
    }
