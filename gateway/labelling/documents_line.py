"""The label for people in documents: a line of its own at the start or the end.

Source: GB 45438-2025 5.1: at the start, the end or a fitting place in the middle, in clearly legible type; no size is
given. Measures Art. 4: a file that is offered for download holds the label itself. What else a document has stays as
it is: lines are put between its bytes. A document that has the line, or begins or ends with a label in other words,
gets no second.
"""

import html
import posixpath
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from gateway.labelling.documents_html import body_place
from gateway.labelling.documents_markdown import front_end
from gateway.labelling.documents_office import PART_BYTES, parse_xml, refuse_compound, refuse_signed
from gateway.labelling.documents_places import Place, places_of
from gateway.labelling.documents_text import text_of
from gateway.labelling.documents_zip import Archive, archive_of, archive_pieces, read_entry
from gateway.labelling.members import LabelError
from gateway.labelling.splice import Piece, write_spliced
from gateway.protocol.labels import AnswerText, Position

_MOST_PART_BYTES = 64 * 1024 * 1024
_MOST_ROWS = 1_048_576
_UTF8_MARK = b"\xef\xbb\xbf"
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
_STRICT_DRAWING = "http://purl.oclc.org/ooxml/drawingml/main"
_POINTS = 1200  # hundredths of a point: legible, and smaller than any text beside it
_EDGE_BYTES = 4096
_SHAPE = "AIGC"
_MARGIN_EMU, _LINE_EMU = 228_600, 300_000
_MOST_EMU_DIGITS = 12


def text_line(source: Path, target: Path, line: str, position: Position = Position.END) -> None:
    """Write a plain text with a line at its start or end.

    Args:
        source: the text without it.
        target: the text with it; overwritten.
        line: the wording.
        position: start, end or both.

    Raises:
        LabelError: it is in another encoding than UTF-8.
    """
    _write(source, target, lambda text: _lined(text, len(_mark(text)), line, position))


def markdown_line(source: Path, target: Path, line: str, position: Position = Position.END) -> None:
    """Write a Markdown text with a paragraph at its start, behind the front matter, or at its end.

    Arguments and errors are those of `text_line`.
    """
    _write(source, target, lambda text: _lined(text, front_end(text), line, position))


def html_line(source: Path, target: Path, line: str, position: Position = Position.END) -> None:
    """Write an HTML document with a paragraph at the start or the end of its body.

    Arguments and errors are those of `text_line`.
    """

    def lined(text: bytes) -> bytes:
        start, end = body_place(text)
        if _begins_or_ends(_shown(text[start:end]), line):
            return text
        # Numbers instead of letters, so that the document's encoding does not matter.
        paragraph = b"<p>" + html.escape(line).encode("ascii", "xmlcharrefreplace") + b"</p>"
        before = paragraph if position is not Position.END else b""
        after = paragraph if position is not Position.START else b""
        return text[:start] + before + text[start:end] + after + text[end:]

    _write(source, target, lined)


def refuse_json_line(_source: Path, _target: Path, _line: str) -> None:
    """Refuse to put a line into JSON.

    Raises:
        LabelError: always.
    """
    raise LabelError("a line for people would make the document no JSON; its member AIGC carries the label")


def word_line(source: Path, target: Path, line: str, position: Position = Position.END) -> None:
    """Write a Word document with a paragraph at its start or end.

    Args:
        source: the document without it.
        target: the document with it; overwritten.
        line: the wording.
        position: start, end or both.

    Raises:
        LabelError: it is damaged, encrypted, signed, or built to mislead.
    """
    _write_office(source, target, partial(_word_part, line=line, position=position))


def excel_line(source: Path, target: Path, line: str) -> None:
    """Write an Excel document with a row behind the last one of its first sheet.

    At the end only: a row at the start would move every cell, and what refers to them. Arguments and errors are those
    of `word_line`.
    """
    _write_office(source, target, partial(_excel_part, line=line))


def powerpoint_line(source: Path, target: Path, line: str) -> None:
    """Write a PowerPoint document with a line at the foot of its first slide.

    Arguments and errors are those of `word_line`.
    """
    _write_office(source, target, partial(_powerpoint_part, line=line))


def _write(source: Path, target: Path, change: Callable[[bytes], bytes]) -> None:
    def plan(file: BinaryIO, _: bytes) -> Iterator[Piece]:
        yield change(text_of(file))

    write_spliced(source, target, b"", plan)


