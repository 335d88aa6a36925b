"""A label gets into a file whole or not at all, and foreign forms are read."""

from pathlib import Path

import pytest

from gateway.labelling import formats
from gateway.labelling.container import Format
from gateway.labelling.formats import FORMATS, format_of, read_file, write_label
from gateway.labelling.members import LabelError, Members, Verdict
from gateway.labelling.seal import PLAIN
from tests.gateway.labelling.pictures import MEMBERS, OTHER, PRODUCER, saved
from tests.gateway.labelling.vendor_forms import FILES, MALFORMED, TRACES, chunk, exif, png, text, written


@pytest.mark.parametrize("name", FILES)
def test_file_of_a_vendor_is_read(tmp_path: Path, name: str) -> None:
    """Wherever it stands."""
    found = read_file(written(tmp_path / name, FILES[name]())).reading
    expected = Verdict.SUSPECTED if name.startswith(TRACES) else Verdict.IS
    assert found.members is not None
    assert (found.verdict, found.members.producer or OTHER, found.members.produce_id) == (expected, OTHER, "id-1")


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_label_is_broken_or_none(tmp_path: Path, name: str) -> None:
    """Never a crash, never a verdict that nobody gave."""
    found = read_file(written(tmp_path / name, MALFORMED[name]())).reading
    assert found.verdict in (Verdict.BROKEN, Verdict.NONE)
    assert found.problems or found.verdict is Verdict.NONE


def test_there_are_twelve_forms_and_forty_malformed_ones() -> None:
    """As many as were promised."""
    assert {name.split()[0] for name in FILES} == {str(number) for number in range(1, 13)}
    assert len(MALFORMED) >= 40


def test_file_without_a_label_has_none(tmp_path: Path) -> None:
    """And a picture whose text speaks of AI has none either."""
    assert read_file(saved(tmp_path / "a.png")).reading.verdict is Verdict.NONE
    spoken = png(chunk(b"tEXt", b"Description\0An AIGC picture {of a cat}, ProduceID unknown"))
    assert read_file(written(tmp_path / "b.png", spoken)).reading.verdict is not Verdict.IS


def test_unknown_formats_are_refused(tmp_path: Path) -> None:
    """By their content, whatever the name says."""
    for data in (b"", b"MZ\x90\0", b"\x7fELF\x01"):
        with pytest.raises(LabelError, match="no format"):
            format_of(written(tmp_path / "a.png", data))
    assert format_of(saved(tmp_path / "b.png").rename(tmp_path / "b.jpg")).name == "PNG"


def test_label_that_does_not_read_back_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that loses it leaves no file, and the old one as it was."""
    source = saved(tmp_path / "a.png")
    form = format_of(source)
    lossy = Format(form.name, form.extensions, form.sniff, lambda a, b, _: _copy(a, b), form.read)
    monkeypatch.setattr(formats, "FORMATS", (lossy,))
    with pytest.raises(LabelError, match="read back"):
        write_label(source, tmp_path / "out.png", MEMBERS)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_failing_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be synced gets no name."""
    target = saved(tmp_path / "a.png")
    before = target.read_bytes()

    def fail(_handle: int) -> None:
        raise OSError(5, "no disk")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="no disk"):
        write_label(target, target, MEMBERS)
    assert target.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_second_label_in_a_place_that_is_not_written_is_refused(tmp_path: Path) -> None:
    """A file with two labels is what the standard forbids."""
    own = text({"AIGC": MEMBERS.named()})
    source = written(tmp_path / "a.png", png(chunk(b"eXIf", exif(0x010E, own + b"\0"))))
    with pytest.raises(LabelError, match="would have two"):
        write_label(source, tmp_path / "b.png", MEMBERS)
    # Text chunks are ours to replace: the same producer says the same thing in the standard's place.
    source = written(tmp_path / "c.png", png(chunk(b"tEXt", b"AIGC\0" + own)))
    write_label(source, tmp_path / "d.png", Members.first(PRODUCER, "new"))
    assert b"content-1" not in (tmp_path / "d.png").read_bytes()


@pytest.mark.parametrize(
    "label", [b'{"Label":"1"}', b"{", b'{"Label":"1","ContentPropagator":"%s"}' % OTHER.encode()]
)
def test_label_that_may_be_anybodys_stays(tmp_path: Path, label: bytes) -> None:
    """One that names nobody, that nobody can read, or that names only who passed it on."""
    source = written(tmp_path / "a.png", png(chunk(b"tEXt", b"AIGC\0" + label)))
    with pytest.raises(LabelError, match="not of this producer"):
        write_label(source, tmp_path / "b.png", MEMBERS)


def test_permissions_are_those_of_the_file_that_was_there(tmp_path: Path) -> None:
    """A private picture does not become public by its label."""
    target = saved(tmp_path / "a.png")
    target.chmod(0o600)
    write_label(target, target, MEMBERS)
    assert target.stat().st_mode & 0o777 == 0o600


def test_label_for_people_needs_both_elements_and_a_format_that_can(tmp_path: Path) -> None:
    """Refused before anything is written."""
    with pytest.raises(LabelError, match="chapter 5"):
        write_label(saved(tmp_path / "a.png"), tmp_path / "b.png", MEMBERS, shown="made by a machine")
    with pytest.raises(LabelError, match="GIF"):
        write_label(saved(tmp_path / "a.gif"), tmp_path / "b.gif", MEMBERS, shown="AI生成")


def test_formats_have_names_and_extensions_of_their_own() -> None:
    """The name of a file decides between two that look alike, so no extension stands twice."""
    extensions = [extension for form in FORMATS for extension in form.extensions]
    assert len(set(extensions)) == len(extensions)
    assert len({form.name for form in FORMATS}) == len(FORMATS)


def _copy(source: Path, target: Path) -> None:
    target.write_bytes(source.read_bytes())


def test_plain_text_has_the_line_for_people_alone(tmp_path: Path) -> None:
    """It has no place for programs: that is told, and asking for what needs one is refused."""
    source, target, told = tmp_path / "a.txt", tmp_path / "b.txt", list[str]()
    source.write_bytes("你好\n".encode())
    write_label(source, target, MEMBERS, shown="内容由AI生成", tell=told.append)
    assert target.read_text("utf-8").splitlines()[::2] == ["你好", "内容由AI生成"]
    assert len(told) == 1
    assert "line for people alone" in told[0]
    for wish in ({"shown": ""}, {"shown": "内容由AI生成", "key": PLAIN}):
        with pytest.raises(LabelError, match="no place"):
            write_label(source, tmp_path / "c.txt", MEMBERS, **wish)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.txt", "b.txt"]
