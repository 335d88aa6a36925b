"""The label people see: high enough, legible on anything, upright, and no harm to what the file says of itself."""

import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from gateway.labelling.formats import read_file, write_label
from gateway.labelling.images import visible
from gateway.labelling.members import LabelError, Verdict
from tests.gateway.labelling.pictures import (
    MEMBERS,
    OLD_XMP,
    PICTURES,
    frames,
    noise,
    profile,
    rotated,
    saved,
)
from tests.gateway.labelling.vendor_forms import chunk, png, written

_TEXT = "内容由AI生成"


def _flat(colour: tuple[int, ...], size: tuple[int, int] = (640, 480)) -> Image.Image:
    return Image.new("RGB", size, colour)


def _stripes() -> Image.Image:
    data = np.zeros((480, 640, 3), np.uint8)
    data[:, ::2] = 255
    return Image.fromarray(data)


_BACKGROUNDS: dict[str, Image.Image] = {
    "light": _flat((255, 255, 255)),
    "dark": _flat((0, 0, 0)),
    "middle": _flat((128, 128, 128)),
    "yellow": _flat((255, 255, 0)),
    "busy": noise(480, 640),
    "stripes": _stripes(),
    "tiny": _flat((255, 255, 255), (96, 64)),
    "huge": _flat((255, 255, 255), (3200, 2400)),
    "portrait": noise(1600, 900),
    "wide": noise(200, 2000),
    "square": noise(512, 512),
    "narrow": noise(600, 100),
}


