"""Labels as vendors really write them, made here after public descriptions; none is anybody's file."""

import io
import json
import struct
import zlib
from collections.abc import Callable
from functools import partial
from html import escape
from pathlib import Path

import pikepdf

from gateway.labelling.members import Verdict
from tests.gateway.labelling.pictures import OTHER, PRODUCER, encoded, noise
from tests.media import MP3_FRAME, OFFICE, SMALL, archive, box, comments, flac, id3, mkv, mp4, wav
from tests.media import chunk as riff_chunk
from tests.media import element as matroska

SECURITY = json.dumps(
    {
        "SecurityData": {
            "Type": "TC260PG",
            "Version": 1,
            "PubSD": [
                {
                    "Type": "DS",
                    "AlgID": "1.2.156.10197.1.501",
                    "TBSData": {"Type": "LabelMataData"},
                    "Signature": "3045",
                },
                {"Type": "PubKey", "AlgID": "1.2.156.10197.1.501", "KeyValue": "00ab"},
            ],
            "Bindings": [],
        }
    },
    separators=(",", ":"),
)


def inner(**changes: object) -> dict[str, object]:
    """Return the seven members as a vendor has them."""
    members: dict[str, object] = {
        "Label": "1",
        "ContentProducer": OTHER,
        "ProduceID": "id-1",
        "ReservedCode1": "",
        "ContentPropagator": OTHER,
        "PropagateID": "id-1",
        "ReservedCode2": "",
    }
    return members | changes


def text(members: object) -> bytes:
    """Return JSON as a vendor writes it."""
    return json.dumps(members, ensure_ascii=False).encode()


def packet(description: str) -> bytes:
    """Return an XMP packet with a description written by hand."""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f"{description}</rdf:RDF></x:xmpmeta>"
    ).encode()


def element(label: str) -> bytes:
    """Return a packet with the label as an element; `label` as XML has it."""
    return packet(
        '<rdf:Description rdf:about="" xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/">'
        f"<TC260:AIGC>{label}</TC260:AIGC></rdf:Description>"
    )


def attribute(label: str) -> bytes:
    """Return a packet with the label as an attribute; `label` as XML has it."""
    return packet(
        f'<rdf:Description rdf:about="" xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/" TC260:AIGC="{label}"/>'
    )


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a PNG chunk."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*chunks: bytes) -> bytes:
    """Return a PNG with chunks behind its header."""
    plain = encoded(noise(), "PNG")
    return plain[:33] + b"".join(chunks) + plain[33:]


def xmp_png(xmp: bytes) -> bytes:
    """Return a PNG with an XMP packet."""
    return png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp))


def jpeg(*segments: tuple[int, bytes], between: bytes = b"") -> bytes:
    """Return a JPEG with segments behind its JFIF header, and bytes between them and the rest."""
    plain = encoded(noise(), "JPEG")
    added = b"".join(struct.pack(">BBH", 0xFF, kind, len(data) + 2) + data for kind, data in segments)
    return plain[:20] + added + between + plain[20:]


def exif(tag: int, value: bytes, order: str = "<") -> bytes:
    """Return an EXIF block whose first directory, or EXIF directory for a comment, has one value."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(order + "HHII", tag, 7 if tag == 0x9286 else 2, len(value), 0)
    head = mark + struct.pack(order + "I", 8)
    first = struct.pack(order + "H", 1)
    if tag != 0x9286:
        return head + first + entry[:8] + struct.pack(order + "II", 26, 0) + value
    pointer = struct.pack(order + "HHII", 0x8769, 4, 1, 26)
    return head + first + pointer + bytes(4) + first + entry[:8] + struct.pack(order + "II", 44, 0) + value


def cyclic_pdf() -> bytes:
    """Return a PDF whose objects refer to themselves, its label among them."""
    body = b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 1 0 R/Kids[1 0 R]/Metadata 1 0 R/AIGC 2 0 R>>endobj\n"
    return body + b"2 0 obj 2 0 R endobj\ntrailer<</Root 1 0 R/Info 1 0 R/Prev 0/Size 3>>\n%%EOF"


def pdf_with_label(value: object) -> bytes:
    """Return a PDF with a value in the label's place."""
    held = io.BytesIO()
    with pikepdf.new() as document:
        document.docinfo["/AIGC"] = value
        document.save(held)
    return held.getvalue()


def _comment(label: bytes) -> bytes:
    return exif(0x9286, b"ASCII\0\0\0" + label)


def keyed(label: bytes) -> bytes:
    """Return an MP4 with a label in ``keys`` and ``ilst``, as encoders write it."""
    handler = box(b"hdlr", bytes(8), b"mdta", bytes(13))
    keys = box(b"keys", bytes(4), struct.pack(">I", 1), box(b"mdta", b"AIGC"))
    items = box(b"ilst", box(struct.pack(">I", 1), box(b"data", struct.pack(">II", 1, 0), label)))
    return mp4(udta=box(b"udta", box(b"meta", bytes(4), handler, keys, items)))