def _begins_or_ends(text: str, line: str) -> bool:
    """Tell whether a text has the line at an edge, or a label in other words."""
    answer = AnswerText(structured=False)
    answer.add(text)
    lines = text.strip().splitlines()
    return answer.present or (bool(lines) and line.strip() in (lines[0].strip(), lines[-1].strip()))


def _shown(body: bytes) -> str:
    """Return what is shown at the edges of an HTML document, roughly; its middle does not matter."""
    edges = body if len(body) <= 2 * _EDGE_BYTES else body[:_EDGE_BYTES] + body[-_EDGE_BYTES:]
    return html.unescape(re.sub(r"<[^<>]*>", "\n", edges.decode("utf-8", "replace")))


def _has_node(data: bytes, line: str) -> bool:
    """Tell whether a text of an XML part, as a whole, is the line."""
    shown = [f">{html.escape(line, quote=quoted)}</" for quoted in (True, False)]
    # Some programs write numbers for letters.
    return any(each.encode() in data or each.encode("ascii", "xmlcharrefreplace") in data for each in shown)


def _mark(text: bytes) -> bytes:
    return _UTF8_MARK if text.startswith(_UTF8_MARK) else b""


def _lined(text: bytes, start: int, line: str, position: Position) -> bytes:
    try:
        if _begins_or_ends(text.decode("utf-8")[start:], line):
            return text
    except UnicodeDecodeError:
        raise LabelError(
            "the text is not in UTF-8, and the line would not be legible in it; convert it first"
        ) from None
    newline = b"\r\n" if b"\r\n" in text else b"\n"
    shown = line.encode()
    # A paragraph of its own: Markdown would draw it into the list or table a text ends with.
    before = shown + newline * 2 if position is not Position.END else b""
    gap = b"" if not text[start:] else newline if text.endswith(b"\n") else newline * 2
    after = gap + shown + newline if position is not Position.START else b""
    return text[:start] + before + text[start:] + after


def _write_office(source: Path, target: Path, change: Callable[[BinaryIO, Archive], dict[str, bytes]]) -> None:
    def plan(file: BinaryIO, _: bytes) -> Iterator[Piece]:
        refuse_compound(file)
        archive = archive_of(file)
        refuse_signed(archive)
        yield from archive_pieces(archive, change(file, archive))

    write_spliced(source, target, b"", plan)


def _content(file: BinaryIO, archive: Archive, name: str, most: int = PART_BYTES) -> tuple[str, bytes]:
    entry = archive.find(name)
    if entry is None:
        raise LabelError(f"the document lacks its part {name}")
    return entry.name, read_entry(file, entry, most)


def _related(file: BinaryIO, archive: Archive, part: str, wanted: Callable[[str, str], bool]) -> str:
    """Return the name of the part that another one refers to, by its relationship's id and kind."""
    folder, name = posixpath.split(part)
    root = parse_xml(_content(file, archive, posixpath.join(folder, "_rels", f"{name}.rels"))[1])
    for each in root:
        if wanted(str(each.get("Id")), str(each.get("Type")).rpartition("/")[2]) and each.get("Target"):
            target = str(each.get("Target"))
            return (
                target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
            )
    raise LabelError("the document does not say which of its parts is the main one")


def _main_part(file: BinaryIO, archive: Archive) -> str:
    return _related(file, archive, "", lambda _, kind: kind == "officeDocument")


def _first(places: list[Place], name: str) -> Place:
    found = next((each for each in places if each.name == name), None)
    if found is None:
        raise LabelError(f"the document has no {name} where one should be")
    return found


def _word_part(file: BinaryIO, archive: Archive, line: str, position: Position) -> dict[str, bytes]:
    name, data = _content(file, archive, _main_part(file, archive), _MOST_PART_BYTES)
    if _has_node(data, line):
        return {}
    places = places_of(data, frozenset({"body", "sectPr"}))
    body = _first(places, "body")
    if body.closed_at_once:
        raise LabelError("the document has an empty body")
    # The settings of the last section close the body, and nothing may stand behind them.
    last = [each for each in places if each.name == "sectPr" and each.depth == body.depth + 1]
    end = last[-1].start if last else body.close
    paragraph = f'<w:p xmlns:w="{body.namespace}"><w:r><w:t>{html.escape(line)}</w:t></w:r></w:p>'.encode()
    before = paragraph if position is not Position.END else b""
    after = paragraph if position is not Position.START else b""
    return {name: data[: body.body] + before + data[body.body : end] + after + data[end:]}