def _luminance(pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return relative luminance (WCAG 2.2)."""
    linear = pixels / 255
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ np.array([0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("name", _BACKGROUNDS)
def test_label_is_high_enough_and_stands_out(name: str) -> None:
    """Measured on the pixels: capital letters of 5 % of the short side, in a contrast of 7 to 1, in a corner."""
    picture = _BACKGROUNDS[name]
    before = np.asarray(picture).astype(float)
    after = np.asarray(visible.drawn(picture, "AI生成")).astype(float)
    changed = np.argwhere((after != before).any(axis=-1))
    top, left = changed.min(axis=0)
    bottom, right = changed.max(axis=0) + 1
    assert top > picture.height / 3
    assert left > picture.width * 0.05
    inside = _luminance(after[top:bottom, left:right])
    ground = np.percentile(inside, 40)
    assert (1 + 0.05) / (ground + 0.05) >= 7
    # I is a bar as high as a capital: the longest upright run of light pixels is at least that bar.
    assert _runs(inside > 0.35) >= min(picture.size) * 0.05


def _runs(mask: np.ndarray[Any, Any]) -> int:
    """Return the longest run of set pixels in a column."""
    longest, current = 0, np.zeros(mask.shape[1], int)
    for row in mask:
        current = np.where(row, current + 1, 0)
        longest = max(longest, int(current.max()))
    return longest


@given(
    st.integers(8, 900), st.integers(8, 900), st.sampled_from([_TEXT, "AI生成", "人工智能合成 AI-generated content"])
)
@settings(max_examples=40, deadline=None)
def test_label_fits_or_is_refused(width: int, height: int, text: str) -> None:
    """On no picture does it stick out, get cut or get too low."""
    try:
        layout = visible.lay_out(text, width, height)
    except LabelError as exc:
        assert "no room" in str(exc)  # noqa: PT017 either outcome is right
        assert min(width, height) < 400
        return
    assert layout.size[0] <= width
    assert layout.size[1] <= height
    assert layout.ink_pixels >= max(min(width, height) * 0.05, 9)
    assert "".join(layout.lines).replace(" ", "") == text.replace(" ", "")
    assert all(layout.font.getlength(line) <= layout.size[0] for line in layout.lines)


@pytest.mark.parametrize("turn", range(1, 9))
def test_label_is_upright_however_the_picture_is_turned(tmp_path: Path, turn: int) -> None:
    """What a viewer shows is what it shows of a picture that was never turned."""
    exif = Image.Exif()
    exif[0x0112] = turn
    source = saved(tmp_path / "a.png", _flat((200, 30, 30), (300, 200)), exif=exif)
    visible.show(source, tmp_path / "b.png", _TEXT)
    with Image.open(tmp_path / "b.png") as stored:
        assert stored.getexif()[0x0112] == turn
        shown = ImageOps.exif_transpose(stored)
    assert np.array_equal(np.asarray(shown), np.asarray(visible.drawn(_flat((200, 30, 30), shown.size), _TEXT)))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.jpg", {"subsampling": "4:2:0", "comment": b"hello", "quality": 88}),
        ("a.png", {}),
        ("a.webp", {"lossless": True}),
        ("a.tif", {"compression": "tiff_lzw"}),
        ("a.avif", {}),
    ],
)
def test_what_the_file_says_of_itself_goes_along(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    """Profile, EXIF, packet; the label for programs is written beside."""
    metadata: dict[str, Any] = {"icc_profile": profile()}
    if not name.endswith("tif"):
        exif = rotated()
        exif[0x8298] = "somebody"
        metadata |= {"exif": exif}
    if not name.endswith(("tif", "png")):
        metadata |= {"xmp": OLD_XMP}
    source = saved(tmp_path / name, noise(300, 400), **options, **metadata)
    target = tmp_path / f"labelled-{name}"
    write_label(source, target, MEMBERS, shown=_TEXT)
    assert read_file(target).reading.verdict is Verdict.IS
    with Image.open(source) as before, Image.open(target) as after:
        assert (after.format, after.mode, after.size) == (before.format, before.mode, before.size)
        assert after.info["icc_profile"] == before.info["icc_profile"]
        assert after.getexif().get(0x8298) == before.getexif().get(0x8298)
        assert ("张三".encode() in after.info.get("xmp", b"")) is ("xmp" in metadata)
        if name == "a.jpg":
            assert after.quantization == before.quantization  # type: ignore[attr-defined]
            assert after.info["comment"] == b"hello"


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif"])
def test_pixels_away_from_the_label_stay(tmp_path: Path, name: str) -> None:
    """In formats without loss no pixel outside the box changes."""
    source = saved(tmp_path / name, noise(300, 400), **({"lossless": True} if name == "a.webp" else {}))
    visible.show(source, tmp_path / f"b-{name}", _TEXT)
    with Image.open(source) as before, Image.open(tmp_path / f"b-{name}") as after:
        assert np.array_equal(np.asarray(before)[:200], np.asarray(after)[:200])


@pytest.mark.parametrize("name", ["grey.jpg", "cmyk.jpg", "palette.png", "lossless.webp"])
def test_rare_colours_are_drawn_on(tmp_path: Path, name: str) -> None:
    """Grey, printing inks, palettes, transparency."""
    with Image.open(PICTURES[name](tmp_path / name)) as picture:
        mode = picture.mode
    source = saved(tmp_path / name, _flat((60, 90, 60), (300, 200)).convert(mode))
    write_label(source, source, MEMBERS, shown=_TEXT)
    with Image.open(source) as after:
        assert _runs(np.asarray(after.convert("L")) > 200) >= 10


def test_texts_of_a_png_go_along(tmp_path: Path) -> None:
    """Those of the tool that made it too."""
    texts = PngInfo()
    texts.add_text("parameters", "a cat")
    texts.add_itxt("Title", "猫")
    source = saved(tmp_path / "a.png", noise(200, 200), pnginfo=texts)
    visible.show(source, tmp_path / "b.png", _TEXT)
    with Image.open(tmp_path / "b.png") as after:
        assert after.text == {"parameters": "a cat", "Title": "猫"}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: saved(path.with_suffix(".gif")), "cannot be decoded"),
        (lambda path: _deep_colours(path.with_suffix(".png")), "more than 8 bits"),
        (lambda path: saved(path.with_suffix(".tif"), save_all=True, append_images=[noise()]), "several pages"),
        (lambda path: saved(path.with_suffix(".png"), **frames(), default_image=True), "without motion"),
        (lambda path: saved(path.with_suffix(".png"), Image.new("L", (9000, 8000))), "64000000 pixels"),
        (lambda path: saved(path.with_suffix(".png"), Image.new("1", (20000, 20000))), "too large"),
        (lambda path: saved(path.with_suffix(".png"), noise(20, 20)), "no room"),
        (lambda path: _signed(path.with_suffix(".png")), "C2PA manifest"),
        (lambda path: _cut(saved(path.with_suffix(".png"), noise(300, 300))), "damaged"),
        (lambda path: _cut(saved(path.with_suffix(".jpg"), noise(300, 300))), "damaged"),
    ],
)
def test_what_cannot_be_drawn_on_is_refused(tmp_path: Path, make: Any, told: str) -> None:  # noqa: ANN401 one of many
    """With the reason, and without decoding what is too large."""
    with pytest.raises(LabelError, match=told):
        visible.show(make(tmp_path / "a"), tmp_path / "b.png", _TEXT)


@pytest.mark.parametrize(
    "name", ["a.png", "a.jpg", "a.webp", "a.tif", "a.avif", "deep.png", "deep.tif", "moving.webp"]
)
def test_a_second_label_is_not_drawn(tmp_path: Path, name: str) -> None:
    """The words that are there are seen, also behind a codec that loses some of them."""
    picture = noise(200, 300) if not name.startswith("deep") else _deep_grey()
    more = {"save_all": True, "append_images": [noise(200, 300, seed=2)]} if name.startswith("moving") else {}
    old = saved(tmp_path / name, picture, **more)
    visible.show(old, tmp_path / f"once-{name}", _TEXT)
    visible.show(tmp_path / f"once-{name}", tmp_path / f"twice-{name}", _TEXT)
    once = (tmp_path / f"once-{name}").read_bytes()
    assert (tmp_path / f"twice-{name}").read_bytes() == once != old.read_bytes()


def test_a_picture_that_is_cut_gets_a_new_label(tmp_path: Path) -> None:
    """What is gone is not taken to be there."""
    visible.show(saved(tmp_path / "a.png", noise(300, 400)), tmp_path / "b.png", _TEXT)
    with Image.open(tmp_path / "b.png") as whole:
        whole.crop((0, 0, 300, 220)).save(tmp_path / "c.png")
    visible.show(tmp_path / "c.png", tmp_path / "d.png", _TEXT)
    assert (tmp_path / "d.png").read_bytes() != (tmp_path / "c.png").read_bytes()


@pytest.mark.parametrize("name", ["deep.png", "deep.tif"])
def test_sixteen_bits_of_grey_stay(tmp_path: Path, name: str) -> None:
    """All pixels outside the box to the last bit, and the words at full scale."""
    old = saved(tmp_path / name, _deep_grey())
    visible.show(old, tmp_path / f"b-{name}", _TEXT)
    with Image.open(old) as before, Image.open(tmp_path / f"b-{name}") as after:
        assert after.mode == before.mode == "I;16"
        one, other = np.asarray(before), np.asarray(after)
    assert np.array_equal(one[:150], other[:150])
    assert other[150:].max() == 65535
    assert len(np.unique(other[:150] & 255)) > 200


@pytest.mark.parametrize("name", ["a.png", "a.webp"])
def test_every_picture_of_an_animation_has_the_words(tmp_path: Path, name: str) -> None:
    """As long and as often as it was shown."""
    moving = {"save_all": True, "append_images": [noise(200, 300, seed=2), noise(200, 300, seed=3)], "loop": 2}
    old = saved(tmp_path / name, noise(200, 300), duration=[80, 120, 200], **moving)
    visible.show(old, tmp_path / f"b-{name}", _TEXT)
    box, words = visible.masks(_TEXT, 300, 200)
    with Image.open(tmp_path / f"b-{name}") as after:
        assert (after.n_frames, after.info["loop"]) == (3, 2)  # type: ignore[attr-defined]
        durations = []
        for number in range(3):
            after.seek(number)
            assert visible.is_shown(np.asarray(after.convert("L")) / 255, box, words)
            durations.append(round(after.info["duration"]))
    assert durations == [80, 120, 200]


def _deep_grey() -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 65536, (200, 300), dtype=np.uint16))


def _deep_colours(path: Path) -> Path:
    saved(path)
    data = bytearray(path.read_bytes())
    data[24] = 16
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4)
    path.write_bytes(data)
    return path


def _signed(path: Path) -> Path:
    manifest = bytes(2**20 - 100) + b"\0\0\0\x26jumdc2pa" + bytes(26)  # across the pieces a file is read in
    return written(path, png(chunk(b"caBX", manifest)))


def _cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-2000])
    return path


def test_missing_font_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes from a package, never from the system."""
    monkeypatch.setattr(visible, "_FONT_PACKAGE", "a_package_that_is_not_there")
    visible._font.cache_clear()
    with pytest.raises(LabelError, match="install the package noto-cjk-sans-otc"):
        visible.lay_out(_TEXT, 500, 500)


def test_wording_without_letters_is_refused() -> None:
    """There is nothing whose height could be measured."""
    with pytest.raises(LabelError, match="no letter"):
        visible.lay_out("…", 500, 500)


def test_looking_for_a_label_takes_memory_for_its_corner_alone(tmp_path: Path) -> None:
    """Not eight bytes for each pixel of the picture."""
    source = tmp_path / "a.png"
    Image.new("RGB", (2000, 2000), "red").save(source)
    visible.show(source, tmp_path / "b.png", "内容由AI生成")  # fonts are read once
    tracemalloc.start()
    try:
        visible.show(source, tmp_path / "b.png", "内容由AI生成")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2000 * 2000 * 4