def tagged(label: bytes) -> bytes:
    """Return an MP3 with a label in a text frame, in UTF-16 as some encoders write it."""
    content = b"\1" + "AIGC".encode("utf-16") + b"\0\0" + label.decode().encode("utf-16")
    head = b"TXXX" + len(content).to_bytes(4) + bytes(2)
    return id3(3, head + content) + MP3_FRAME * 3


def front_matter(members: dict[str, object]) -> bytes:
    """Return a Markdown export."""
    lines = [f"  {name}: '{value}'" for name, value in members.items()]
    return "\n".join(["---", "AIGC:", *lines, "---", "# 标题", ""]).encode()


TENCENT_OLDER = {"ServiceProvider": OTHER, "ServiceUser": "u", "Time": "2025-01-01T00:00:00", "ContentId": "id-1"}

# Section numbers of the survey these follow; what a label says does not depend on the container.
TEXTS: dict[str, tuple[bytes, Verdict, str, str]] = {
    "1 inner object": (text(inner()), Verdict.IS, OTHER, "id-1"),
    "2 name for a code": (text(inner(ContentProducer="picwish")), Verdict.IS, "picwish", "id-1"),
    "3 incomplete and reordered": (
        text({"ContentPropagator": OTHER, "Label": "1", "ProduceID": "id-1"}),
        Verdict.IS,
        "",
        "id-1",
    ),
    "4 wrapped": (text({"AIGC": inner()}), Verdict.IS, OTHER, "id-1"),
    "5 key in front": (b"AIGC" + text(inner()), Verdict.IS, OTHER, "id-1"),
    "6 older scheme": (text(TENCENT_OLDER), Verdict.SUSPECTED, OTHER, "id-1"),
    "7 film with security data": (text(inner(ReservedCode1=SECURITY)), Verdict.IS, OTHER, "id-1"),
    "8 speech with security data": (
        text(inner(ContentProducer="MiniMax", ReservedCode1=SECURITY)),
        Verdict.IS,
        "MiniMax",
        "id-1",
    ),
    "9 both reserved members": (
        text(inner(ReservedCode1=SECURITY, ReservedCode2=SECURITY)),
        Verdict.IS,
        OTHER,
        "id-1",
    ),
    "10 answer of a query": (text({"AIGC": inner(Label="2")}), Verdict.MAY_BE, OTHER, "id-1"),
    "11 options of speech": (
        text({"content_producer": OTHER, "produce_id": "id-1", "content_propagator": "", "propagate_id": ""}),
        Verdict.SUSPECTED,
        OTHER,
        "id-1",
    ),
    "12 member of an answer": (text({"aigc": inner(), "aigc_hint": True, "choices": []}), Verdict.IS, OTHER, "id-1"),
}

FILES: dict[str, Callable[[], bytes]] = {
    "1 element.png": lambda: xmp_png(element(escape(text(inner()).decode()))),
    "1 element.jpg": lambda: jpeg(
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + element(escape(text(inner()).decode())))
    ),
    "2 attribute.jpg": lambda: jpeg(
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + attribute(escape(text(inner()).decode())))
    ),
    "3 text chunk.png": lambda: png(chunk(b"tEXt", b"AIGC\0" + text(inner()))),
    "4 comment.jpg": lambda: jpeg((0xE1, b"Exif\0\0" + _comment(text({"AIGC": inner()})))),
    "5 bare.jpg": lambda: jpeg(between=b"AIGC" + text(inner())),
    "5 bare in a segment.jpg": lambda: jpeg((0xEB, b"AIGC" + text(inner()))),
    "6 description.jpg": lambda: jpeg((0xE1, b"Exif\0\0" + exif(0x010E, text(TENCENT_OLDER) + b"\0"))),
    "7 security.png": lambda: xmp_png(element(escape(text(inner(ReservedCode1=SECURITY)).decode()))),
    "7 film.mp4": lambda: keyed(text(inner(ReservedCode1=SECURITY))),
    "8 speech.mp3": lambda: tagged(text(inner(ReservedCode1=SECURITY))),
    "9 front matter.md": lambda: front_matter(inner(ReservedCode1=SECURITY, ReservedCode2=SECURITY)),
    "10 answer of a query.json": lambda: text({"AIGC": inner()}),
    "11 options of speech.mp3": lambda: tagged(TEXTS["11 options of speech"][0]),
    "12 answer.json": lambda: text({"id": "1", "aigc": inner(), "aigc_hint": True, "choices": []}),
}
"""Files by form; each is OTHER's ``id-1``."""

TRACES = ("6 ", "11 ")
"""Beginnings of the names of forms that name a provider and have no attribute."""


def written(path: Path, data: bytes) -> Path:
    """Write a file; return its path."""
    path.write_bytes(data)
    return path


