"""The label people see on a picture: words in a box in the lower right corner.

Source: GB 45438-2025 5.2: at an edge or corner, legible, text at least 5 % of the shortest side high. Height is that
of the ink of each tall letter, which is less than the size of the type. Light words on a dark box are legible on
whatever lies below. A picture whose colours would suffer from being written again here is refused.
"""

import importlib
import re
import shutil
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageSequence, JpegImagePlugin, PngImagePlugin, UnidentifiedImageError

from gateway.labelling.members import LabelError
from gateway.labelling.provenance import has_manifest

MOST_PIXELS = 64_000_000
"""Largest picture that is decoded; a small file can say it is larger."""

_FONT_PACKAGE = "noto_cjk_sans_otc"
SIMPLIFIED_FACE = 2
"""Of the font collection: Japanese, Korean, simplified, traditional, Hong Kong."""
# Chinese characters of fewer pixels run into blots.
_LEAST_INK_PIXELS = 9
_BOX_OPACITY = 184  # of 255: white words on white paper keep a contrast above 7 to 1
# Not 一, which is as large as its neighbours and flat.
_TALL = re.compile(r"[A-Z0-9\u3400-\u4dff\u4e01-\u9fff]")
# A label that is there: its box lets at most a quarter of the picture's light through, and its words all.
_INSIDE, _LIGHT_WORDS, _DARK_GROUND, _FIT = 0.9, 0.85, 0.45, 0.8
_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "AVIF")
_LIGHT: dict[str, Any] = {
    "L": 255,
    "LA": (255, 255),
    "RGB": (255, 255, 255),
    "RGBA": (255, 255, 255, 255),
    "CMYK": (0, 0, 0, 0),
}
_DARK: dict[str, Any] = {"L": 0, "LA": (0, 255), "RGB": (0, 0, 0), "RGBA": (0, 0, 0, 255), "CMYK": (0, 0, 0, 255)}
_PNG_DEPTH_AT, _DEEP = 24, 16
_DEEP_GREY, _DEEP_WHITE = "I;16", 65535
_ANIMATED = ("PNG", "WEBP")
# EXIF 2.32 4.6.4: how what a viewer sees lies in the file; the other way round for 6 and 8 than a viewer turns.
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


class Layout(NamedTuple):
    """How a label stands on a picture.

    Attributes:
        lines: the wording, cut to fit.
        font: in its size.
        ink_pixels: height of the lowest tall letter.
        size: of the box.
    """

    lines: list[str]
    font: ImageFont.FreeTypeFont
    ink_pixels: int
    size: tuple[int, int]


