"""Where the opening of a film ends."""

from fractions import Fraction
from pathlib import Path

import av
import pytest

from gateway.labelling import video_opening
from gateway.labelling.members import LabelError
from gateway.labelling.video_opening import Opening, opening_of
from tests.gateway.labelling.films import film


def _opening(path: Path) -> Opening:
    with av.open(str(path)) as container:
        return opening_of(container, container.streams.video[0])


@pytest.mark.parametrize(
    ("options", "joint"),
    [
        ({"g": "12", "x264-params": "open-gop=0:scenecut=0"}, Fraction(2)),
        ({"g": "20", "x264-params": "open-gop=0:scenecut=0"}, Fraction(40, 12)),
        ({"g": "250", "x264-params": "scenecut=0"}, None),
        # Pictures behind a key picture that are shown in front of it may need what was there.
        ({"g": "12", "x264-params": "open-gop=1:scenecut=0:b-adapt=0", "bf": "3"}, None),
    ],
)
def test_joint_is_the_first_picture_a_player_can_enter_at(
    tmp_path: Path, options: dict[str, str], joint: Fraction | None
) -> None:
    """Two seconds or more behind the start, and nothing behind it is shown in front of it."""
    path = film(tmp_path / "a.mp4", seconds=4.0, **options)  # type: ignore[arg-type]
    opening = _opening(path)
    with av.open(str(path)) as container:
        base = container.streams.video[0].time_base
    assert base is not None
    found = None if opening.joint_time is None else (opening.joint_time - opening.first) * base
    assert found == joint
    assert opening.until(base) == opening.first + 2 / base
    assert len(opening.decoded_at) == (opening.joint or 0)


def test_what_is_walked_through_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In pictures and in pixels."""
    path = film(tmp_path / "a.mp4", seconds=1.0)
    monkeypatch.setattr(video_opening, "MOST_PICTURES", 5)
    with pytest.raises(LabelError, match="more than 5 pictures"):
        _opening(path)
    monkeypatch.setattr(video_opening, "MOST_PIXELS", 100)
    with pytest.raises(LabelError, match="more than 100 pixels"):
        _opening(path)
