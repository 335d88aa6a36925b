"""Small files of each format, made by hand, and larger ones made by ffmpeg where it is installed."""

import hashlib
import io
import json
import random
import shutil
import struct
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from gateway.labelling.members import Members, compact_json
from gateway.labelling.sound_ogg import make_page

TOOLS = ("ffmpeg", "ffprobe", "exiftool", "unzip")
PRODUCER = "001191110102MACQD9K64010000"
LABEL = compact_json(Members.first(PRODUCER, "req-1"))
OLDER_LABEL = compact_json(Members.first(PRODUCER, "an-earlier-request"))


def needs_tools() -> None:
    """Skip a test on a machine without the tools that read and write media."""
    missing = [name for name in TOOLS if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def run(*command: str | Path, given: bytes = b"") -> bytes:
    """Run a tool and return what it prints."""
    done = subprocess.run([str(each) for each in command], input=given, capture_output=True, check=False)  # noqa: S603 tools of the machine
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def film(path: Path, *options: str) -> Path:
    """Write two seconds of film with sound and a title."""
    picture = ("-f", "lavfi", "-i", "testsrc=s=64x48:d=2:r=10")
    run(
        "ffmpeg",
        "-v",
        "error",
        "-y",
        *picture,
        "-f",
        "lavfi",
        "-i",
        "sine=d=2",
        "-metadata",
        "title=Kept",
        *options,
        path,
    )
    return path


def tone(path: Path, *options: str) -> Path:
    """Write two seconds of sound with a title."""
    source = ("-f", "lavfi", "-i", "sine=d=2:sample_rate=48000")
    run("ffmpeg", "-v", "error", "-y", *source, "-metadata", "title=Kept", *options, path)
    return path


def streams(path: Path) -> list[str]:
    """Return what ffmpeg makes of a file: a digest of what is decoded, then times, size and digest of each packet."""
    packets = path.with_suffix(".packets")
    copied = ("-map", "0", "-c", "copy", "-f", "framemd5", packets)
    decoded = run("ffmpeg", "-v", "error", "-y", "-i", path, "-map", "0", "-f", "md5", "-", *copied).decode()
    lines = packets.read_text("ascii").splitlines()
    # Behind the sixth field is side data, which has the comments of an Ogg file.
    return [decoded, *(",".join(line.split(",")[:6]) for line in lines if not line.startswith("#"))]


def tags(path: Path) -> dict[str, str]:
    """Return the tags ffprobe sees, of file and streams."""
    shown = json.loads(run("ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json", path))
    parts = [*shown.get("streams", []), shown["format"]]
    return {name.upper(): value for part in parts for name, value in part.get("tags", {}).items()}


def exiftool(path: Path) -> dict[str, Any]:
    """Return what exiftool sees, by names without their groups and in lower case."""
    (shown,) = json.loads(run("exiftool", "-j", "-a", "-G1", "-struct", path))
    found = {name.rpartition(":")[2].lower(): value for name, value in shown.items()}
    return {
        name: json.dumps(each, separators=(",", ":")) if isinstance(each, dict) else each
        for name, each in found.items()
    }


def digest(data: bytes) -> str:
    """Return a short digest."""
    return hashlib.sha256(data).hexdigest()


def chunk(name: bytes, content: bytes) -> bytes:
    """Return a RIFF chunk."""
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def wav(*chunks: bytes, samples: bytes = bytes(range(200)), form: bytes | None = None) -> bytes:
    """Return a WAV file of 16 bits, mono, 8 kHz."""
    form = struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16) if form is None else form
    body = b"WAVE" + chunk(b"fmt ", form) + chunk(b"data", samples) + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


MP3_FRAME = b"\xff\xfb\x90\x64" + bytes(413)


def id3(version: int, *frames: bytes, flags: int = 0, padding: int = 0) -> bytes:
    """Return an ID3v2 tag."""
    body = b"".join(frames) + bytes(padding)
    size = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3" + bytes([version, 0, flags]) + size + body


def frame(version: int, name: bytes, content: bytes) -> bytes:
    """Return an ID3v2 frame of less than 128 bytes, whose size is written alike in all versions."""
    return name + len(content).to_bytes(3 if version == 2 else 4) + (b"" if version == 2 else bytes(2)) + content


def comments(*entries: bytes, vendor: bytes = b"them") -> bytes:
    """Return a table of Vorbis comments."""
    parts = [struct.pack("<I", len(vendor)), vendor, struct.pack("<I", len(entries))]
    return b"".join(parts) + b"".join(struct.pack("<I", len(each)) + each for each in entries)


def flac(*blocks: tuple[int, bytes], audio: bytes = b"\xff\xf8audio") -> bytes:
    """Return the shape of a FLAC file; what stands for its audio is none."""
    parts = [(0, bytes(34)), *blocks]
    heads = [
        bytes([kind | (0x80 if at == len(parts) - 1 else 0)]) + len(body).to_bytes(3) + body
        for at, (kind, body) in enumerate(parts)
    ]
    return b"fLaC" + b"".join(heads) + audio


