"""The head that tells a format is long enough for all of them."""

from pathlib import Path

import pytest

from gateway.labelling.container import HEAD_BYTES
from gateway.labelling.formats import FORMATS
from tests.gateway.labelling.pictures import PICTURES


@pytest.mark.parametrize("name", PICTURES)
def test_one_format_knows_a_picture_by_its_head(tmp_path: Path, name: str) -> None:
    """And it is the one its name says."""
    source = PICTURES[name](tmp_path / name)
    known = [form for form in FORMATS if form.sniff(source.read_bytes()[:HEAD_BYTES])]
    assert [source.suffix in form.extensions for form in known] == [True]
