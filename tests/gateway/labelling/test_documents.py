"""Every format of document by its own name, and all formats against damage."""

import random
import tracemalloc
from pathlib import Path

import pytest

from gateway.labelling.documents import FORMATS
from gateway.labelling.documents_font import letters_of
from gateway.labelling.formats import FORMATS as ALL
from gateway.labelling.formats import format_of, read_file, write_label
from gateway.labelling.members import LabelError, Members, Verdict
from tests.media import LABEL, PRODUCER, SMALL, damaged, exiftool, needs_tools, run

_MEMBERS = Members.first(PRODUCER, "req-1")
_CASES = 200
_MOST_HELD_BYTES = 32 * 1024 * 1024


@pytest.mark.media_tools
@pytest.mark.parametrize("name", ["a.docx", "a.pdf", "a.html"])
def test_others_read_the_label(tmp_path: Path, name: str) -> None:
    """In documents of three kinds by one reader; archives are whole."""
    needs_tools()
    old, new = tmp_path / name, tmp_path / f"new-{name}"
    old.write_bytes(SMALL[name])
    write_label(old, new, _MEMBERS)
    assert exiftool(new)["aigc"] == LABEL.decode()
    if name == "a.docx":
        run("unzip", "-tq", new)


@pytest.mark.parametrize("name", ["a.docx", "a.html", "a.md"])
def test_both_labels_come_with_one_command(tmp_path: Path, name: str) -> None:
    """The line for people, and the label for programs."""
    old, new = tmp_path / name, tmp_path / f"new-{name}"
    old.write_bytes(SMALL[name])
    assert write_label(old, new, _MEMBERS, shown="AI生成") in FORMATS
    assert read_file(new).reading.verdict is Verdict.IS
    assert new.stat().st_size > old.stat().st_size


@pytest.mark.parametrize("name", SMALL)
def test_names_and_beginnings_lead_to_the_format(tmp_path: Path, name: str) -> None:
    """Written and read under its name; under a foreign one a file is told by its beginning, all but text."""
    old, new, foreign = tmp_path / name, tmp_path / f"new-{name}", tmp_path / "foreign.bin"
    old.write_bytes(SMALL[name])
    form = write_label(old, new, _MEMBERS)
    assert Path(name).suffix in form.extensions
    assert read_file(new).reading.members == _MEMBERS
    foreign.write_bytes(SMALL[name])
    if not name.endswith(".md"):
        assert format_of(foreign) is form


@pytest.mark.parametrize("name", ["table.csv", "program.py", "text"])
def test_other_text_is_not_taken_for_markdown(tmp_path: Path, name: str) -> None:
    """Front matter would break it; only the name says that a text is Markdown."""
    old = tmp_path / name
    old.write_bytes(b"a,b\n1,2\n")
    with pytest.raises(LabelError, match="no place for a label"):
        write_label(old, old, _MEMBERS)
    assert old.read_bytes() == b"a,b\n1,2\n"


@pytest.mark.parametrize("name", SMALL)
def test_damage_is_told_and_never_a_crash(tmp_path: Path, name: str) -> None:
    """Two hundred damaged files of each kind: read, labelled, shown and sealed, or refused; little is held for it."""
    form = next(each for each in ALL if Path(name).suffix in each.extensions)
    whole, broken, new = tmp_path / name, tmp_path / f"damaged-{name}", tmp_path / f"new-{name}"
    broken.write_bytes(SMALL[name])
    form.write(broken, whole, LABEL)
    chance = random.Random(name)  # noqa: S311 the same damage each time
    outcomes = set()
    letters_of("AI生成")  # the font is read once, whatever the file
    tracemalloc.start()
    for _ in range(_CASES):
        broken.write_bytes(damaged(whole.read_bytes(), chance))
        for work in (
            lambda: form.read(broken),
            lambda: form.write(broken, new, LABEL),
            lambda: form.show and form.show(broken, new, "AI生成"),
            lambda: form.content and sum(map(len, form.content(broken))),
        ):
            try:
                work()
                outcomes.add("taken")
            except LabelError as error:
                outcomes.add("refused" if str(error) else "refused without a word")
    assert tracemalloc.get_traced_memory()[1] < _MOST_HELD_BYTES
    tracemalloc.stop()
    assert "taken" in outcomes
    assert outcomes == {"taken", "refused"} or name in {"a.md", "a.html"}
