"""Every format that is labelled, read back by tools that are not ours: a table of format, tool and result.

Run from the root of the repository::

    python -m benchmarks.labels_matrix                        # all files; the WAV of 2 GiB takes a minute of its own
    python -m benchmarks.labels_matrix --mebibytes 0          # without it
    python -m benchmarks.labels_matrix --markdown results.md  # the table for the page of results as well

Aim: in every file each tool that reads the place of the label finds the seven members as they were written, no tool
calls the file damaged, pixels, samples, packets and texts are what they were, and what cannot take a label is
refused. Needs exiftool, exiv2, ffmpeg, ffprobe, mediainfo, pdfinfo, qpdf and unzip. Exit status 1 on a miss.

In the table ``label`` is a tool that found the members, ``whole`` one that checked the file and had nothing to say,
``-`` one that does not read this place or this format; anything else is a miss.
"""

import argparse
import io
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import docx
import lxml.html
import mutagen
import mutagen.wave
import openpyxl
import pikepdf
import yaml
from PIL import Image
from rich.console import Console
from rich.table import Table

from benchmarks.labels_files import make_wav, same_behind
from gateway.labelling.formats import write_label
from gateway.labelling.members import LabelError, Members
from tests.gateway.labelling.pictures import OLD_XMP, PICTURES, pixels, profile, rotated, saved
from tests.media import OFFICE, PRODUCER, SMALL, archive, film, streams, tone

MEMBERS = Members.first(PRODUCER, "matrix-1")
_PROGRAMS = ("exiftool", "exiv2", "ffmpeg", "ffprobe", "mediainfo", "pdfinfo", "qpdf", "unzip")
_MEBIBYTE = 1024 * 1024
_FRAGMENTED = ("-movflags", "frag_keyframe+empty_moov", "-g", "5")


class Case(NamedTuple):
    """One file.

    Attributes:
        make: writes it.
        readers: tools that have to find the label.
        checkers: tools that have to have nothing to say.
        same: tells whether two files hold the same besides the label.
    """

    make: Callable[[Path], Path]
    readers: tuple[str, ...]
    checkers: tuple[str, ...]
    same: Callable[[Path, Path], bool]


def _said(*command: str | Path) -> str:
    done = subprocess.run([str(each) for each in command], capture_output=True, check=False)
    return done.stdout.decode("utf-8", "replace")


def _succeeds(*command: str | Path) -> bool:
    # Warnings count: ffmpeg and qpdf mend what is damaged, and say so.
    done = subprocess.run([str(each) for each in command], capture_output=True, check=False)
    return done.returncode == 0 and not done.stderr.strip()


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 whatever a tool says
    """Give every text in what a tool says."""
    if isinstance(value, dict):
        yield json.dumps(value)
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
    else:
        # Some put the name of the place in front of the value.
        yield str(value)[max(str(value).find("{"), 0) :]


def _json_of(*command: str | Path) -> Any:  # noqa: ANN401 whatever a tool says
    return json.loads(_said(*command) or "null")


def _lines(*command: str | Path) -> list[str]:
    return _said(*command).splitlines()


def _xmp_of(packet: bytes) -> list[str]:
    return [each.text or "" for each in lxml.etree.fromstring(packet).iter() if str(each.tag).endswith("}AIGC")]


def _packet(path: Path) -> bytes:
    """Return a picture's XMP packet as Pillow has it; empty without one."""
    with Image.open(path) as picture:
        tags = getattr(picture, "tag_v2", {})
        packet: bytes = picture.info.get("xmp") or tags.get(700) or b""
    return packet


def _riff(path: Path) -> list[str]:
    with path.open("rb") as file:
        return [mutagen.wave._WaveFile(file)["AIGC"].read().decode()]  # noqa: SLF001 its only reader of RIFF


def _front_matter(path: Path) -> Any:  # noqa: ANN401 YAML
    return next(yaml.safe_load_all(path.read_text("utf-8")))


def _workbook(path: Path) -> Any:  # noqa: ANN401 the library's own
    return [each.value for each in openpyxl.load_workbook(path).custom_doc_props.props]


def _package(path: Path) -> Any:  # noqa: ANN401 the library's own
    # python-docx has no member for custom properties; the part is there, by the type of its relation.
    part = next(
        each
        for each in docx.Document(str(path)).part.package.iter_parts()
        if str(each.partname) == "/docProps/custom.xml"
    )
    return [each.text for each in lxml.etree.fromstring(part.blob).iter() if each.text]


