"""A font of a few letters."""

import io

import pikepdf
import pytest
from fontTools.cffLib import CFFFontSet

from gateway.labelling.documents_font import font_object, letters_of
from gateway.labelling.members import LabelError


def test_the_font_has_the_letters_alone() -> None:
    """A few kilobytes, not the sixteen megabytes it comes from; each letter under its number."""
    letters = letters_of("内容由AI生成")
    assert len(letters.font) < 10_000
    fonts = CFFFontSet()
    fonts.decompile(io.BytesIO(letters.font), None)
    glyphs = set(fonts[0].charset)
    assert glyphs == {".notdef"} | {f"cid{code:05d}" for code in letters.codes.values()}
    assert letters.widths["内"] == 1000 > letters.widths["I"]
    with pikepdf.Pdf.new() as pdf:
        meaning = font_object(pdf, letters).ToUnicode.read_bytes()
    assert f"<{letters.codes['生']:04X}> <751f>".encode() in meaning


def test_too_many_letters_are_refused() -> None:
    """A label is a line and no text."""
    with pytest.raises(LabelError, match="more than 100"):
        letters_of("".join(chr(0x4E00 + number) for number in range(101)))
