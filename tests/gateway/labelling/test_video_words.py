"""Words on one picture of a film."""

from typing import Any

import av
import numpy as np
import pytest

from gateway.labelling.images import visible
from gateway.labelling.members import LabelError
from gateway.labelling.video_words import drawing_for, drawn, is_shown, same_pictures

_TEXT = "内容由AI生成"


def _frame(form: str, size: tuple[int, int] = (320, 180)) -> Any:  # noqa: ANN401 of the library
    noise = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return av.VideoFrame.from_ndarray(noise, "rgb24").reformat(format=form)


@pytest.mark.parametrize("form", ["yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuv420p10le", "yuv444p12le", "gray"])
def test_words_are_drawn_on_a_copy(form: str) -> None:
    """The picture itself stays: the decoder makes the next ones of it. Nothing outside the box changes."""
    frame, before = _frame(form), _frame(form)
    drawing = drawing_for(_TEXT, frame, 0, 1.0)
    new = drawn(frame, drawing)
    assert same_pictures(frame, before)
    assert not same_pictures(new, before)
    assert is_shown(new, drawing)
    assert not is_shown(frame, drawing)
    one, other = (each.to_ndarray(format="gray8")[:140] for each in (frame, new))
    assert np.array_equal(one, other)


def test_words_are_as_high_as_the_shown_pixels_need() -> None:
    """Where stored pixels are twice as wide as high, letters are half as wide, and not half as high."""
    frame = _frame("yuv420p", (180, 360))
    wide, plain = drawing_for(_TEXT, frame, 0, 2.0), drawing_for(_TEXT, frame, 0, 1.0)
    heights = [each.words.getbbox()[3] - each.words.getbbox()[1] for each in (wide, plain)]  # type: ignore[index]
    assert heights[0] >= 0.05 * 360 > 0.05 * 180
    assert heights[0] > 1.5 * heights[1]


def test_words_stand_where_a_viewer_turns_them() -> None:
    """A quarter against the clock puts what is stored at the upper right to where it belongs."""
    frame = _frame("yuv420p")
    box, words = visible.masks(_TEXT, 180, 320)
    for turn, quarters in ((90, 1), (270, 3)):
        drawing = drawing_for(_TEXT, frame, turn, 1.0)
        assert np.array_equal(np.rot90(np.asarray(drawing.words), quarters), np.asarray(words))
        assert np.array_equal(np.rot90(np.asarray(drawing.box), quarters), np.asarray(box))


@pytest.mark.parametrize(("form", "turn", "told"), [("rgb24", 0, "stored as rgb24"), ("yuv420p", 45, "none of 90")])
def test_what_is_not_drawn_on_says_why(form: str, turn: int, told: str) -> None:
    """Other kinds of picture, and slanted ones."""
    with pytest.raises(LabelError, match=told):
        drawing_for(_TEXT, _frame(form), turn, 1.0)