def box(kind: bytes, *parts: bytes) -> bytes:
    """Return an MP4 box."""
    return struct.pack(">I4s", 8 + sum(map(len, parts)), kind) + b"".join(parts)


def mp4(*, udta: bytes = b"", samples: bytes = b"the samples", table: bytes = b"stco", before: bytes = b"") -> bytes:
    """Return the shape of an MP4 file, the film's index in front of its samples."""
    start = box(b"ftyp", b"isom", bytes(4), b"isom") + before

    def movie(place: int) -> bytes:
        offsets = box(table, bytes(4), struct.pack(">I", 1), struct.pack(">I" if table == b"stco" else ">Q", place))
        return box(b"moov", box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", offsets)))), udta)

    return start + movie(len(start) + len(movie(0)) + 8) + box(b"mdat", samples)


def element(name: str, *parts: bytes) -> bytes:
    """Return a Matroska element, its id in hexadecimal."""
    size = sum(map(len, parts))
    return bytes.fromhex(name) + (size | 1 << 56).to_bytes(8) + b"".join(parts)


def mkv(*parts: bytes, kind: bytes = b"webm") -> bytes:
    """Return a Matroska file with a segment of some elements."""
    return element("1a45dfa3", element("4282", kind)) + element("18538067", *parts)


OFFICE = {
    "[Content_Types].xml": b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
    "_rels/.rels": (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1"'
        b' Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"'
        b' Target="word/document.xml"/></Relationships>'
    ),
    "word/document.xml": (
        b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p/>'
        b"<w:sectPr/></w:body></w:document>"
    ),
}


def archive(parts: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip archive."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as written:
        for name, content in parts.items():
            written.writestr(name, content)
    return held.getvalue()


def pdf(**options: Any) -> bytes:  # noqa: ANN401 the library's own
    """Return a PDF document of one page with a title."""
    held = io.BytesIO()
    with pikepdf.new() as document:
        document.add_blank_page()
        document.pages[0].Contents = document.make_stream(b"0 0 m 9 9 l S")
        document.docinfo["/Title"] = "Kept"
        document.save(held, **options)
    return held.getvalue()


def opus_page(flags: int, sequence: int, *packets: bytes) -> bytes:
    """Return an Ogg page of whole packets."""
    lacing = b"".join(b"\xff" * (len(each) // 255) + bytes([len(each) % 255]) for each in packets)
    return make_page(flags, 0, 7, sequence, lacing, b"".join(packets))


def opus(*entries: bytes, pages: int = 3) -> bytes:
    """Return the shape of an Opus file; what stands for its audio is none."""
    head = b"OpusHead\x01\x01" + bytes(9)
    audio = b"".join(opus_page(0, 2 + number, b"sound %d" % number) for number in range(pages))
    return opus_page(2, 0, head) + opus_page(0, 1, b"OpusTags" + comments(*entries)) + audio


SMALL: dict[str, bytes] = {
    "a.wav": wav(chunk(b"LIST", b"INFOINAM\x05\0\0\0Kept\0\0")),
    "a.mp3": id3(3, frame(3, b"TIT2", b"\0Kept")) + MP3_FRAME * 3,
    "a.flac": flac((4, comments(b"TITLE=Kept"))),
    "a.opus": opus(b"TITLE=Kept"),
    "a.mp4": mp4(),
    "a.m4a": mp4().replace(b"isom", b"M4A "),
    "a.webm": mkv(element("1654ae6b", b""), element("1f43b675", element("e7", b"\0"), element("a3", b"\x81\0\0\0x"))),
    "a.docx": archive(OFFICE),
    "a.pdf": pdf(),
    "a.html": b"<!doctype html>\n<html>\n<head><title>Kept</title></head>\n<body><p>x</p></body></html>",
    "a.json": b'{"kept": [1, {"AIGC": 2}], "b": ",}"}\n',
    "a.md": b"---\ntitle: Kept\n---\n# Text\n",
}
"""One small file of each kind of place a label has."""

_DAMAGE = (b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", b"\0\0\0\1", b"\x80\0\0\0")


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Return a file with one to eight damages."""
    held = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        at = chance.randrange(len(held) + 1)
        kind = chance.randrange(5)
        if kind == 0:
            held[at : at + 1] = bytes([chance.randrange(256)])
        elif kind == 1:
            held[at : at + 4] = chance.choice(_DAMAGE)
        elif kind == 2:
            del held[at : at + chance.choice((1, 4, 100, len(held)))]
        elif kind == 3:
            held[at:at] = held[chance.randrange(len(held) + 1) :][: chance.choice((1, 8, 64))]
        else:
            held[at:at] = chance.randbytes(chance.choice((1, 4, 16)))
    return bytes(held)
