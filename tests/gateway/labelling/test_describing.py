"""What programs are told of a file."""

from pathlib import Path

from gateway.labelling.describing import describe
from gateway.labelling.formats import read_file, write_label
from gateway.labelling.propagation import Knowledge
from gateway.labelling.seal import PLAIN
from tests.gateway.labelling.pictures import MEMBERS, saved


def test_labelled_file_is_described_with_members_and_seal(tmp_path: Path) -> None:
    """Names are those of the standard."""
    source = saved(tmp_path / "a.png")
    assert describe(read_file(source)) == {
        "format": "PNG",
        "verdict": "none",
        "members": None,
        "problems": [],
        "seal": None,
        "manifest": None,
    }
    assert describe(read_file(source), Knowledge(declared=True))["verdict"] == "may_be"
    write_label(source, source, MEMBERS, key=PLAIN)
    found = describe(read_file(source))
    assert found["verdict"] == "is"
    assert found["members"]["ProduceID"] == "content-1"
    assert found["seal"]["state"] == "holds"
