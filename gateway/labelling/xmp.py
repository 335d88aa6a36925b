"""The label in an XMP packet: property ``AIGC`` of a namespace of its own (TC260-PG-20259A; ISO 16684-1).

Rules: a packet is XML of strangers, so it has no document type, no entities and a bound; one that cannot be read is
not written over, because what it holds would be lost.
"""

import re
from collections.abc import Iterator
from itertools import islice

from lxml import etree

from gateway.labelling.members import MOST_LABEL_BYTES, MOST_LABELS, LabelError

MOST_PACKET_BYTES = 2 * 1024 * 1024
"""Longest packet that is read: parsed it takes some forty times that in memory at worst."""

NAMESPACE = "http://www.tc260.org.cn/ns/AIGC/1.0/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_META = "adobe:ns:meta/"
_DESCRIPTION, _ABOUT = f"{{{_RDF}}}Description", f"{{{_RDF}}}about"
_PROPERTY = f"{{{NAMESPACE}}}AIGC"
# Vendors drop the slash or change the version.
_ANY_NAMESPACE = "http://www.tc260.org.cn"
_HEAD = b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
_TAIL = b'\n<?xpacket end="w"?>'
# Without another opening inside: one that never closes is then given up where the next begins, and not at the end.
_WRAPPING = re.compile(r"<\?(?:xpacket|xml)\b[^<>]*+>")


def packet_with(label: bytes, packet: bytes | None = None) -> bytes:
    """Return an XMP packet with a label, and with everything an earlier one has.

    Args:
        label: JSON text of the seven members.
        packet: the file's packet so far; None without any.

    Raises:
        LabelError: the packet so far cannot be read.
    """
    root = _empty() if packet is None else _parsed(packet)
    rdf = root if root.tag == f"{{{_RDF}}}RDF" else root.find(f".//{{{_RDF}}}RDF")
    if rdf is None:
        raise LabelError("the file's XMP packet has no rdf:RDF; nothing can be added to it")
    _remove_labels(root)
    # ISO 16684-1: all descriptions of a packet are about the same thing.
    first = rdf.find(_DESCRIPTION)
    about = "" if first is None else first.get(_ABOUT, "")
    description = etree.SubElement(rdf, _DESCRIPTION, {_ABOUT: about}, nsmap={"TC260": NAMESPACE})
    etree.SubElement(description, _PROPERTY).text = label.decode("utf-8")
    body: bytes = etree.tostring(root, encoding="utf-8")
    return _HEAD + body + _TAIL


def labels_in(packet: bytes) -> list[bytes]:
    """Return the labels in an XMP packet as JSON text; empty without any.

    Args:
        packet: the packet, with its wrapping or without.
    """
    try:
        root = _parsed(packet)
    except LabelError:
        # It cannot be read, and it speaks of a label: that is a broken one, and not none.
        at = packet.find(b"TC260")
        return [] if at < 0 else [packet[at : at + MOST_LABEL_BYTES]]
    # One more than are read, so that there being too many is seen.
    found = islice(_found(root), MOST_LABELS + 1)
    return [text[: MOST_LABEL_BYTES + 1].encode("utf-8") for _, _, text in found]


def _empty() -> etree._Element:
    root = etree.Element(f"{{{_META}}}xmpmeta", nsmap={"x": _META})
    etree.SubElement(root, f"{{{_RDF}}}RDF", nsmap={"rdf": _RDF})
    return root


def _parsed(packet: bytes) -> etree._Element:
    if len(packet) > MOST_PACKET_BYTES:
        raise LabelError(f"the file's XMP packet has {len(packet)} bytes; no more than {MOST_PACKET_BYTES} are read")
    text = _WRAPPING.sub("", _decoded(packet)).strip("\ufeff\0 \t\r\n")
    # Looked for in the text, since a parser that meets a document type has begun to act on it.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise LabelError("the file's XMP packet has a document type or entities, which are not read")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, encoding="utf-8"
    )
    try:
        return etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError) as exc:
        raise LabelError("the file's XMP packet is not well-formed XML; mend or remove it first") from exc


def _decoded(packet: bytes) -> str:
    for mark, encoding in (
        (b"\0<", "utf-16-be"),
        (b"<\0", "utf-16-le"),
        (b"\xfe\xff", "utf-16"),
        (b"\xff\xfe", "utf-16"),
    ):
        if packet.startswith(mark):
            return packet.decode(encoding, "replace")
    return packet.decode("utf-8", "replace")


def _found(root: etree._Element) -> Iterator[tuple[etree._Element, str | None, str]]:
    """Yield element, attribute name (None for the element itself) and text of each label."""
    for element in root.iter(etree.Element):
        if _is_label(element.tag):
            yield element, None, "".join(element.itertext())
        for name, value in element.attrib.items():
            if _is_label(name):
                yield element, str(name), str(value)


def _is_label(name: object) -> bool:
    text = str(name)
    return text.endswith("}AIGC") and text.startswith("{" + _ANY_NAMESPACE)


def _remove_labels(root: etree._Element) -> None:
    for element, attribute, _ in list(_found(root)):
        if attribute is not None:
            del element.attrib[attribute]
        elif (parent := element.getparent()) is not None:
            parent.remove(element)
            if parent.tag == _DESCRIPTION and not len(parent) and set(parent.attrib) <= {_ABOUT}:
                _drop_empty(parent)


def _drop_empty(description: etree._Element) -> None:
    parent = description.getparent()
    if parent is not None:
        parent.remove(description)
