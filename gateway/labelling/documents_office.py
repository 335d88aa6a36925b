"""Word, Excel and PowerPoint documents: the label in a custom property `AIGC` (TC260-PG-20258A section 6.1).

Source: ECMA-376 part 1 section 22.3 (custom properties) and part 2 (content types, relationships). Three small parts
change, all others stay byte for byte. XML with a document type is refused: no office program writes one, and entities
are what it would be for.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from lxml import etree

from gateway.labelling.container import Format
from gateway.labelling.documents_zip import Archive, archive_of, archive_pieces, read_entry
from gateway.labelling.members import LabelError
from gateway.labelling.splice import Piece, write_spliced

PART_BYTES = 4 * 1024 * 1024
"""Most bytes of a part that is taken apart as XML."""
_CUSTOM = "docProps/custom.xml"
_TYPES, _RELATIONS = "[Content_Types].xml", "_rels/.rels"
_FORMAT_ID = "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"
_PROPERTIES = "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"
_VALUES = "http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"
_CONTENT_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_PACKAGE_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_CUSTOM_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/custom-properties"
# The strict form of the standard has names of its own.
_CUSTOM_RELATIONS = (_CUSTOM_RELATION, "http://purl.oclc.org/ooxml/officeDocument/relationships/customProperties")
_CUSTOM_TYPE = "application/vnd.openxmlformats-officedocument.custom-properties+xml"
_SIGNATURES = "_xmlsignatures/"
_FIRST_ID = 2
_MOST_ID = 0x7FFFFFFF
_KEY = "AIGC"
_ZIP, _COMPOUND = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_DOCUMENT_TYPE = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def parse_xml(data: bytes) -> etree._Element:
    """Take a part of a document apart.

    Raises:
        LabelError: it is no well-formed XML, or has a document type.
    """
    # In UTF-16 every second byte is zero; without them the mark shows in either byte order.
    if _DOCUMENT_TYPE.search(data.replace(b"\0", b"")):
        raise LabelError("the document has XML with a document type, which no office program writes")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root: etree._Element = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise LabelError("the document has XML that is not well-formed") from error
    if root.getroottree().docinfo.internalDTD is not None:  # hidden above by an encoding of its own
        raise LabelError("the document has XML with a document type, which no office program writes")
    return root


def write_xml(root: etree._Element) -> bytes:
    """Return a part of a document as it is stored."""
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
    return written


def office_pieces(file: BinaryIO, label: bytes) -> Iterator[Piece]:
    """Give what a labelled document is made of.

    Args:
        file: the document without the label, or with an earlier one.
        label: JSON text of the label.

    Raises:
        LabelError: it is damaged, encrypted, signed, or built to mislead.
    """
    refuse_compound(file)
    archive = archive_of(file)
    refuse_signed(archive)
    changed = labelled_parts(file, archive, label)
    yield from archive_pieces(archive, changed)


def refuse_compound(file: BinaryIO) -> None:
    """Refuse the container of encrypted documents and of those from before 2007.

    Raises:
        LabelError: the file is one.
    """
    file.seek(0)
    if file.read(len(_COMPOUND)) == _COMPOUND:
        raise LabelError("the document is encrypted, or of the format from before 2007; neither can take a label")


def refuse_signed(archive: Archive) -> None:
    """Refuse a document with a signature, which any change breaks.

    Raises:
        LabelError: it has one.
    """
    if any(each.name.lower().startswith(_SIGNATURES) for each in archive.entries):
        raise LabelError("the document is signed, and a label would break the signature; label it before signing")


def labelled_parts(file: BinaryIO, archive: Archive, label: bytes) -> dict[str, bytes]:
    """Return the parts of a document that change, by name."""
    relations = _part(file, archive, _RELATIONS)
    types = _part(file, archive, _TYPES)
    if relations is None or types is None:
        raise LabelError("the archive is no office document: it lacks relationships or content types")
    name = _custom_name(relations) or _CUSTOM
    properties = _part(file, archive, name)
    changed = {_entry_name(archive, name): write_xml(_labelled(properties, label))}
    if _custom_name(relations) is None:
        _relate(relations, name)
        changed[_entry_name(archive, _RELATIONS)] = write_xml(relations)
    if not _typed(types, name):
        etree.SubElement(
            types, f"{{{_CONTENT_TYPES}}}Override", {"PartName": f"/{name}", "ContentType": _CUSTOM_TYPE}
        )
        changed[_entry_name(archive, _TYPES)] = write_xml(types)
    return changed


def _entry_name(archive: Archive, name: str) -> str:
    entry = archive.find(name)
    return entry.name if entry else name


def _part(file: BinaryIO, archive: Archive, name: str) -> etree._Element | None:
    entry = archive.find(name)
    return None if entry is None else parse_xml(read_entry(file, entry, PART_BYTES))


def _custom_name(relations: etree._Element) -> str | None:
    for relation in relations:
        if relation.get("Type") in _CUSTOM_RELATIONS and relation.get("Target"):
            return str(relation.get("Target")).lstrip("/")
    return None


def _relate(relations: etree._Element, name: str) -> None:
    taken = {relation.get("Id") for relation in relations}
    number = next(each for each in range(1, len(taken) + 2) if f"rId{each}" not in taken)
    etree.SubElement(
        relations,
        f"{{{_PACKAGE_RELATIONS}}}Relationship",
        {"Id": f"rId{number}", "Type": _CUSTOM_RELATION, "Target": name},
    )


def _typed(types: etree._Element, name: str) -> bool:
    return any(str(each.get("PartName", "")).lower() == f"/{name}".lower() for each in types)


def _labelled(properties: etree._Element | None, label: bytes) -> etree._Element:
    root = etree.Element(f"{{{_PROPERTIES}}}Properties", nsmap={None: _PROPERTIES, "vt": _VALUES})
    root = root if properties is None else properties
    for old in _label_properties(root):
        root.remove(old)
    taken = [int(each.get("pid", "0")) for each in root if str(each.get("pid", "0")).isdecimal()]
    number = max([_FIRST_ID - 1, *taken]) + 1
    if number > _MOST_ID:
        raise LabelError("the document's custom properties have used up their numbers")
    # The namespace of the root: the strict form of the standard has another one.
    space = etree.QName(root).namespace or _PROPERTIES
    values = next((uri for prefix, uri in root.nsmap.items() if prefix == "vt"), _VALUES)
    added = etree.SubElement(root, f"{{{space}}}property", {"fmtid": _FORMAT_ID, "pid": str(number), "name": _KEY})
    etree.SubElement(added, f"{{{values}}}lpwstr").text = label.decode("ascii")
    return root


def _label_properties(root: etree._Element) -> list[etree._Element]:
    return [each for each in root if str(each.get("name", "")).upper() == _KEY]


def _labels(file: BinaryIO) -> list[bytes]:
    refuse_compound(file)
    archive = archive_of(file)
    relations = _part(file, archive, _RELATIONS)
    name = None if relations is None else _custom_name(relations)
    # A part nobody refers to is shown by no program, and is read all the same: somebody put it there.
    properties = _part(file, archive, name or _CUSTOM)
    if properties is None:
        return []
    return ["".join(each.itertext()).strip().encode() for each in _label_properties(properties)]


def _write(source: Path, target: Path, label: bytes) -> None:
    write_spliced(source, target, label, office_pieces)


def _read(source: Path) -> list[bytes]:
    with source.open("rb") as file:
        return _labels(file)


def _is_office(head: bytes, folder: bytes, others: tuple[bytes, ...]) -> bool:
    if head.startswith(_COMPOUND):
        return True
    if not head.startswith(_ZIP):
        return False
    # The first entries are the content types and relations; where the folder shows is up to the program.
    return folder in head or not any(each in head for each in others)


def _format(name: str, extensions: tuple[str, ...], folder: bytes, others: tuple[bytes, ...]) -> Format:
    return Format(name, extensions, partial(_is_office, folder=folder, others=others), _write, _read)


DOCX = _format("Word", (".docx", ".dotx", ".docm"), b"word/", (b"xl/", b"ppt/"))
XLSX = _format("Excel", (".xlsx", ".xltx", ".xlsm"), b"xl/", (b"word/", b"ppt/"))
PPTX = _format("PowerPoint", (".pptx", ".potx", ".pptm"), b"ppt/", (b"word/", b"xl/"))