def _excel_part(file: BinaryIO, archive: Archive, line: str) -> dict[str, bytes]:
    book = _main_part(file, archive)
    sheet = _first(places_of(_content(file, archive, book)[1], frozenset({"sheet"})), "sheet").attributes.get("id")
    part = _related(file, archive, book, lambda name, _: name == sheet)
    name, data = _content(file, archive, part, _MOST_PART_BYTES)
    # Excel moves texts into a table of their own when it saves.
    table = archive.find("xl/sharedStrings.xml")
    if _has_node(data, line) or (table and _has_node(read_entry(file, table, _MOST_PART_BYTES), line)):
        return {}
    places = places_of(data, frozenset({"sheetData", "row", "dimension"}))
    rows = _first(places, "sheetData")
    numbers = [int(each.attributes["r"]) for each in places if each.attributes.get("r", "").isdecimal()]
    # One row stays free, so that a list or table does not take it for its own.
    number = max([len([each for each in places if each.name == "row"]), *numbers]) + 2
    if number > _MOST_ROWS:
        raise LabelError("the first sheet is full, and has no row for a label")
    row = (
        f'<row xmlns="{rows.namespace}" r="{number}"><c r="A{number}" t="inlineStr">'
        f"<is><t>{html.escape(line)}</t></is></c></row>"
    ).encode()
    changes = [(rows.close, rows.close, row)]
    if rows.closed_at_once:
        prefix = data[rows.start : rows.end - 2].rstrip()
        tag = prefix.split()[0][1:]
        changes = [(rows.start, rows.end, prefix + b">" + row + b"</" + tag + b">")]
    # What says how far the sheet reaches is optional, and would be wrong.
    changes += [(each.start, each.end, b"") for each in places if each.name == "dimension"]
    for start, end, new in sorted(changes, reverse=True):
        data = data[:start] + new + data[end:]
    return {name: data}


def _powerpoint_part(file: BinaryIO, archive: Archive, line: str) -> dict[str, bytes]:
    main = _main_part(file, archive)
    places = places_of(_content(file, archive, main)[1], frozenset({"sldId", "sldSz"}))
    slide_id, size = _first(places, "sldId").attributes, _first(places, "sldSz").attributes
    part = _related(file, archive, main, lambda name, kind: kind == "slide" and name == slide_id.get("id"))
    name, data = _content(file, archive, part, _MOST_PART_BYTES)
    tree = _first(places_of(data, frozenset({"spTree", "cNvPr"})), "spTree")
    if any(each.attributes.get("name") == _SHAPE for each in places_of(data, frozenset({"cNvPr"}))):
        return {}
    taken = [each.attributes.get("id", "") for each in places_of(data, frozenset({"cNvPr"}))]
    number = max([int(each) for each in taken if each.isdecimal()], default=1) + 1
    width, height = _emu(size.get("cx")), _emu(size.get("cy"))
    drawing = _STRICT_DRAWING if "purl.oclc.org" in tree.namespace else _DRAWING
    shape = (
        f'<p:sp xmlns:p="{tree.namespace}" xmlns:a="{drawing}"><p:nvSpPr><p:cNvPr id="{number}" name="{_SHAPE}"/>'
        f'<p:cNvSpPr txBox="1"/><p:nvPr/></p:nvSpPr><p:spPr><a:xfrm><a:off x="{_MARGIN_EMU}"'
        f' y="{max(0, height - _LINE_EMU - _MARGIN_EMU)}"/><a:ext cx="{max(1, width - 2 * _MARGIN_EMU)}"'
        f' cy="{_LINE_EMU}"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom></p:spPr>'
        f'<p:txBody><a:bodyPr/><a:p><a:r><a:rPr sz="{_POINTS}"/><a:t>{html.escape(line)}</a:t></a:r></a:p></p:txBody>'
        "</p:sp>"
    ).encode()
    end = next((e.start for e in places_of(data, frozenset({"extLst"})) if e.depth == tree.depth + 1), tree.close)
    return {name: data[:end] + shape + data[end:]}


def _emu(value: str | None) -> int:
    if value is None or not value.isdecimal() or len(value) > _MOST_EMU_DIGITS:
        raise LabelError("the document does not say how large its slides are")
    return int(value)