_BAD_TEXTS: tuple[bytes, ...] = (
    b"",
    b"{",
    b"}",
    b"[]",
    b"null",
    b"1",
    b'"AIGC"',
    b"true",
    b"{}",
    b'{"AIGC":{}}',
    b'{"AIGC":[]}',
    b'{"AIGC":null}',
    b'{"AIGC":{"AIGC":{"AIGC":{"AIGC":{"Label":"1"}}}}}',
    b'{"Label":"AIGC"}',
    b'{"Label":"4","ContentProducer":"x"}',
    b'{"Label":["1"]}',
    b'{"Label":{"1":"1"}}',
    b'{"Label":true}',
    b'{"Label":"1"',
    b'{"Label":"1",}',
    b"{'Label':'1'}",
    b'{"Label":1e999}',
    b'{"Label":NaN}',
    b"[" * 5000,
    b'{"AIGC":' * 3000,
    b"\xff\xfe\xfd",
    b"\0\0\0\0",
    b'{"Label":"\xff"}',
    b"x" * (70 * 1024),
    PRODUCER.encode(),
)


def _text_png(label: bytes) -> bytes:
    return png(chunk(b"tEXt", b"AIGC\0" + label))


MALFORMED: dict[str, Callable[[], bytes]] = {
    **{f"{at:02} text.png": partial(_text_png, bad) for at, bad in enumerate(_BAD_TEXTS)},
    "30 open packet.png": lambda: xmp_png(
        b"<x:xmpmeta xmlns:TC260='http://www.tc260.org.cn/ns/AIGC/1.0/'><TC260:AIGC>{"
    ),
    "31 entities.png": lambda: xmp_png(b'<!DOCTYPE x [<!ENTITY a "b">]>' + element("&a;")),
    "32 outside.png": lambda: xmp_png(b'<!DOCTYPE x SYSTEM "file:///etc/passwd">' + element("{}")),
    "33 no packet.png": lambda: xmp_png(b""),
    "34 deep packet.png": lambda: xmp_png(b"<TC260>" * 5000),
    "35 bomb.png": lambda: png(chunk(b"zTXt", b"AIGC\0\0" + zlib.compress(bytes(64 * 1024 * 1024)))),
    "36 no deflate.png": lambda: png(chunk(b"zTXt", b"AIGC\0\0not deflate")),
    "37 comment.jpg": lambda: jpeg((0xFE, b"AIGC{")),
    "38 exif.jpg": lambda: jpeg((0xE1, b"Exif\0\0" + _comment(b'{"AIGC":{"Label":"9"}}'))),
    "39 long chunk.png": lambda: png(struct.pack(">I", 2**31 - 1) + b"iTXtXML:com.adobe.xmp\0"),
    "40 short segment.jpg": lambda: jpeg(between=b"\xff\xe1\x00\x01AIGC"),
    "41 no end.gif": lambda: encoded(noise(), "GIF")[:-1] + b"\x21\xff\x0bXMP DataXMP<",
    "42 no JSON.wav": lambda: wav(riff_chunk(b"AIGC", b"\xff" * 40)),
    "43 long chunk.wav": lambda: wav() + b"AIGC\xff\xff\xff\x7f{",
    "44 no JSON.mp3": lambda: tagged(b"{'Label':'1'}"),
    "45 long tag.mp3": lambda: b"ID3\3\0\0\x7f\x7f\x7f\x7fTXXX\x7f\xff\xff\xff" + MP3_FRAME,
    "46 number.flac": lambda: flac((4, comments(b"AIGC=1"))),
    "47 many comments.flac": lambda: flac((4, b"\0\0\0\0\xff\xff\xff\xff")),
    "48 no JSON.mp4": lambda: keyed(b"\0\1\2"),
    "49 huge box.mp4": lambda: SMALL["a.mp4"] + struct.pack(">I4sQ", 1, b"moov", 2**63 - 1),
    "50 list.webm": lambda: mkv(
        matroska("1254c367", matroska("7373", matroska("67c8", matroska("45a3", b"AIGC"), matroska("4487", b"[]"))))
    ),
    "51 empty.md": lambda: b"---\nAIGC:\n---\n",
    "52 list.md": lambda: b"---\nAIGC: [1, 2]\n---\n",
    "53 alias.md": lambda: b"---\nAIGC: &a [*a, *a]\n---\n",
    "54 null.json": lambda: b'{"AIGC": null}',
    "55 array.json": lambda: b'[{"AIGC": {"Label": "1"}}]',
    "56 deep.json": lambda: b'{"AIGC":' * 5000,
    "57 empty.html": lambda: b'<html><head><meta name="AIGC" content=""></head></html>',
    "58 entities.docx": lambda: archive(
        OFFICE | {"docProps/custom.xml": b'<!DOCTYPE x [<!ENTITY a "b">]><x name="AIGC">&a;</x>'}
    ),
    "59 no properties.docx": lambda: archive(OFFICE | {"docProps/custom.xml": b"<Properties"}),
    "60 bomb.docx": lambda: archive(OFFICE | {"docProps/custom.xml": b"<x>" + bytes(64 * 1024 * 1024)}),
    "61 cut.docx": lambda: SMALL["a.docx"][:-30],
    "62 cycle.pdf": cyclic_pdf,
    "63 no pages.pdf": lambda: b"%PDF-1.7\ntrailer<</Root 1 0 R/Info 1 0 R>>",
    "64 number.pdf": lambda: pdf_with_label(17),
}
"""Files whose label nobody can read, or that are damaged where it stands."""
