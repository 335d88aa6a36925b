"""PDF documents: the label in the information dictionary (TC260-PG-20258A section 6.3), and the same in XMP.

Source: ISO 32000-2 sections 14.3.2 (XMP) and 14.3.3 (information dictionary). Programs of today read the one or the
other, so both say the same and count as one label. Contents of streams stay as they are, byte for byte; where they
stand changes, so what is signed is refused, and so is what is encrypted.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pikepdf
from pikepdf.settings import set_qpdf_limits

from gateway.labelling.container import Format
from gateway.labelling.members import MOST_LABEL_BYTES, LabelError
from gateway.labelling.xmp import MOST_PACKET_BYTES, labels_in, packet_with

_KEY = "/AIGC"
_MOST_BYTES = 1024 * 1024 * 1024
_UNPACKED_BYTES = 64 * 1024 * 1024
_SIGNATURES_EXIST = 1

# Process-wide, and nothing else here opens PDF: what a document may make of its streams, and how broken it may be.
set_qpdf_limits(
    doc_max_warnings=200,
    flate_max_memory=_UNPACKED_BYTES,
    run_length_max_memory=_UNPACKED_BYTES,
    png_max_memory=_UNPACKED_BYTES,
    tiff_max_memory=_UNPACKED_BYTES,
    dct_max_memory=_UNPACKED_BYTES,
)


def is_pdf(head: bytes) -> bool:
    """Tell a PDF document by its first bytes; some have a few others in front."""
    return b"%PDF-" in head[:1024]


@contextmanager
def opened_pdf(source: Path) -> Iterator[pikepdf.Pdf]:
    """Open a document for the length of a block.

    Raises:
        LabelError: it is encrypted, damaged beyond repair or very large.
    """
    if source.stat().st_size > _MOST_BYTES:
        raise LabelError("the PDF document is larger than 1 GiB, which is more than is held at once")
    try:
        with pikepdf.open(source, suppress_warnings=True) as pdf:
            if pdf.is_encrypted:
                # Also where no password is asked for: what was encrypted without one says what may be changed.
                raise LabelError("the PDF document is encrypted; label it before it is")
            yield pdf
    except pikepdf.PasswordError:
        raise LabelError("the PDF document is encrypted; label it before it is") from None
    # The library raises what its C++ parts do; all of it means that the document is not as it should be.
    except (pikepdf.PdfError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise LabelError(f"the PDF document is damaged ({type(error).__name__})") from error


def refuse_signed(pdf: pikepdf.Pdf) -> None:
    """Refuse a document that is signed, or says what may be changed of it.

    Raises:
        LabelError: it is.
    """
    form = pdf.Root.get("/AcroForm")
    flags = form.get("/SigFlags", 0) if isinstance(form, pikepdf.Dictionary) else 0
    if "/Perms" in pdf.Root or (isinstance(flags, int) and flags & _SIGNATURES_EXIST):
        raise LabelError("the PDF document is signed, and a label would break the signature; label it before signing")


def _packet(pdf: pikepdf.Pdf) -> bytes | None:
    stream = pdf.Root.get("/Metadata")
    if not isinstance(stream, pikepdf.Stream):
        return None
    raw = stream.read_raw_bytes()
    filters = stream.get("/Filter")
    if filters is None or (isinstance(filters, pikepdf.Array) and not len(filters)):
        packet = raw
    elif filters == pikepdf.Name.FlateDecode or (
        isinstance(filters, pikepdf.Array) and list(filters) == ["/FlateDecode"]
    ):
        packet = _unpacked(raw)
    else:
        raise LabelError("the XMP packet of the PDF document is packed in a way that is not read here")
    if len(packet) > MOST_PACKET_BYTES:
        raise LabelError(f"the XMP packet of the PDF document has more than {MOST_PACKET_BYTES} bytes")
    return packet


def _unpacked(raw: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        packet = unpacker.decompress(raw, MOST_PACKET_BYTES + 1)
    except zlib.error:
        packet = b""
    if not unpacker.eof and len(packet) <= MOST_PACKET_BYTES:
        raise LabelError("the XMP packet of the PDF document is damaged")
    return packet


def _write(source: Path, target: Path, label: bytes) -> None:
    with opened_pdf(source) as pdf:
        refuse_signed(pdf)
        packet = packet_with(label, _packet(pdf))
        pdf.docinfo[_KEY] = pikepdf.String(label.decode("ascii"))
        pdf.Root.Metadata = pdf.make_stream(packet, Type=pikepdf.Name.Metadata, Subtype=pikepdf.Name.XML)
        save_pdf(pdf, target)


def save_pdf(pdf: pikepdf.Pdf, target: Path) -> None:
    """Write a document; streams keep their bytes.

    Args:
        pdf: open.
        target: where it goes; overwritten.
    """
    pdf.save(
        target,
        linearize=pdf.is_linearized,
        object_stream_mode=pikepdf.ObjectStreamMode.preserve,
        stream_decode_level=pikepdf.StreamDecodeLevel.none,
        compress_streams=False,
        fix_metadata_version=False,
    )


def _read(source: Path) -> list[bytes]:
    with opened_pdf(source) as pdf:
        found = []
        information = pdf.trailer.get("/Info")
        value = information.get(_KEY) if isinstance(information, pikepdf.Dictionary) else None
        if value is not None:
            found.append(_text(value))
        packet = _packet(pdf)
        found += [] if packet is None else labels_in(packet)
        # The same in both places is one label, in order of appearance.
        return list(dict.fromkeys(found))


def _text(value: pikepdf.Object) -> bytes:
    # Something else than a string in the label's place is a broken label, and not none.
    return str(value).encode("utf-8", "replace")[: MOST_LABEL_BYTES + 1]


PDF = Format("PDF", (".pdf",), is_pdf, _write, _read)
