"""The label of PDF documents, in both of its places."""

import zlib
from pathlib import Path

import pikepdf
import pytest

from gateway.labelling.documents_pdf import PDF, is_pdf
from gateway.labelling.members import LabelError
from gateway.labelling.xmp import labels_in, packet_with
from tests.media import LABEL, OLDER_LABEL, pdf


def _written(tmp_path: Path, data: bytes) -> Path:
    old, new = tmp_path / "old.pdf", tmp_path / "new.pdf"
    old.write_bytes(data)
    PDF.write(old, new, LABEL)
    assert PDF.read(new) == [LABEL]
    return new


def _with_packet(tmp_path: Path, packet: bytes, packing: pikepdf.Name | None = None) -> bytes:
    path = tmp_path / "made.pdf"
    path.write_bytes(pdf())
    with pikepdf.open(path) as document:
        document.Root.Metadata = pikepdf.Stream(
            document, packet, pikepdf.Dictionary(Filter=packing) if packing is not None else None
        )
        # As it is: the library would mend the packet.
        document.save(
            tmp_path / "made2.pdf",
            compress_streams=False,
            stream_decode_level=pikepdf.StreamDecodeLevel.none,
            fix_metadata_version=False,
        )
    return (tmp_path / "made2.pdf").read_bytes()


@pytest.mark.parametrize(
    "data", [pdf(), pdf(linearize=True), pdf(object_stream_mode=pikepdf.ObjectStreamMode.generate), b"\n\n" + pdf()]
)
def test_both_places_say_the_same_and_pages_stay(tmp_path: Path, data: bytes) -> None:
    """Title, content of the page and way of storing are kept; a second label is one label still."""
    new = _written(tmp_path, data)
    for path in (new, _written(tmp_path, new.read_bytes())):
        with pikepdf.open(path) as document:
            assert str(document.docinfo["/AIGC"]) == LABEL.decode()
            assert str(document.docinfo["/Title"]) == "Kept"
            assert labels_in(document.Root.Metadata.read_bytes()) == [LABEL]
            assert document.pages[0].Contents.read_bytes() == b"0 0 m 9 9 l S"
            assert document.is_linearized == (b"/Linearized" in data)


@pytest.mark.parametrize("packed", [True, False])
def test_xmp_is_kept(tmp_path: Path, packed: bool) -> None:  # noqa: FBT001 both ways of storing
    """What a packet says beside an older label is kept, packed or not."""
    creator = (
        b'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="Kept" rdf:about=""/></rdf:RDF>'
    )
    packet = packet_with(OLDER_LABEL).replace(b"</rdf:RDF>", creator)
    data = _with_packet(
        tmp_path, zlib.compress(packet) if packed else packet, pikepdf.Name.FlateDecode if packed else None
    )
    with pikepdf.open(_written(tmp_path, data)) as document:
        assert b'dc:source="Kept"' in document.Root.Metadata.read_bytes()


@pytest.mark.parametrize("user", ["", "secret"])
def test_encrypted_documents_are_refused(tmp_path: Path, user: str) -> None:
    """Also where everybody may open them; and they cannot be read either."""
    data = pdf(encryption=pikepdf.Encryption(owner="owner", user=user))
    with pytest.raises(LabelError, match="encrypted"):
        _written(tmp_path, data)
    with pytest.raises(LabelError, match="encrypted"):
        PDF.read(tmp_path / "old.pdf")


def test_signed_documents_are_refused(tmp_path: Path) -> None:
    """A label would break the signature."""
    path = tmp_path / "made.pdf"
    path.write_bytes(pdf())
    with pikepdf.open(path) as document:
        document.Root.AcroForm = pikepdf.Dictionary(SigFlags=3, Fields=pikepdf.Array())
        document.save(tmp_path / "signed.pdf")
    with pytest.raises(LabelError, match="signed"):
        _written(tmp_path, (tmp_path / "signed.pdf").read_bytes())


def test_bombs_and_damage_are_refused(tmp_path: Path) -> None:
    """A packet that unpacks to more than one has, one packed in a rare way, and no document at all."""
    for data, reason in (
        (_with_packet(tmp_path, zlib.compress(bytes(50_000_000)), pikepdf.Name.FlateDecode), "more than"),
        (_with_packet(tmp_path, b"x", pikepdf.Name.FlateDecode), "packet of the PDF document is damaged"),
        (_with_packet(tmp_path, b"x", pikepdf.Name.LZWDecode), "packed in a way"),
        (_with_packet(tmp_path, b"<a"), "well-formed"),
        (b"%PDF-1.7\nnothing", "damaged"),
    ):
        with pytest.raises(LabelError, match=reason):
            _written(tmp_path, data)


def test_two_places_that_differ_are_two_labels(tmp_path: Path) -> None:
    """Which one is meant is not for us to say."""
    new = _written(tmp_path, pdf())
    with pikepdf.open(new, allow_overwriting_input=True) as document:
        document.docinfo["/AIGC"] = OLDER_LABEL.decode()
        document.save(new)
    assert PDF.read(new) == [OLDER_LABEL, LABEL]


def test_the_beginning_tells() -> None:
    """Readers look for it within the first thousand bytes."""
    assert is_pdf(b"junk" + pdf())
    assert not is_pdf(b"PDF")
