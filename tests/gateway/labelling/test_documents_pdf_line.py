"""The line people see on a page of a PDF document."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name
from PIL import Image

from gateway.labelling.documents_pdf_line import show_line
from gateway.labelling.formats import read_file, write_label
from gateway.labelling.members import LabelError, Verdict
from gateway.protocol.labels import Position
from tests.gateway.labelling.pictures import MEMBERS

_TEXT = "内容由AI生成"
_RED = b"0.9 0.2 0.2 rg 0 0 20000 20000 re f"


def _pdf(path: Path, page: Mapping[str, Any], content: bytes = _RED, pages: int = 1, **saving: Any) -> Path:  # noqa: ANN401 of pikepdf
    pdf = pikepdf.Pdf.new()
    wanted: dict[str, Any] = {"MediaBox": Array([0, 0, 595, 842]), **page}
    for _ in range(pages):
        pdf.pages.append(pikepdf.Page(Dictionary(Type=Name.Page, Contents=pdf.make_stream(content), **wanted)))
    pdf.save(path, **saving)
    return path


def _rendered(path: Path, page: int = 1) -> np.ndarray[Any, Any]:
    program = shutil.which("pdftoppm")
    if program is None:
        pytest.skip("the program pdftoppm is not installed (Debian: poppler-utils)")
    target = path.with_suffix("")
    place = ("-f", str(page), "-l", str(page), "-cropbox", "-scale-to", "600", "-singlefile", "-png")
    subprocess.run([program, *place, str(path), str(target)], check=True)  # noqa: S603 a program of the system
    with Image.open(target.with_suffix(".png")) as image:
        return np.asarray(image.convert("RGB")).astype(int)


_PAGES: dict[str, dict[str, Any]] = {
    "plain": {},
    "turned": {"Rotate": 90},
    "upside down": {"Rotate": 180},
    "turned back": {"Rotate": -90},
    "cropped": {"CropBox": Array([100, 200, 400, 600])},
    "tiny": {"MediaBox": Array([0, 0, 90, 60])},
    "huge": {"MediaBox": Array([-1000, -500, 6000, 9000])},
    "upside down box": {"MediaBox": Array([595, 842, 0, 0])},
}


@pytest.mark.parametrize("name", _PAGES)
def test_the_line_stands_upright_in_the_corner_a_viewer_shows(tmp_path: Path, name: str) -> None:
    """A light box with dark words, wider than high, wholly on the page, and nothing else changes."""
    old, new = _pdf(tmp_path / "old.pdf", _PAGES[name]), tmp_path / "new.pdf"
    show_line(old, new, _TEXT)
    before, after = _rendered(old), _rendered(new)
    changed = np.argwhere((abs(after - before) > 8).any(axis=-1))
    (top, left), (bottom, right) = changed.min(axis=0), changed.max(axis=0) + 1
    height, width = after.shape[:2]
    assert top > height / 2 > 0
    assert left > 0
    assert right < width or name == "tiny"
    assert bottom < height
    assert right - left > 3 * (bottom - top)
    box = after[top:bottom, left:right].min(axis=-1)
    assert (box > 200).mean() > 0.3
    assert (box < 100).mean() > 0.03


def test_the_text_can_be_selected(tmp_path: Path) -> None:
    """By a reader of others, letter by letter; from a font in the file."""
    program = shutil.which("pdftotext")
    if program is None:
        pytest.skip("the program pdftotext is not installed (Debian: poppler-utils)")
    old, new = _pdf(tmp_path / "old.pdf", {}), tmp_path / "new.pdf"
    show_line(old, new, "内容由AI生成 AI-generated")
    said = subprocess.run([program, str(new), "-"], check=True, capture_output=True)  # noqa: S603 a program of the system
    assert said.stdout.decode().strip() == "内容由AI生成 AI-generated"


@pytest.mark.parametrize(
    "content", [b"q 0.5 0 0 0.5 20 20 cm q 0 0 1 rg 0 0 400 400 re f", b"Q Q 1 0 0 rg 0 0 600 60 re f 2 0 0 2 0 0 cm"]
)
def test_states_a_page_leaves_do_not_move_the_line(tmp_path: Path, content: bytes) -> None:
    """Saved and never restored, or restored and never saved."""
    show_line(_pdf(tmp_path / "old.pdf", {}, content), tmp_path / "new.pdf", _TEXT)
    show_line(_pdf(tmp_path / "plain.pdf", {}, b""), tmp_path / "as.pdf", _TEXT)
    wanted = _rendered(tmp_path / "as.pdf")
    line = (wanted < 128).all(axis=-1)
    assert line.sum() > 50
    assert np.array_equal(_rendered(tmp_path / "new.pdf")[line], wanted[line])


@pytest.mark.parametrize(("position", "pages"), [(Position.START, [1]), (Position.END, [3]), (Position.BOTH, [1, 3])])
def test_each_page_has_one_line_and_its_own_contents(tmp_path: Path, position: Position, pages: list[int]) -> None:
    """Asked for twice it is there once, in other words too; the stream of the page keeps its bytes."""
    old, new = _pdf(tmp_path / "old.pdf", {}, pages=3), tmp_path / "new.pdf"
    show_line(old, new, _TEXT, position)
    show_line(new, tmp_path / "twice.pdf", "人工智能合成", position)
    with pikepdf.open(tmp_path / "twice.pdf") as pdf:
        forms = [list(page.resources.get("/XObject", Dictionary()).keys()) for page in pdf.pages]
        assert [number for number, each in enumerate(forms, 1) if len(each) == 1] == pages
        for page in pdf.pages:
            streams = list(page.Contents) if isinstance(page.Contents, Array) else [page.Contents]
            assert any(each.read_bytes() == _RED for each in streams)


def test_both_labels_are_written(tmp_path: Path) -> None:
    """For programs and for people, over again as one."""
    old, new = _pdf(tmp_path / "old.pdf", {}), tmp_path / "new.pdf"
    write_label(old, new, MEMBERS, shown=_TEXT)
    write_label(new, new, MEMBERS, shown=_TEXT)
    assert read_file(new).reading.verdict is Verdict.IS
    with pikepdf.open(new) as pdf:
        assert len(pdf.pages[0].resources.XObject) == 1


def test_what_cannot_take_a_line_says_why(tmp_path: Path) -> None:
    """Encrypted, signed, no pages, no room, letters no font has."""
    new = tmp_path / "new.pdf"
    locked = _pdf(tmp_path / "a.pdf", {}, encryption=pikepdf.Encryption(owner="o", user=""))
    with pytest.raises(LabelError, match="encrypted"):
        show_line(locked, new, _TEXT)
    with pikepdf.open(_pdf(tmp_path / "b.pdf", {})) as pdf:
        pdf.Root.AcroForm = Dictionary(SigFlags=3, Fields=Array([]))
        pdf.save(tmp_path / "signed.pdf")
    with pytest.raises(LabelError, match="signed"):
        show_line(tmp_path / "signed.pdf", new, _TEXT)
    with pytest.raises(LabelError, match=r"no pages|damaged"):
        show_line(_pdf(tmp_path / "c.pdf", {}, pages=0), new, _TEXT)
    with pytest.raises(LabelError, match="no room"):
        show_line(_pdf(tmp_path / "d.pdf", {"MediaBox": Array([0, 0, 12, 12])}), new, _TEXT)
    with pytest.raises(LabelError, match="no size"):
        show_line(_pdf(tmp_path / "e.pdf", {"MediaBox": Array([0, 0, 0, 12])}), new, _TEXT)
    with pytest.raises(LabelError, match="no '\U0001f600'"):
        show_line(_pdf(tmp_path / "f.pdf", {}), new, "AI生成\U0001f600")
    with pytest.raises(LabelError, match="nested deeper"):
        show_line(_pdf(tmp_path / "g.pdf", {}, b"q " * 2000), new, _TEXT)
    assert not new.exists()
