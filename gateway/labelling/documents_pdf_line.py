"""The label people see in a PDF document: a line in a box in the lower right corner of its first or last page.

Source: GB 45438-2025 5.1 (start or end, clearly legible; no size is given), ISO 32000-2. The contents of the page
stay as they are: the line is a stream of its own behind them. It stands upright as a viewer turns the page, inside
what a viewer shows of it. Signed documents are refused: a signature speaks of the document before the label.
"""

from pathlib import Path
from typing import NamedTuple

import pikepdf
from pikepdf import Array, Dictionary, Name

from gateway.labelling.documents_font import Letters, font_object, letters_of
from gateway.labelling.documents_pdf import opened_pdf, refuse_signed, save_pdf
from gateway.labelling.members import LabelError
from gateway.protocol.labels import Position

_MARK = Name("/AIGCLabel")
_NAME = "SluiceLabel"
_SHARE, _LEAST_POINTS, _SMALLEST_POINTS = 0.02, 10.0, 3.0
_PADDING = 0.45  # of the size
_LINE_SHARE = 1.0 + 2 * _PADDING
# A page as pages come is 3 to 14,400 units long (ISO 32000-1 Annex C.2).
_MOST_POINTS = 200_000.0
_TURNS = (0, 90, 180, 270)
_MOST_OPERATORS = 5_000_000
_MOST_DEPTH = 1000


class _Sheet(NamedTuple):
    """What a viewer shows of a page: its corners, and by how much it is turned with the clock."""

    left: float
    bottom: float
    right: float
    top: float
    turn: int

    @property
    def size(self) -> tuple[float, float]:
        """Width and height as shown."""
        width, height = self.right - self.left, self.top - self.bottom
        return (height, width) if self.turn in (90, 270) else (width, height)

    @property
    def matrix(self) -> tuple[float, ...]:
        """From what is shown, counted from its lower left corner, to the page."""
        return {
            0: (1, 0, 0, 1, self.left, self.bottom),
            90: (0, 1, -1, 0, self.right, self.bottom),
            180: (-1, 0, 0, -1, self.right, self.top),
            270: (0, -1, 1, 0, self.left, self.top),
        }[self.turn]


def show_line(source: Path, target: Path, line: str, position: Position = Position.START) -> None:
    """Write a PDF document with a line on its first page, its last or both, where there is none yet.

    Args:
        source: the document without it.
        target: the document with it; overwritten.
        line: the wording.
        position: start, end or both.

    Raises:
        LabelError: it is damaged, encrypted, signed, has no pages, or pages too small for any letter.
    """
    letters = letters_of(line)
    with opened_pdf(source) as pdf:
        refuse_signed(pdf)
        if not len(pdf.pages):
            raise LabelError("the PDF document has no pages")
        wanted = {Position.START: (0,), Position.END: (-1,)}.get(position, (0, -1))
        for number in dict.fromkeys(each % len(pdf.pages) for each in wanted):
            page = pdf.pages[number]
            if not _has_line(page):
                _add(pdf, page, line, letters)
        save_pdf(pdf, target)


def _has_line(page: pikepdf.Page) -> bool:
    found = page.resources.get("/XObject")
    if not isinstance(found, Dictionary):
        return False
    named = [each for name, each in found.items() if name.startswith(f"/{_NAME}")]
    return any(isinstance(each, pikepdf.Stream) and _MARK in each for each in named)


def _add(pdf: pikepdf.Pdf, page: pikepdf.Page, line: str, letters: Letters) -> None:
    before, after = _balance(page)
    form = _form(pdf, page, line, letters)
    name = page.add_resource(form, Name.XObject, prefix=f"{_NAME}_")
    page.contents_add(b"q " * (before + 1) + b"\n", prepend=True)
    page.contents_add(b"\n" + b"Q " * (after + 1) + f"q {name} Do Q\n".encode("ascii"))


def _balance(page: pikepdf.Page) -> tuple[int, int]:
    """Return how many states the contents take that they did not save, and how many they save and leave.

    What a page leaves of scale and colour would be that of the line.
    """
    depth = least = 0
    for number, instruction in enumerate(pikepdf.parse_content_stream(page, "q Q")):
        depth += 1 if str(instruction.operator) == "q" else -1
        least = min(least, depth)
        if number > _MOST_OPERATORS or not -_MOST_DEPTH < depth < _MOST_DEPTH:
            raise LabelError("the contents of the page are nested deeper than any program writes")
    return -least, depth - least


def _form(pdf: pikepdf.Pdf, page: pikepdf.Page, line: str, letters: Letters) -> pikepdf.Stream:
    sheet = _sheet(page)
    width, height = sheet.size
    length = sum(letters.widths[each] for each in line) / 1000
    wanted = max(_LEAST_POINTS, _SHARE * min(width, height))
    size = min(wanted, 0.96 * width / (length + 2 * _PADDING), 0.5 * height / _LINE_SHARE)
    if size < _SMALLEST_POINTS:
        raise LabelError(f"a page of {width:.0f} x {height:.0f} points has no room for a legible line")
    box = (size * (length + 2 * _PADDING), size * _LINE_SHARE)
    margin = min(0.5 * size, width - box[0], height - box[1])
    codes = "".join(f"{letters.codes[each]:04X}" for each in line)
    # Opaque, dark on light, with a frame: legible on whatever lies below, and on paper.
    drawing = (
        f"1 g 0.35 G {size / 16:.4f} w 0 0 {box[0]:.3f} {box[1]:.3f} re B\n"
        f"BT 0 g /F {size:.4f} Tf {size * _PADDING:.4f} {(box[1] - size * letters.height / 1000) / 2:.4f} Td"
        f" <{codes}> Tj ET\n"
    )
    a, b, c, d, e, f = sheet.matrix
    x, y = width - margin - box[0], margin
    return pdf.make_stream(
        drawing.encode("ascii"),
        Type=Name.XObject,
        Subtype=Name.Form,
        BBox=Array([-size / 16, -size / 16, box[0] + size / 16, box[1] + size / 16]),
        Matrix=Array([a, b, c, d, a * x + c * y + e, b * x + d * y + f]),
        Resources=Dictionary(Font=Dictionary(F=font_object(pdf, letters))),
        **{str(_MARK)[1:]: line},
    )


def _sheet(page: pikepdf.Page) -> _Sheet:
    media, crop = _corners(page.mediabox), _corners(page.cropbox)
    left, bottom = max(media[0], crop[0]), max(media[1], crop[1])
    right, top = min(media[2], crop[2]), min(media[3], crop[3])
    if right <= left or top <= bottom:
        left, bottom, right, top = media  # a viewer shows the whole page then
    if not (0 < right - left <= _MOST_POINTS and 0 < top - bottom <= _MOST_POINTS):
        raise LabelError("the page of the PDF document has no size that makes sense")
    node: pikepdf.Object = page.obj
    turn = 0
    for _ in range(64):  # inherited from what it stands in
        if "/Rotate" in node:
            turn = int(node["/Rotate"]) % 360
            break
        if not isinstance(node.get("/Parent"), Dictionary):
            break
        node = node["/Parent"]
    return _Sheet(left, bottom, right, top, turn if turn in _TURNS else 0)


def _corners(box: pikepdf.Object) -> tuple[float, float, float, float]:
    values = [float(each) for each in box]
    left, bottom, right, top = values
    return min(left, right), min(bottom, top), max(left, right), max(bottom, top)
