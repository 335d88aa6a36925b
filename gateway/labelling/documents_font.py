"""The few letters of a label as a font inside a PDF document, so that its text can be selected and searched.

Source: ISO 32000-2 sections 9.7 (fonts of numbered glyphs) and 9.10.3 (what each glyph means). The letters come from
the package `noto-cjk-sans-otc`, never from the system.
"""

import io
from functools import lru_cache
from typing import Any, NamedTuple

import pikepdf
from fontTools import subset
from fontTools.ttLib import TTFont
from pikepdf import Array, Dictionary, Name

from gateway.labelling.images.visible import SIMPLIFIED_FACE, font_path
from gateway.labelling.members import LabelError

_UNIT = 1000
_SYMBOLIC = 4
_CAPITAL_UNITS = 733
_MAP = """/CIDInit /ProcSet findresource begin 12 dict begin begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def /CMapType 2 def
1 begincodespacerange <0000> <FFFF> endcodespacerange
{count} beginbfchar
{lines}
endbfchar endcmap CMapName currentdict /CMap defineresource pop end end
"""
_MOST_LETTERS = 100  # of one list in a map


class Letters(NamedTuple):
    """The letters of a text.

    Attributes:
        font: a font file with these alone.
        codes: number of the glyph of each.
        widths: of each, in thousandths of the size.
        height: of capital letters, in the same.
    """

    font: bytes
    codes: dict[str, int]
    widths: dict[str, int]
    height: int


@lru_cache(maxsize=8)
def letters_of(text: str) -> Letters:
    """Return the letters of a text.

    Args:
        text: the wording.

    Raises:
        LabelError: the font lacks one, or there are too many.
    """
    wanted = sorted(set(text))
    if len(wanted) > _MOST_LETTERS:
        raise LabelError(f"the wording has more than {_MOST_LETTERS} different letters")
    with TTFont(font_path(), fontNumber=SIMPLIFIED_FACE, lazy=True) as font:
        names: dict[int, str] = font.getBestCmap()
        if missing := [each for each in wanted if ord(each) not in names]:
            raise LabelError(f"the font has no {missing[0]!r}, which the wording needs")
        options = subset.Options(layout_features=[], name_IDs=[], notdef_outline=True, hinting=False)
        reducer = subset.Subsetter(options)
        reducer.populate(text=text)
        reducer.subset(font)
        # Glyphs of this font are named by their numbers: cid00034.
        codes = {each: int(names[ord(each)].removeprefix("cid")) for each in wanted}
        scale = _UNIT / font["head"].unitsPerEm
        widths = {each: round(font["hmtx"][names[ord(each)]][0] * scale) for each in wanted}
        written = io.BytesIO()
        font.save(written)
    with TTFont(io.BytesIO(written.getvalue())) as small:
        return Letters(small.getTableData("CFF "), codes, widths, round(_CAPITAL_UNITS * scale))


def font_object(pdf: pikepdf.Pdf, letters: Letters) -> pikepdf.Object:
    """Return the letters as a font of a document.

    Args:
        pdf: the document.
        letters: of the label.
    """
    file = pdf.make_stream(letters.font, Subtype=Name.CIDFontType0C)
    name = Name("/SLUICE+NotoSansCJKsc-Label")
    descriptor: dict[str, Any] = {
        "Type": Name.FontDescriptor,
        "FontName": name,
        "Flags": _SYMBOLIC,
        "FontBBox": [-1000, -1050, 2900, 1810],
        "ItalicAngle": 0,
        "Ascent": 880,
        "Descent": -120,
        "CapHeight": letters.height,
        "StemV": 80,
        "FontFile3": file,
    }
    below = Dictionary(
        Type=Name.Font,
        Subtype=Name.CIDFontType0,
        BaseFont=name,
        CIDSystemInfo=Dictionary(Registry=b"Adobe", Ordering=b"Identity", Supplement=0),
        FontDescriptor=pdf.make_indirect(Dictionary(**descriptor)),
        DW=_UNIT,
        W=Array([part for each, code in letters.codes.items() for part in (code, Array([letters.widths[each]]))]),
    )
    lines = "\n".join(f"<{code:04X}> <{each.encode('utf-16-be').hex()}>" for each, code in letters.codes.items())
    meaning = pdf.make_stream(_MAP.format(count=len(letters.codes), lines=lines).encode("ascii"))
    return pdf.make_indirect(
        Dictionary(
            Type=Name.Font,
            Subtype=Name.Type0,
            BaseFont=name,
            Encoding=Name("/Identity-H"),
            DescendantFonts=Array([pdf.make_indirect(below)]),
            ToUnicode=meaning,
        )
    )
