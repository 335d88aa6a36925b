"""The custom property `AIGC` of office documents."""

import io
import zipfile
from pathlib import Path

import docx
import openpyxl
import pytest
from openpyxl.packaging.custom import StringProperty

from gateway.labelling.documents_office import DOCX, PPTX, XLSX, parse_xml
from gateway.labelling.members import LabelError
from tests.media import LABEL, OFFICE, OLDER_LABEL, archive

_PROPERTIES = (
    b'<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"'
    b' xmlns:vt="http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes">%s</Properties>'
)
_PROPERTY = (
    b'<property fmtid="{D5CDD505-2E9C-101B-9397-08002B2CF9AE}" pid="%d" name="%b"><vt:lpwstr>%b</vt:lpwstr>'
    b"</property>"
)
_OTHER = _PROPERTY % (7, b"Other", b"Kept")
_AIGC = _PROPERTY % (2, b"AIGC", b"older")


def _written(tmp_path: Path, data: bytes) -> bytes:
    old, new = tmp_path / "old.docx", tmp_path / "new.docx"
    old.write_bytes(data)
    DOCX.write(old, new, LABEL)
    assert DOCX.read(new) == [LABEL]
    return new.read_bytes()


def _parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as read:
        return {name: read.read(name) for name in read.namelist()}


def test_a_word_document_opens_elsewhere(tmp_path: Path) -> None:
    """With its text; only three small parts are new or other, and a second label changes one of them."""
    document = docx.Document()
    document.add_paragraph("你好")
    held = io.BytesIO()
    document.save(held)

    once = _written(tmp_path, held.getvalue())

    assert [each.text for each in docx.Document(io.BytesIO(once)).paragraphs] == ["你好"]
    old, new = _parts(held.getvalue()), _parts(once)
    assert {name for name in new if new[name] != old.get(name)} == {
        "docProps/custom.xml",
        "_rels/.rels",
        "[Content_Types].xml",
    }
    assert _parts(_written(tmp_path, once)) == new


def test_an_excel_document_keeps_its_properties(tmp_path: Path) -> None:
    """A stranger reads the label beside what else is said of the document."""
    book = openpyxl.Workbook()
    book.active["A1"] = 5
    book.custom_doc_props.append(StringProperty(name="Other", value="Kept"))
    book.custom_doc_props.append(StringProperty(name="aigc", value=OLDER_LABEL.decode()))
    old, new = tmp_path / "old.xlsx", tmp_path / "new.xlsx"
    book.save(old)

    XLSX.write(old, new, LABEL)

    found = openpyxl.load_workbook(new)
    assert [(each.name, each.value) for each in found.custom_doc_props.props] == [
        ("Other", "Kept"),
        ("AIGC", LABEL.decode()),
    ]
    assert found.active["A1"].value == 5


def test_numbers_of_properties_are_unique(tmp_path: Path) -> None:
    """The new one gets a number above all others, and the older label goes wherever it stood."""
    relation = (
        b'<Relationship Id="rId9" Target="/props/my.xml"'
        b' Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/custom-properties"/>'
        b"</Relationships>"
    )
    relations = OFFICE["_rels/.rels"].replace(b"</Relationships>", relation)
    parts = {**OFFICE, "_rels/.rels": relations, "Props/My.xml": _PROPERTIES % (_AIGC + _OTHER + _AIGC)}
    root = parse_xml(_parts(_written(tmp_path, archive(parts)))["Props/My.xml"])
    assert [(each.get("name"), each.get("pid")) for each in root] == [("Other", "7"), ("AIGC", "8")]


def test_a_label_nobody_refers_to_is_read(tmp_path: Path) -> None:
    """Somebody put it there."""
    old = tmp_path / "old.docx"
    old.write_bytes(archive({**OFFICE, "docProps/custom.xml": _PROPERTIES % _AIGC}))
    assert DOCX.read(old) == [b"older"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "encrypted"),
        (archive({"a": b"b"}), "no office document"),
        (archive({**OFFICE, "_xmlsignatures/origin.sigs": b""}), "signed"),
        (archive({**OFFICE, "docProps/custom.xml": b"<a"}), "not well-formed"),
        (archive({**OFFICE, "docProps/custom.xml": b" " * 5_000_000}), "unpacks to more"),
        (archive({**OFFICE, "docProps/custom.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}), "document type"),
        (
            archive(
                {
                    **OFFICE,
                    "docProps/custom.xml": '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a><a/>'.encode("utf-16"),
                }
            ),
            "document type",
        ),
        (
            archive(
                {
                    **OFFICE,
                    "docProps/custom.xml": b'<?xml version="1.0" encoding="UTF-7"?>+ADw-+ACE-DOCTYPE a+AD4-<a/>',
                }
            ),
            "document type|well-formed",
        ),
        (
            archive({**OFFICE, "docProps/custom.xml": _PROPERTIES % _OTHER.replace(b'"7"', b'"2147483647"')}),
            "used up",
        ),
    ],
)
def test_what_cannot_take_a_label_says_why(tmp_path: Path, data: bytes, reason: str) -> None:
    """Signed and encrypted ones would be broken; entities, bombs and damage are not taken in."""
    with pytest.raises(LabelError, match=reason):
        _written(tmp_path, data)


def test_formats_are_told_apart() -> None:
    """By the folder of their parts; where none shows, each of them may be meant."""
    word = archive(OFFICE)
    assert [each.sniff(word) for each in (DOCX, XLSX, PPTX)] == [True, False, False]
    assert all(each.sniff(b"PK\x03\x04") for each in (DOCX, XLSX, PPTX))
    assert not any(each.sniff(b"%PDF-") for each in (DOCX, XLSX, PPTX))
