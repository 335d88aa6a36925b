"""The label people see on the pictures of a film: the same words in the same box as on a picture.

Source: GB 45438-2025 5.4: at an edge or corner, at least 5 % of the shortest side high. Drawn on the planes of a
picture as it is encoded, so that no colour outside the box changes.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gateway.labelling import media
from gateway.labelling.images import visible
from gateway.labelling.members import LabelError

# Bits of each sample, and by how much the colour planes are smaller.
_FORMS = {
    f"yuv{'j' if full else ''}{name}p{deep}": (int(deep[:2] or 8), *shrunk)
    for name, shrunk in {"420": (2, 2), "422": (2, 1), "444": (1, 1)}.items()
    for deep in ("", "10le", "12le")
    for full in (False, True)
} | {"gray": (8, 0, 0), "gray10le": (10, 0, 0)}
_TURNS = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}
_FULL_RANGE = 2
# SMPTE ST 2084: full scale is 10,000 candela; words as bright as paper (ITU-R BT.2408) are at 58 %.
_PERCEPTUAL, _PAPER = 16, 0.58


class Drawing(NamedTuple):
    """A label for all pictures of a film.

    Attributes:
        box: how opaque it is on each sample of the first plane, from 0 to 1.
        words: the same for the words.
    """

    box: Image.Image
    words: Image.Image


def drawing_for(text: str, frame: Any, turn: int, aspect: float) -> Drawing:  # noqa: ANN401 of the library
    """Return a label as it has to be stored for a viewer to see it upright and high enough.

    Args:
        text: the wording.
        frame: a picture of the film.
        turn: degrees a player turns pictures against the clock.
        aspect: width of a stored pixel against its height.

    Raises:
        LabelError: the pictures are of a kind that is not drawn on here, or no label fits.
    """
    if frame.format.name not in _FORMS:
        raise LabelError(f"the film's pictures are stored as {frame.format.name}, which is not drawn on here")
    if frame.interlaced_frame:
        raise LabelError("the film's pictures are interlaced, and would not be after drawing; draw before encoding")
    if turn % 90:
        raise LabelError("the film is shown turned by an angle that is none of 90 degrees")
    return _drawing(text, frame.width, frame.height, turn % 360, aspect)


@lru_cache(maxsize=8)
def _drawing(text: str, width: int, height: int, turn: int, aspect: float) -> Drawing:
    shown = (max(1, round(width * aspect)), height)
    box, words = visible.masks(text, *(shown[::-1] if turn in (90, 270) else shown))
    if turn:
        # A player turns against the clock, so what is stored is turned with it.
        box, words = (each.transpose(_TURNS[360 - turn]) for each in (box, words))
    return Drawing(*(each.resize((width, height)) if each.size != (width, height) else each for each in (box, words)))


def drawn(frame: Any, drawing: Drawing) -> Any:  # noqa: ANN401 of the library
    """Return a copy of a picture with the label: the decoder still needs its own to make the next ones."""
    bits, across, down = _FORMS[frame.format.name]
    new = media.library().VideoFrame(frame.width, frame.height, frame.format.name)
    for number, plane in enumerate(_planes(frame)):
        target = _planes(new)[number]
        target[:] = plane
        if number == 0:
            dark, light = _levels(frame, bits)
            _blend(target, drawing.box, dark)
            _blend(target, drawing.words, light)
        else:
            size = (-(-frame.width // across), -(-frame.height // down))
            _blend(target, drawing.box.resize(size), float(1 << bits - 1))
            _blend(target, drawing.words.resize(size), float(1 << bits - 1))
    new.pts = frame.pts
    return new


def is_shown(frame: Any, drawing: Drawing) -> bool:  # noqa: ANN401 of the library
    """Tell whether a picture has the label."""
    dark, light = _levels(frame, _FORMS[frame.format.name][0])
    luma = np.clip((_planes(frame)[0].astype(float) - dark) / (light - dark), 0.0, 1.0)
    return visible.is_shown(luma, drawing.box, drawing.words)


def same_pictures(one: Any, other: Any) -> bool:  # noqa: ANN401 of the library
    """Tell whether two pictures are the same, to the last bit."""
    return one.format.name == other.format.name and all(
        np.array_equal(first, second) for first, second in zip(_planes(one), _planes(other), strict=True)
    )


def _planes(frame: Any) -> list[NDArray[Any]]:  # noqa: ANN401 of the library
    kind = np.dtype("<u2") if _FORMS[frame.format.name][0] > 8 else np.dtype("u1")  # noqa: PLR2004 bits of a byte
    planes = []
    for plane in frame.planes:
        rows = np.frombuffer(plane, kind).reshape(plane.height, plane.line_size // kind.itemsize)
        planes.append(rows[:, : plane.width])
    return planes


def _levels(frame: Any, bits: int) -> tuple[float, float]:  # noqa: ANN401 of the library
    """Return the samples of black and white."""
    full = "j" in frame.format.name or int(frame.color_range) == _FULL_RANGE
    dark, light = (0.0, 255.0) if full else (16.0, 235.0)
    scale = float(1 << bits - 8)
    share = _PAPER if int(frame.color_trc) == _PERCEPTUAL else 1.0
    return dark * scale, (dark + (light - dark) * share) * scale


def _blend(plane: NDArray[Any], mask: Image.Image, value: float) -> None:
    bounds = mask.getbbox()
    if bounds is None:
        return
    left, top, right, bottom = bounds
    share = np.asarray(mask.crop(bounds)).astype(float) / 255
    part = plane[top:bottom, left:right]
    part[:] = np.round(part * (1 - share) + value * share).astype(plane.dtype)