_READERS: dict[str, Callable[[Path], Any]] = {
    "exiftool": lambda path: _json_of("exiftool", "-j", "-a", "-G1", "-struct", path),
    "exiv2": lambda path: _lines("exiv2", "-PXkt", "pr", path),
    "Pillow": lambda path: _xmp_of(_packet(path)),
    "ffprobe": lambda path: _json_of("ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json", path),
    "mediainfo": lambda path: _json_of("mediainfo", "--Output=JSON", path),
    "mutagen": lambda path: [
        str(value) for _, values in mutagen.File(path).tags.items() for value in _listed(values)
    ],
    "mutagen RIFF": _riff,
    "pdfinfo": lambda path: _lines("pdfinfo", "-custom", path),
    "pdfinfo XMP": lambda path: _xmp_of(_said("pdfinfo", "-meta", path).encode()),
    "openpyxl": _workbook,
    "python-docx": _package,
    "PyYAML": _front_matter,
    "lxml": lambda path: lxml.html.parse(str(path)).xpath("//meta[@name='AIGC']/@content"),
    "json": lambda path: json.loads(path.read_text("utf-8")),
}
_CHECKERS: dict[str, Callable[[Path], bool]] = {
    "ffmpeg": lambda path: _succeeds("ffmpeg", "-v", "error", "-i", path, "-map", "0", "-f", "null", "-"),
    "qpdf": lambda path: _succeeds("qpdf", "--check", path),
    "unzip": lambda path: _succeeds("unzip", "-tqq", path),
    "exiftool -validate": lambda path: "Error" not in _said("exiftool", "-validate", "-error", "-a", path),
}


def _listed(value: Any) -> Iterable[Any]:  # noqa: ANN401 tags of one kind or several
    if isinstance(value, list | tuple):
        return value
    return value.text if hasattr(value, "text") else (value,)


def _same_pixels(old: Path, new: Path) -> bool:
    with Image.open(old) as one, Image.open(new) as other:
        kept = all(one.info.get(name) == other.info.get(name) for name in ("icc_profile", "exif", "dpi", "duration"))
    creator = "张三".encode()
    return kept and (creator in _packet(old)) == (creator in _packet(new)) and pixels(old) == pixels(new)


def _same_streams(old: Path, new: Path) -> bool:
    # Of packets size, times and digest; of what is decoded a digest.
    return streams(old) == streams(new)


def _same_parts(old: Path, new: Path) -> bool:
    """Tell whether an office document has every part it had, but those that name parts."""
    with zipfile.ZipFile(old) as one, zipfile.ZipFile(new) as other:
        names = {each for each in one.namelist() if not each.endswith((".rels", "[Content_Types].xml"))}
        return names <= set(other.namelist()) and all(one.read(each) == other.read(each) for each in names)


def _same_pages(old: Path, new: Path) -> bool:
    with pikepdf.open(old) as one, pikepdf.open(new) as other:
        held = [[page.Contents.read_raw_bytes() for page in each.pages] for each in (one, other)]
        return held[0] == held[1] and str(one.docinfo["/Title"]) == str(other.docinfo["/Title"])


def _same_lines(old: Path, new: Path) -> bool:
    """Tell whether a text is what it was with something put in at one or two places."""
    kept = iter(new.read_bytes())
    return all(byte in kept for byte in old.read_bytes())


def _small(name: str, path: Path) -> Path:
    path.write_bytes(SMALL[name])
    return path


def _book(path: Path) -> Path:
    book = openpyxl.Workbook()
    book.active["A1"] = "kept"
    book.save(path)
    return path


def _slides(path: Path) -> Path:
    parts = {
        name.replace("word/document", "ppt/presentation"): content.replace(b"word/document", b"ppt/presentation")
        for name, content in OFFICE.items()
    }
    namespace = b"http://schemas.openxmlformats.org/presentationml/2006/main"
    parts["ppt/presentation.xml"] = b'<p:presentation xmlns:p="' + namespace + b'"/>'
    path.write_bytes(archive(parts))
    return path


def _document(path: Path) -> Path:
    document = docx.Document()
    document.add_paragraph("保留")
    document.save(str(path))
    return path


