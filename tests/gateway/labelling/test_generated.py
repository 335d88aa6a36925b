"""Files with both halves of their label, made of bytes that came from anywhere."""

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from gateway.labelling import generated
from gateway.labelling.container import Format
from gateway.labelling.formats import read_file
from gateway.labelling.generated import Labelled, label_file
from gateway.labelling.images.png import PNG
from gateway.labelling.members import Members, Verdict, compact_json
from gateway.labelling.provenance import Claim, ManifestState, sign
from gateway.labelling.signing import load_signer
from gateway.protocol.carriage import Medium
from gateway.protocol.labels import Labelling, Lack, Position
from gateway.standin.works import draw, speak
from tests.gateway.labelling.certificates import signing_files
from tests.media import PRODUCER, wav

NAMED = Labelling(PRODUCER, Position.END, {}).members("req-1")
_MARK = b"jumdc2pa"
TEXT = "内容由AI生成"


def label(data: bytes, medium: Medium = Medium.IMAGE, text: str = TEXT, prompt: Path | None = None) -> Labelled:
    """Label a file."""
    return label_file(data, medium, NAMED, text, prompt)


def is_labelled(path: Path, data: bytes, *, others: bool = False) -> bool:
    """Tell whether a file has one label, and whose."""
    path.write_bytes(data)
    reading = read_file(path).reading
    members = reading.members
    assert members is not None
    return (reading.verdict, members.produce_id, reading.problems) == (Verdict.IS, "x" if others else "req-1", ())


