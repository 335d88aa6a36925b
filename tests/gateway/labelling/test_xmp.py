"""A packet is extended and never lost; what strangers put into one does no harm."""

from html import escape
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.labelling.members import MOST_LABEL_BYTES, MOST_LABELS, LabelError, Verdict, compact_json, read_labels
from gateway.labelling.xmp import MOST_PACKET_BYTES, labels_in, packet_with
from tests.gateway.labelling.pictures import MEMBERS, OLD_XMP
from tests.gateway.labelling.vendor_forms import attribute, element, packet

_LABEL = compact_json(MEMBERS)
_NAME = "{http://www.tc260.org.cn/ns/AIGC/1.0/}AIGC"


def test_new_packet_is_as_the_guide_has_it() -> None:
    """Wrapped, with the property under a description of its own; another parser reads it."""
    written = packet_with(_LABEL)
    assert written.startswith(b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>')
    assert written.endswith(b'<?xpacket end="w"?>')
    assert [each.text for each in ET.fromstring(written).iter(_NAME)]  # noqa: S314 == [_LABEL.decode()]
    assert b"xmlns:TC260" in written


def test_old_packet_is_kept_and_its_label_replaced() -> None:
    """Whatever form the old one had, one is left; everything else stays."""
    once = packet_with(_LABEL, OLD_XMP)
    assert "张三".encode() in once
    for old in (element("{}"), attribute("{}"), once, packet_with(b"{}", once)):
        assert labels_in(packet_with(_LABEL, old)) == [_LABEL]
    assert packet_with(_LABEL, once).count(b"rdf:Description") == once.count(b"rdf:Description")
    about = packet('<rdf:Description rdf:about="uuid:1"/>')
    assert packet_with(_LABEL, about).count(b'rdf:about="uuid:1"') == 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_packets_in_other_encodings_are_read(encoding: str) -> None:
    """ISO 16684-1 allows them."""
    text = element(escape(_LABEL.decode())).decode().encode(encoding)
    assert labels_in(text) == [_LABEL]


@pytest.mark.parametrize(
    "harm",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>' + element("&b;"),
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd">' + element("{}"),
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + element("&a;"),
        '<!DOCTYPE x [<!ENTITY a "b">]>'.encode("utf-16") + element("{}").decode().encode("utf-16-le"),
        b"<a>" * 2000 + b"TC260",
        element("{}")[:-20],
        b"TC260" + b" " * MOST_PACKET_BYTES,
    ],
    ids=["entities", "outside", "outside entity", "utf-16", "deep", "open", "long"],
)
def test_harmful_packets_are_broken_and_not_extended(harm: bytes) -> None:
    """No entity is expanded, no file is opened, nothing is written over."""
    for label in labels_in(harm):
        assert b"root:" not in label
        assert not label.startswith(b"{")
    with pytest.raises(LabelError):
        packet_with(_LABEL, harm)


def test_packet_without_rdf_is_refused() -> None:
    """There is nothing to add to."""
    with pytest.raises(LabelError, match="rdf:RDF"):
        packet_with(_LABEL, b"<a/>")


@given(st.binary(max_size=400))
def test_any_packet_is_read_without_a_crash(data: bytes) -> None:
    """And so is any beginning of one."""
    labels_in(data)
    labels_in(element("{}")[: len(data)] + data)


@pytest.mark.parametrize(
    "packet",
    [
        b"<?xpacket" * 200_000,
        b"<?xpacket " * 100_000 + b"TC260",
        b"<?xml ?" * 200_000,
        b"<a>" * 600_000,
        b'<x:a xmlns:x="http://www.tc260.org.cn/ns/AIGC/1.0/">' + b"<x:AIGC/>" * 200_000 + b"</x:a>",
    ],
    ids=["wrappings", "wrappings and a label", "declarations", "depth", "labels"],
)
def test_hostile_packet_is_read_without_hanging(packet: bytes) -> None:
    """Quadratic work on these would outlast the limit of every test."""
    assert len(labels_in(packet)) <= MOST_LABELS + 1


def test_labels_inside_of_each_other_are_cut() -> None:
    """Each has the text of all below; together that would be the square of the packet."""
    opening = b'<x:a xmlns:x="http://www.tc260.org.cn/ns/AIGC/1.0/">'
    nested = opening + b"<x:AIGC>" * 200 + b"y" * 1_000_000 + b"</x:AIGC>" * 200 + b"</x:a>"
    found = labels_in(nested)
    assert (len(found), max(map(len, found))) == (MOST_LABELS + 1, MOST_LABEL_BYTES + 1)
    assert read_labels(found).verdict is Verdict.BROKEN