def _four_two_zero(path: Path) -> Path:
    return saved(path, subsampling="4:2:0", exif=rotated(), icc_profile=profile(), xmp=OLD_XMP)


_XMP_READERS = ("exiftool", "exiv2", "Pillow")
_FILM_READERS = ("exiftool", "ffprobe", "mediainfo")
_SOUND_READERS = (*_FILM_READERS, "mutagen")


def _picture(name: str, readers: tuple[str, ...] = _XMP_READERS) -> Case:
    return Case(PICTURES[name], readers, ("exiftool -validate",), _same_pixels)


def _movie(*options: str) -> Case:
    return Case(lambda path: film(path, *options), _FILM_READERS, ("ffmpeg",), _same_streams)


def _sound(*options: str, readers: tuple[str, ...] = _SOUND_READERS) -> Case:
    return Case(lambda path: tone(path, *options), readers, ("ffmpeg",), _same_streams)


CASES: dict[str, Case] = {
    "plain.png": _picture("plain.png"),
    "16 bit.png": _picture("deep.png"),
    "animated.png": _picture("animated.png"),
    "rotated, ICC.png": _picture("profile.png"),
    "4:2:0.jpg": _picture("plain.jpg"),
    "progressive 4:4:4.jpg": _picture("full.jpg"),
    "CMYK.jpg": _picture("cmyk.jpg"),
    "rotated, ICC.jpg": _picture("rotated.jpg"),
    "4:2:0, rotated, ICC, XMP.jpg": Case(_four_two_zero, _XMP_READERS, ("exiftool -validate",), _same_pixels),
    "lossy.webp": _picture("lossy.webp"),
    "animated.webp": _picture("animated.webp"),
    "rotated, ICC, XMP.webp": _picture("rich.webp"),
    # exiv2 and Pillow read no XMP of GIF, and exiv2 no BigTIFF.
    "plain.gif": _picture("plain.gif", ("exiftool",)),
    "animated.gif": _picture("animated.gif", ("exiftool",)),
    "LZW, ICC.tif": _picture("packed.tif"),
    "16 bit.tif": _picture("deep.tif"),
    "pages.tif": _picture("pages.tif"),
    "BigTIFF.tif": _picture("big.tif", ("exiftool", "Pillow")),
    "rotated, ICC, XMP.avif": _picture("rich.avif"),
    # No tag of a RIFF file, but a chunk: programs that show tags do not show it.
    "16 bit.wav": _sound(readers=("mutagen RIFF",)),
    "24 bit.wav": _sound("-c:a", "pcm_s24le", readers=("mutagen RIFF",)),
    "ID3 2.3.mp3": _sound("-id3v2_version", "3"),
    "ID3 2.4.mp3": _sound("-id3v2_version", "4"),
    "plain.flac": _sound(),
    "Vorbis.ogg": _sound("-c:a", "libvorbis"),
    "Opus.opus": _sound("-c:a", "libopus"),
    # mutagen knows the atoms of Apple's list alone.
    "AAC.m4a": _sound(readers=_FILM_READERS),
    "index behind.mp4": _movie(),
    "index in front.mp4": _movie("-movflags", "faststart"),
    "fragmented.mp4": _movie(*_FRAGMENTED),
    "plain.mov": _movie(),
    "plain.mkv": _movie(),
    "plain.webm": _movie("-c:v", "libvpx", "-c:a", "libopus"),
    "document.docx": Case(_document, ("exiftool", "python-docx"), ("unzip",), _same_parts),
    "book.xlsx": Case(_book, ("exiftool", "openpyxl"), ("unzip",), _same_parts),
    "slides.pptx": Case(_slides, ("exiftool",), ("unzip",), _same_parts),
    "plain.pdf": Case(partial(_small, "a.pdf"), ("exiftool", "pdfinfo", "pdfinfo XMP"), ("qpdf",), _same_pages),
    "front matter.md": Case(partial(_small, "a.md"), ("PyYAML",), (), _same_lines),
    "page.html": Case(partial(_small, "a.html"), ("exiftool", "lxml"), (), _same_lines),
    "object.json": Case(partial(_small, "a.json"), ("exiftool", "json"), (), _same_lines),
}


def _encrypted_pdf(path: Path) -> Path:
    with pikepdf.open(io.BytesIO(SMALL["a.pdf"])) as pdf:
        pdf.save(path, encryption=pikepdf.Encryption(owner="owner", user=""))
    return path