@pytest.mark.parametrize("chosen", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("text", [TEXT, ""])
def test_a_picture_gets_what_it_is_owed(tmp_path: Path, chosen: str, text: str) -> None:
    """Words in its corner unless the interface shows them, members always, pixels elsewhere as they were."""
    data = draw("prompt", "256x192", chosen)
    found = label(data, text=text)
    assert (found.lack, is_labelled(tmp_path / f"a.{chosen}", found.data)) == (None, True)
    with Image.open(io.BytesIO(data)) as old, Image.open(io.BytesIO(found.data)) as new:
        assert (new.format, new.size) == (old.format, old.size)
        corner = new.convert("RGB").crop((128, 150, 256, 192))
        shades = corner.convert("L").tobytes()
        assert (max(shades) - min(shades) > 50) is bool(text)
        assert new.convert("RGB").getpixel((5, 5)) == pytest.approx(old.convert("RGB").getpixel((5, 5)), abs=6)


@pytest.mark.parametrize("chosen", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("text", [TEXT, ""])
def test_a_manifest_gives_way_and_stays_and_that_is_told(tmp_path: Path, chosen: str, text: str) -> None:
    """Its bytes are in the labelled file, nobody takes it for valid, and what came without says nothing of it."""
    source, signed = tmp_path / f"a.{chosen}", tmp_path / f"b.{chosen}"
    source.write_bytes(draw("prompt", "256x192", chosen))
    foreign = read_file(source)
    claim = Claim(compact_json(Members.first("model-server", "x")), generated=True, parent=None, drawn=False)
    sign(foreign.format, source, signed, claim, load_signer(*signing_files(tmp_path)))
    before = read_file(signed).manifest
    assert before is not None
    assert before.state is ManifestState.VALID
    found = label(signed.read_bytes(), text=text)
    assert found.lack is Lack.MANIFEST
    assert is_labelled(tmp_path / f"c.{chosen}", found.data)
    after = read_file(tmp_path / f"c.{chosen}").manifest
    assert after is not None
    assert (after.state, after.signer) == (ManifestState.INVALID, before.signer)
    assert found.data.count(_MARK) == signed.read_bytes().count(_MARK)
    with Image.open(io.BytesIO(found.data)) as new:
        shades = new.convert("L").crop((128, 150, 256, 192)).tobytes()
    assert (max(shades) - min(shades) > 50) is bool(text)
    # A second time the words are there, and are not drawn again.
    again = label(found.data, text=text)
    assert (again.lack, again.data.count(_MARK)) == (Lack.MANIFEST, found.data.count(_MARK))


def test_a_manifest_that_cannot_be_put_back_is_not_dropped(tmp_path: Path) -> None:
    """TIFF and AVIF have it in places that are not written here: they are not drawn on."""
    source, signed = tmp_path / "a.tif", tmp_path / "b.tif"
    Image.new("RGB", (256, 256)).save(source)
    claim = Claim(compact_json(Members.first("model-server", "x")), generated=True, parent=None, drawn=False)
    sign("TIFF", source, signed, claim, load_signer(*signing_files(tmp_path)))
    found = label(signed.read_bytes())
    assert (found.lack, _MARK in found.data) == (Lack.VISIBLE, True)


@pytest.mark.parametrize("chosen", ["mp3", "wav", "flac", "opus"])
def test_sound_gets_what_it_is_owed(tmp_path: Path, chosen: str) -> None:
    """A sign in front and members; the members alone where the interface shows the rest."""
    data = b"".join(speak(20, chosen))
    signed, bare = label(data, Medium.AUDIO), label(data, Medium.AUDIO, "")
    for found in (signed, bare):
        assert (found.lack, found.problem) == (None, "")
        assert is_labelled(tmp_path / f"a.{chosen}", found.data)
    assert len(signed.data) > len(bare.data) + 5000


def test_a_voice_takes_the_place_of_the_rhythm(tmp_path: Path) -> None:
    """In a WAV file of the same form sample by sample, in another one converted."""
    prompt = tmp_path / "prompt.wav"
    prompt.write_bytes(wav(samples=b"\x11\x22" * 50))
    assert b"\x11\x22" * 50 in label(wav(), Medium.AUDIO, prompt=prompt).data
    other = wav(form=struct.pack("<HHIIHH", 1, 1, 16000, 32000, 2, 16))
    converted = label(other, Medium.AUDIO, prompt=prompt)
    assert converted.lack is None
    assert len(converted.data) > len(label(other, Medium.AUDIO, text="").data)


@pytest.mark.parametrize("medium", [Medium.IMAGE, Medium.AUDIO])
def test_what_is_of_another_medium_is_no_file_of_it(medium: Medium) -> None:
    """Whatever the reply called it."""
    other = b"".join(speak(2, "mp3")) if medium is Medium.IMAGE else draw("x", "", "")
    for data in (other, b"", b"<html>", b"PK\x03\x04" + bytes(100), b"".join(speak(9, "aac")), b"\0" * 99):
        found = label(data, medium)
        assert (found.data, found.lack) == (data, Lack.FORMAT)


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """Return a PNG file with a head and some chunks."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks, (b"IEND", b"")]
    coded = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + coded


def bombs() -> Iterator[bytes]:
    """Give small files that say they are large."""
    yield png(60_000, 60_000, (b"IDAT", zlib.compress(bytes(1000))))
    yield png(7_000, 7_000, (b"IDAT", zlib.compress(bytes(7000 * 21_001))))
    yield png(64, 64, (b"iCCP", b"x\0\0" + zlib.compress(bytes(50_000_000))), (b"IDAT", zlib.compress(bytes(9))))
    texts = [(b"zTXt", b"x\0\0" + zlib.compress(bytes(5_000_000)))] * 20
    yield png(64, 64, *texts, (b"IDAT", zlib.compress(bytes(9))))


@pytest.mark.parametrize("data", list(bombs()), ids=["huge", "large", "profile", "texts"])
def test_a_bomb_is_not_unpacked(data: bytes) -> None:
    """It has its members, and no words."""
    found = label(data)
    assert found.lack is Lack.VISIBLE
    assert found.problem


@pytest.mark.parametrize(
    "data",
    [draw("x", "16x16", ""), b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"],
    ids=["tiny", "gif"],
)
def test_what_has_no_room_for_words_has_its_members(tmp_path: Path, data: bytes) -> None:
    """It lacks the visible half alone."""
    found = label(data)
    assert (found.lack, is_labelled(tmp_path / "a", found.data)) == (Lack.VISIBLE, True)


def labelled_by(producer: str, named: str = "1") -> bytes:
    """Return a picture that somebody labelled."""
    text = compact_json(Members(named, producer, "x", "", producer, "x"))
    info = PngImagePlugin.PngInfo()
    info.add_text("AIGC", text.decode())
    out = io.BytesIO()
    Image.new("RGB", (256, 256)).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def test_another_producers_label_stays(tmp_path: Path) -> None:
    """It says what ours would; one that says less cannot be mended here."""
    found = label(labelled_by("somebody"))
    assert (found.lack, is_labelled(tmp_path / "a.png", found.data, others=True)) == (None, True)
    assert label(labelled_by("somebody", "3")).lack is Lack.METADATA
    assert label(labelled_by("somebody", "3"), text="").lack is Lack.FORMAT


def test_our_own_label_is_made_anew(tmp_path: Path) -> None:
    """A file has one."""
    assert is_labelled(tmp_path / "a.png", label(labelled_by(PRODUCER)).data)


def test_a_label_that_cannot_be_read_back_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is believed to be written."""
    form = Format(PNG.name, PNG.extensions, PNG.sniff, PNG.write, lambda _: [], None, PNG.show)
    monkeypatch.setitem(generated._FORMATS, Medium.IMAGE, (form,))
    assert label(draw("x", "", ""), text="").lack is Lack.FORMAT


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["png", "jpeg", "webp", "mp3", "wav", "flac", "opus"]),
    st.lists(st.tuples(st.integers(0, 2**20), st.binary(min_size=1, max_size=6)), min_size=1, max_size=6),
    st.integers(0, 2**20),
)
def test_damaged_files_are_told_and_never_crash(chosen: str, damages: list[tuple[int, bytes]], cut: int) -> None:
    """What comes out is a file, labelled or with what it lacks."""
    picture = chosen in ("png", "jpeg", "webp")
    data = bytearray(draw("x", "128x128", chosen) if picture else b"".join(speak(4, chosen)))
    for at, damage in damages:
        data[at % len(data) : at % len(data) + len(damage)] = damage
    given_data = bytes(data[: cut % len(data) or None])
    found = label(given_data, Medium.IMAGE if picture else Medium.AUDIO)
    assert found.data
    assert (found.lack is None) is (found.problem == "")