def show(source: Path, target: Path, text: str, *, signed_anew: bool = False) -> None:
    """Write a picture with a label for people; everything the file says of itself goes along.

    Args:
        source: PNG, JPEG, WebP, TIFF or AVIF with one picture; PNG and WebP may move.
        target: where it goes.
        text: the wording.
        signed_anew: a C2PA manifest may be left out, since the caller puts it back, or makes it a parent.

    Raises:
        LabelError: the picture cannot be written again as it is, is too small, or is none.
    """
    try:
        with Image.open(source, formats=_FORMATS) as image:
            if not signed_anew and has_manifest(source):
                raise LabelError(
                    "the picture carries a C2PA manifest, which drawing would break; draw first, sign then, or sign"
                    " anew with the old one as the parent (--c2pa)"
                )
            _check(image, source)  # before a pixel is decoded
            image.load()
            if _has_label(image, text):
                shutil.copyfile(source, target)
            elif getattr(image, "n_frames", 1) > 1:
                _save_frames(image, text, target)
            else:
                _save(drawn(image, text), image, target)
    except (UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        raise LabelError("the picture cannot be decoded, or is too large to; it gets no label for people") from exc
    except (OSError, ValueError, SyntaxError, EOFError) as exc:
        if isinstance(exc, OSError) and exc.errno is not None:
            raise  # the disk's fault, not the picture's
        raise LabelError("the picture is damaged and cannot be decoded; it gets no label for people") from exc


def drawn(image: Image.Image, text: str) -> Image.Image:
    """Return a copy of a picture with a label, as it is stored: a viewer turns both.

    Args:
        image: decoded.
        text: the wording.

    Raises:
        LabelError: no legible label fits.
    """
    if image.mode in ("P", "1", "PA"):
        stored = image.convert("RGBA" if image.has_transparency_data else "RGB")
    else:
        stored = image.copy()
    box, words = _stored_masks(image, text)
    if stored.mode == _DEEP_GREY:
        return _drawn_deep(stored, box, words)
    stored.paste(_DARK[stored.mode], (0, 0), box)
    stored.paste(_LIGHT[stored.mode], (0, 0), words)
    return stored


def _drawn_deep(image: Image.Image, box: Image.Image, words: Image.Image) -> Image.Image:
    ground = np.asarray(image).astype(float) * (1 - np.asarray(box) / 255)
    letters = np.asarray(words) / 255
    return Image.fromarray(np.round(ground * (1 - letters) + _DEEP_WHITE * letters).astype(np.uint16))


def masks(text: str, width: int, height: int) -> tuple[Image.Image, Image.Image]:
    """Return how opaque the dark box and the light words of a label are on each pixel of a picture.

    Args:
        text: the wording.
        width: in pixels, as shown.
        height: in pixels, as shown.

    Raises:
        LabelError: no legible label fits.
    """
    layout = lay_out(text, width, height)
    margin = min(layout.ink_pixels // 2, width - layout.size[0], height - layout.size[1])
    corner = (width - margin - layout.size[0], height - margin - layout.size[1])
    box, words = Image.new("L", (width, height)), Image.new("L", (width, height))
    box.paste(_BOX_OPACITY, (*corner, corner[0] + layout.size[0], corner[1] + layout.size[1]))
    words.paste(_words(layout), corner)
    return box, words


def is_shown(light: NDArray[np.float64], box: Image.Image, words: Image.Image) -> bool:
    """Tell whether a picture has a label already: light where its words would be, dark around them.

    Args:
        light: how light each pixel is, from 0 to 1.
        box: where its box would be, as `masks` has it.
        words: where its words would be.
    """
    inside, letters = np.asarray(box) > 0, np.asarray(words).astype(float) / 255
    edge, ground = light[inside & (letters > _INSIDE)], light[inside & (letters == 0)]
    if not edge.size or not ground.size:
        return False
    fit = np.corrcoef(light[inside], letters[inside])[0, 1] if light[inside].std() > 0 else 0.0
    return bool(np.median(edge) > _LIGHT_WORDS and np.percentile(ground, 95) < _DARK_GROUND and fit > _FIT)


def _stored_masks(image: Image.Image, text: str) -> tuple[Image.Image, Image.Image]:
    turn = image.getexif().get(_ORIENTATION, 1)
    width, height = image.size if turn <= 4 else image.size[::-1]  # noqa: PLR2004 5 to 8 lie on their side
    box, words = masks(text, width, height)
    if turn in _TURNS:
        box, words = box.transpose(_TURNS[turn]), words.transpose(_TURNS[turn])
    return box, words


def lay_out(text: str, width: int, height: int) -> Layout:
    """Return how a label stands on a picture of a size.

    Args:
        text: the wording.
        width: in pixels, as shown.
        height: in pixels, as shown.

    Raises:
        LabelError: no legible label of the height the standard wants fits.
    """
    # 5 % of the shortest side at least (GB 45438-2025 5.2), rounded up.
    least = max(-(-min(width, height) // 20), _LEAST_INK_PIXELS)
    size = least
    while (ink := _ink(font := _font(size), text)) < least:
        # By the share that is missing, and by one at least: hinting makes small steps of their own.
        size = max(size + 1, size * least // max(ink, 1))
    lines = _wrapped(font, text, width - ink)
    step = -(-size * 6 // 5)
    longest = max(int(font.getlength(line)) + 1 for line in lines)
    box = (longest + ink, step * len(lines) + ink // 2)
    if box[0] > width or box[1] > height:
        raise LabelError(f"a picture of {width} x {height} pixels has no room for a legible label; show it beside it")
    return Layout(lines, font, ink, box)


def _has_label(image: Image.Image, text: str) -> bool:
    # The corner alone: numbers for all pixels of a large picture would take eight times its memory.
    box, words = _stored_masks(image, text)
    corner = box.getbbox()
    image, box, words = image.crop(corner), box.crop(corner), words.crop(corner)
    if image.mode == _DEEP_GREY:
        return is_shown(np.asarray(image) / _DEEP_WHITE, box, words)
    return is_shown(np.asarray(image.convert("RGB").convert("L")) / 255, box, words)


def _words(layout: Layout) -> Image.Image:
    mask = Image.new("L", layout.size)
    drawing = ImageDraw.Draw(mask)
    step = (layout.size[1] - layout.ink_pixels // 2) / len(layout.lines)
    for number, line in enumerate(layout.lines):
        # By the ink, since ascent and descent of a font for all of Chinese are far from its letters; on whole
        # pixels, since small letters between two are a blur.
        left, top, right, bottom = layout.font.getbbox(line, anchor="ls")
        middle = layout.ink_pixels / 4 + step * (number + 0.5)
        place = (round((layout.size[0] - left - right) / 2), round(middle - (top + bottom) / 2))
        drawing.text(place, line, fill=255, font=layout.font, anchor="ls")
    return mask


def _wrapped(font: ImageFont.FreeTypeFont, text: str, width: int) -> list[str]:
    lines = [""]
    # Latin words stay whole, Chinese may break anywhere.
    for piece in re.findall(r"[\x21-\x7e]+|.", text):
        if lines[-1] and font.getlength(lines[-1] + piece) > width:
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip()
    return lines


def _ink(font: ImageFont.FreeTypeFont, text: str) -> int:
    """Return the height of the lowest tall letter."""
    heights = []
    for letter in set(_TALL.findall(text)):
        _, top, _, bottom = font.getbbox(letter)
        heights.append(int(bottom - top))
    if not heights:
        raise LabelError("the wording has no letter whose height could be measured")
    return min(heights)


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(font_path(), size, index=SIMPLIFIED_FACE)


def font_path() -> str:
    """Return where the font with Chinese letters is.

    Raises:
        LabelError: its package is not installed.
    """
    try:
        package = importlib.import_module(_FONT_PACKAGE)
    except ImportError as exc:
        raise LabelError("no font with Chinese letters: install the package noto-cjk-sans-otc") from exc
    return str(package.FONT_PATH)


def _check(image: Image.Image, source: Path) -> None:
    frames = getattr(image, "n_frames", 1)
    if image.width * image.height * frames > MOST_PIXELS:
        raise LabelError(f"the picture has more than {MOST_PIXELS} pixels; it gets no label for people here")
    if frames > 1 and (image.format not in _ANIMATED or image.info.get("default_image")):
        raise LabelError(
            "the picture has several pages, or another one for viewers without motion; draw on each before"
        )
    with source.open("rb") as file:
        head = file.read(_PNG_DEPTH_AT + 1)
    depths = image.tag_v2.get(258, (8,)) if image.format == "TIFF" else (8,)  # type: ignore[attr-defined]
    deep = head[_PNG_DEPTH_AT] == _DEEP if image.format == "PNG" else max(depths) > 8  # noqa: PLR2004 bits
    if (deep and image.mode != _DEEP_GREY) or image.mode not in {*_LIGHT, "P", "1", "PA", _DEEP_GREY}:
        raise LabelError("the picture has colours of more than 8 bits or of a rare kind, which drawing would lose")


def _save_frames(image: Image.Image, text: str, target: Path) -> None:
    """Write an animation with the label on each picture, as long as it was shown, and as often."""
    frames, durations = [], []
    for frame in ImageSequence.Iterator(image):
        frames.append(drawn(frame, text))
        durations.append(frame.info.get("duration", 0))
    more: dict[str, Any] = {"save_all": True, "append_images": frames[1:], "duration": durations}
    more |= {"loop": image.info.get("loop", 0)}
    # What Pillow gives is each picture as it is shown, not what is new on it.
    more |= {"disposal": 0, "blend": 0} if image.format == "PNG" else {}
    image.seek(0)
    _save(frames[0], image, target, **more)


def _save(labelled: Image.Image, image: Image.Image, target: Path, **more: Any) -> None:  # noqa: ANN401 Pillow's own
    info = image.info
    # Everything the file says of itself, since what is not handed over is dropped.
    kept: dict[str, Any] = {name: info[name] for name in ("icc_profile", "exif", "xmp", "dpi") if info.get(name)}
    if image.format == "JPEG":
        # The tables it was made with: what is not under the label comes out nearly as it was.
        kept |= {"qtables": image.quantization, "subsampling": JpegImagePlugin.get_sampling(image)}  # type: ignore[attr-defined]
        kept |= {"progressive": bool(info.get("progressive")), "comment": info.get("comment", b"")}
    elif image.format == "PNG":
        kept["pnginfo"] = _texts(image)
    elif image.format == "WEBP":
        kept |= {"lossless": _is_lossless(image), "quality": 95, "exact": True}
    elif image.format == "TIFF":
        tags = image.tag_v2  # type: ignore[attr-defined]
        kept = {"tiffinfo": tags, "compression": info.get("compression"), "icc_profile": info.get("icc_profile")}
    elif image.format == "AVIF":
        kept["quality"] = 90
    labelled.save(target, format=image.format, **kept, **more)


def _texts(image: Image.Image) -> PngImagePlugin.PngInfo:
    texts = PngImagePlugin.PngInfo()
    for name, value in getattr(image, "text", {}).items():
        if name != "XML:com.adobe.xmp":
            texts.add_itxt(name, value) if not value.isascii() else texts.add_text(name, value)
    if packet := image.info.get("xmp"):
        texts.add_itxt("XML:com.adobe.xmp", packet.decode("utf-8", "replace"))
    return texts


def _is_lossless(image: Image.Image) -> bool:
    with Path(str(image.filename)).open("rb") as file:  # type: ignore[attr-defined]
        return b"VP8L" in file.read(64 * 1024)