def _text(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "encrypted.pdf": (_encrypted_pdf, "encrypted"),
    "plain.txt": (lambda path: _text(path, "text"), "no place"),
    "array.json": (lambda path: _text(path, "[1]"), "not an object"),
}


def _finds(name: str, path: Path) -> str:
    try:
        said = [*_texts(_READERS[name](path))]
    except Exception as error:  # noqa: BLE001 a tool that fails is a miss, and is told
        return f"MISSED ({type(error).__name__})"
    return "label" if any(map(_is_label, said)) else "MISSED"


def _is_label(text: str) -> bool:
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        return False
    # exiftool shows text of digits as a number.
    return isinstance(found, dict) and {name: str(value) for name, value in found.items()} == MEMBERS.named()


def row(name: str, case: Case, folder: Path) -> dict[str, str]:
    """Label one file and have it read.

    Args:
        name: of the file.
        case: how it is made and looked at.
        folder: for the files.

    Returns:
        What came of each tool.
    """
    old = case.make(folder / name.replace(":", ""))
    new = folder / f"labelled {old.name}"
    try:
        write_label(old, new, MEMBERS)
    except LabelError as error:
        return {"rest": f"MISSED ({error})"}
    results = {"rest": "same" if case.same(old, new) else "MISSED"}
    results |= {each: _finds(each, new) for each in case.readers}
    return results | {each: "whole" if _CHECKERS[each](new) else "MISSED" for each in case.checkers}


def large(mebibytes: int, folder: Path) -> dict[str, str]:
    """Label a large WAV file and have it read.

    Args:
        mebibytes: its size.
        folder: for the files.
    """
    old, new = folder / "large.wav", folder / "labelled large.wav"
    make_wav(old, mebibytes * _MEBIBYTE)
    write_label(old, new, MEMBERS)
    results = {"rest": "same" if same_behind(old, new) else "MISSED", "mutagen RIFF": _finds("mutagen RIFF", new)}
    seconds = [
        float(_said("ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", each))
        for each in (old, new)
    ]
    return results | {"ffprobe": "whole" if seconds[0] == seconds[1] > 1 else "MISSED"}


def refusal(name: str, folder: Path) -> dict[str, str]:
    """Try to label what cannot take a label.

    Args:
        name: of the file.
        folder: for the files.
    """
    make, reason = REFUSED[name]
    old, new = make(folder / name), folder / f"labelled {name}"
    try:
        write_label(old, new, MEMBERS)
    except LabelError as error:
        return {"rest": "refused" if reason in str(error) and not new.exists() else f"MISSED ({error})"}
    return {"rest": "MISSED (written)"}


def _markdown(rows: dict[str, dict[str, str]], columns: list[str]) -> str:
    head = ["file", *columns]
    lines = [head, ["---"] * len(head)]
    lines += [[name, *(results.get(each, "-") for each in columns)] for name, results in rows.items()]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def main() -> int:
    """Make the table, and say whether anything was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mebibytes", type=int, default=2040, help="size of the large WAV file; 0 makes none")
    parser.add_argument("--markdown", type=Path, help="where the table goes in Markdown")
    options = parser.parse_args()
    missing = [each for each in _PROGRAMS if shutil.which(each) is None]
    if missing:
        print(f"not installed: {', '.join(missing)}")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        rows = {name: row(name, case, Path(folder)) for name, case in CASES.items()}
        if options.mebibytes:
            rows[f"{options.mebibytes} MiB.wav"] = large(options.mebibytes, Path(folder))
        rows |= {name: refusal(name, Path(folder)) for name in REFUSED}
    used = {each for results in rows.values() for each in results}
    columns = [each for each in ("rest", *_READERS, *_CHECKERS) if each in used]
    table = Table("file", *columns)
    for name, results in rows.items():
        table.add_row(name, *(results.get(each, "-") for each in columns))
    Console(width=220).print(table)
    if options.markdown:
        options.markdown.write_text(_markdown(rows, columns), "utf-8")
    misses = [(name, each) for name, results in rows.items() for each, said in results.items() if "MISSED" in said]
    found = sum(said == "label" for results in rows.values() for said in results.values())
    print(f"{len(rows)} files, label found {found} times by tools that are not ours, {len(misses)} misses: {misses}")
    return int(bool(misses))


if __name__ == "__main__":
    sys.exit(main())
