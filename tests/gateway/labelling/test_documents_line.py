"""Lines for people stand where they should, and the rest stays."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import openpyxl
import pytest

from gateway.labelling.documents_line import (
    excel_line,
    html_line,
    markdown_line,
    powerpoint_line,
    refuse_json_line,
    text_line,
    word_line,
)
from gateway.labelling.members import LabelError
from gateway.protocol.labels import Position
from tests.media import OFFICE, archive

_LINE = "内容由AI生成 <&"
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_SLIDES = "http://schemas.openxmlformats.org/presentationml/2006/main"


def _relations(*parts: tuple[str, str, str]) -> bytes:
    each = "".join(f'<Relationship Id="{name}" Type="{_RELATION}/{kind}" Target="{to}"/>' for name, kind, to in parts)
    return f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{each}</Relationships>'.encode()


def _presentation() -> bytes:
    """Return a presentation of two slides, the second file being the first slide."""
    slide = (
        f'<p:sld xmlns:p="{_SLIDES}"><p:cSld><p:spTree><p:nvGrpSpPr><p:cNvPr id="4" name=""/></p:nvGrpSpPr>'
        "</p:spTree></p:cSld></p:sld>"
    )
    main = (
        f'<p:presentation xmlns:p="{_SLIDES}" xmlns:r="{_RELATION}"><p:sldIdLst><p:sldId r:id="rId8" id="256"/>'
        '<p:sldId r:id="rId7" id="257"/></p:sldIdLst><p:sldSz cx="9144000" cy="6858000"/></p:presentation>'
    )
    return archive({
        "_rels/.rels": _relations(("rId1", "officeDocument", "/ppt/presentation.xml")),
        "ppt/presentation.xml": main.encode(),
        "ppt/_rels/presentation.xml.rels": _relations(
            ("rId7", "slide", "slides/slide1.xml"), ("rId8", "slide", "slides/slide2.xml")
        ),
        "ppt/slides/slide1.xml": slide.encode(),
        "ppt/slides/slide2.xml": slide.encode(),
    })  # fmt: skip


@pytest.mark.parametrize(
    ("position", "texts"),
    [
        (Position.START, [_LINE, "first", "last"]),
        (Position.END, ["first", "last", _LINE]),
        (Position.BOTH, [_LINE, "first", "last", _LINE]),
    ],
)
def test_word_documents_show_the_line(tmp_path: Path, position: Position, texts: list[str]) -> None:
    """As a paragraph of its own, in front of what sets up the last section; no other part changes."""
    document = docx.Document()
    for text in ("first", "last"):
        document.add_paragraph(text)
    old, new = tmp_path / "old.docx", tmp_path / "new.docx"
    document.save(str(old))
    word_line(old, new, _LINE, position)
    assert [each.text for each in docx.Document(str(new)).paragraphs] == texts
    assert len(docx.Document(str(new)).sections) == 1
    with zipfile.ZipFile(old) as before, zipfile.ZipFile(new) as after:
        assert [name for name in before.namelist() if before.read(name) != after.read(name)] == ["word/document.xml"]


@pytest.mark.parametrize("filled", [True, False])
def test_excel_documents_show_the_line_last(tmp_path: Path, filled: bool) -> None:  # noqa: FBT001 with cells and without
    """With a free row between, so that no list takes it for its own; in the first sheet."""
    book = openpyxl.Workbook()
    if filled:
        book.active["B3"] = "x"
    book.create_sheet("second")
    old, new = tmp_path / "old.xlsx", tmp_path / "new.xlsx"
    book.save(old)
    excel_line(old, new, _LINE)
    for read_only in (True, False):
        found = openpyxl.load_workbook(new, read_only=read_only)
        values = [[each.value for each in row if each.value is not None] for row in found.worksheets[0].rows]
        assert [row for row in values if row] == [["x"], [_LINE]] if filled else [[_LINE]]
        assert values[-1] == [_LINE]
        assert values[-2] == []
        found.close()


def test_the_first_slide_shows_the_line(tmp_path: Path) -> None:
    """The first one shown, not the first one stored; inside of its edges, with a number of its own."""
    old, new = tmp_path / "old.pptx", tmp_path / "new.pptx"
    old.write_bytes(_presentation())
    powerpoint_line(old, new, _LINE)
    with zipfile.ZipFile(old) as before, zipfile.ZipFile(new) as after:
        assert after.read("ppt/slides/slide1.xml") == before.read("ppt/slides/slide1.xml")
        shown = after.read("ppt/slides/slide2.xml").decode()
    assert "<a:t>内容由AI生成 &lt;&amp;</a:t>" in shown
    assert '<p:cNvPr id="5"' in shown
    assert shown.index("</p:sp>") < shown.index("</p:spTree>")


@pytest.mark.parametrize(
    ("write", "old", "new"),
    [
        (text_line, "a", "a\n\n{}\n"),
        (text_line, "a\r\n", "a\r\n\r\n{}\r\n"),
        (text_line, "", "{}\n"),
        (markdown_line, "---\nt: x\n---\n- a\n", "---\nt: x\n---\n- a\n\n{}\n"),
        (html_line, "<body>a</body>", "<body>a<p>&#20869;&#23481;&#30001;AI&#29983;&#25104; &lt;&amp;</p></body>"),
    ],
)
def test_texts_show_the_line_last(tmp_path: Path, write: object, old: str, new: str) -> None:
    """As a paragraph of its own, with the line ends of the text."""
    source, target = tmp_path / "old", tmp_path / "new"
    source.write_bytes(old.encode())
    assert callable(write)
    write(source, target, _LINE)
    assert target.read_bytes().decode() == new.format(_LINE)


@pytest.mark.parametrize(
    ("write", "old", "new"),
    [
        (text_line, "\ufeffa", "\ufeff{}\n\na"),
        (markdown_line, "---\nt: x\n---\n# a\n", "---\nt: x\n---\n{}\n\n# a\n"),
        (
            html_line,
            "<head></head><body>a",
            "<head></head><body><p>&#20869;&#23481;&#30001;AI&#29983;&#25104; &lt;&amp;</p>a",
        ),
    ],
)
def test_texts_show_the_line_first(tmp_path: Path, write: object, old: str, new: str) -> None:
    """Behind marks and front matter, which have to be first."""
    source, target = tmp_path / "old", tmp_path / "new"
    source.write_bytes(old.encode())
    assert callable(write)
    write(source, target, _LINE, Position.START)
    assert target.read_bytes().decode() == new.format(_LINE)


@pytest.mark.parametrize("suffix", ["docx", "xlsx", "pptx"])
def test_office_documents_get_one_line(tmp_path: Path, suffix: str) -> None:
    """Also after an office program has saved the document its own way."""
    write = {"docx": word_line, "xlsx": excel_line, "pptx": powerpoint_line}[suffix]
    old, once, twice = (tmp_path / f"{name}.{suffix}" for name in ("old", "once", "twice"))
    if suffix == "docx":
        docx.Document().save(str(old))
    elif suffix == "xlsx":
        openpyxl.Workbook().save(str(old))
    else:
        old.write_bytes(_presentation())
    write(old, once, _LINE)
    write(once, twice, _LINE)
    assert twice.read_bytes() == once.read_bytes() != old.read_bytes()
    if suffix == "docx":
        docx.Document(str(once)).save(str(once))
        write(once, twice, _LINE)
        assert [each.text for each in docx.Document(str(twice)).paragraphs] == [_LINE]
    elif suffix == "xlsx":
        openpyxl.load_workbook(once).save(once)
        write(once, twice, _LINE)
        assert [row[0] for row in openpyxl.load_workbook(twice).active.values if row[0]] == [_LINE]


@pytest.mark.parametrize(
    ("write", "old"),
    [
        (text_line, f"text\n\n{_LINE}\n"),
        (text_line, "（内容由人工智能生成）\ntext about AI 生成\n"),
        (markdown_line, f"---\na: b\n---\n{_LINE}\n\ntext"),
        (html_line, f"<html><body><p>text</p><p>{_LINE}</p></body></html>"),
        (html_line, "<html><body><div>text</div><footer>内容由AI生成</footer></body></html>"),
    ],
)
def test_texts_get_one_line(tmp_path: Path, write: Callable[[Path, Path, str], None], old: str) -> None:
    """The same line, or a label in other words, at either edge."""
    source = tmp_path / "old"
    source.write_text(old, "utf-8")
    write(source, tmp_path / "new", _LINE)
    assert (tmp_path / "new").read_text("utf-8") == old


def test_a_sentence_about_ai_is_no_line(tmp_path: Path) -> None:
    """Only a label at an edge counts, not what a text speaks of."""
    (tmp_path / "old").write_text(f"text\n{_LINE}\nWe wrote about AI生成 of pictures.\n", "utf-8")
    text_line(tmp_path / "old", tmp_path / "new", _LINE)
    assert (tmp_path / "new").read_text("utf-8").endswith(f"pictures.\n\n{_LINE}\n")


def test_what_cannot_take_a_line_says_why(tmp_path: Path) -> None:
    """Another encoding, a signature, an encrypted document, parts that are not there, and JSON."""
    old, new = tmp_path / "old", tmp_path / "new"
    lacking = {name: content for name, content in OFFICE.items() if name != "word/document.xml"}
    empty = {**OFFICE, "word/document.xml": b'<w:document xmlns:w="u"><w:body/></w:document>'}
    full = io.BytesIO()
    book = openpyxl.Workbook()
    book.active["A1048576"] = 1
    book.save(full)
    for write, data, reason in (
        (text_line, b"\xc4\xe3", "not in UTF-8"),
        (word_line, archive({**OFFICE, "_xmlsignatures/a": b""}), "signed"),
        (word_line, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "encrypted"),
        (word_line, archive(lacking), "lacks its part"),
        (word_line, archive(empty), "empty body"),
        (excel_line, full.getvalue(), "full"),
        (refuse_json_line, b"{}", "no JSON"),
    ):
        old.write_bytes(data)
        with pytest.raises(LabelError, match=reason):
            write(old, new, _LINE)
