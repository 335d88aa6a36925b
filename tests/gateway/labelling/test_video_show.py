"""Words on a film's first two seconds: seen by a decoder, and nothing else touched."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from gateway.labelling import video_show
from gateway.labelling.formats import read_file, write_label
from gateway.labelling.images import visible
from gateway.labelling.members import LabelError, Verdict
from gateway.labelling.video_show import ALL_ANEW, show_words
from tests.gateway.labelling.films import RATE, SIZE, film, packets, pictures
from tests.gateway.labelling.pictures import MEMBERS

_TEXT = "内容由AI生成"
_CLOSED = {"x264-params": "open-gop=0", "bf": "2"}
_JOINED: dict[str, dict[str, Any]] = {
    "h264.mp4": {"sound": "aac", **_CLOSED},
    "h264.mkv": {"sound": "aac", **_CLOSED},
    "fragments.mp4": {"sound": "aac", "movflags": "frag_keyframe+empty_moov", **_CLOSED},
    "fast.mp4": {"movflags": "faststart", **_CLOSED},
    "hevc.mp4": {"codec": "libx265", "x265-params": "log-level=none:open-gop=0"},
    "hevc.mkv": {"codec": "libx265", "x265-params": "log-level=none:open-gop=0"},
    "vp9.webm": {"codec": "libvpx-vp9", "sound": "libopus", "cpu-used": "8"},
    "vp8.webm": {"codec": "libvpx", "cpu-used": "8", "auto-alt-ref": "0", "deadline": "realtime"},
    "av1.mp4": {"codec": "libsvtav1", "preset": "12", "svtav1-params": "pred-struct=1"},
    "mpeg4.mp4": {"codec": "mpeg4"},
    "motion.mov": {"codec": "mjpeg", "form": "yuvj420p"},
    "deep.mp4": {"form": "yuv420p10le", **_CLOSED},
    "uneven.mp4": {"times": [number * 7 + (number % 3) * 3 for number in range(60)], **_CLOSED},
}


def _labelled(path: Path) -> list[tuple[float, bool]]:
    """Return for each picture its time, and whether it has the words."""
    box, words = visible.masks(_TEXT, *SIZE)
    return [
        (time, visible.is_shown(np.clip((picture.astype(float) - 16) / 219, 0, 1), box, words))
        for time, picture in pictures(path)
    ]


@pytest.mark.parametrize("name", _JOINED)
def test_the_opening_alone_is_encoded_again(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words on every picture of two seconds; behind the joint the same packets, pictures, times; all of the sound."""
    monkeypatch.setenv("SVT_LOG", "0")
    options = _JOINED[name]
    old, new = film(tmp_path / name, seconds=5.0 if "times" in options else 3.5, **options), tmp_path / f"new-{name}"
    assert show_words(old, new, _TEXT) is None

    before, after = packets(old), packets(new)
    assert sorted(time for time, _ in after) == sorted(time for time, _ in before)
    joint = next(number for number, pair in enumerate(zip(before, after, strict=True)) if pair[0][1] == pair[1][1])
    # The first behind the joint may have the parameters of its kind in front.
    assert [each for _, each in after[joint:]] == [each for _, each in before[joint:]]
    assert before[joint][0] < 3200
    shown = _labelled(new)
    # A fragmented film may begin later than at zero.
    assert all(words for time, words in shown if time - shown[0][0] < 1.99)
    assert not any(words for time, words in shown if time - shown[0][0] > 2.01)
    rest = [pair for pair in zip(pictures(old), pictures(new), strict=True) if pair[0][0] * 1000 >= before[joint][0]]
    assert rest
    assert all(np.array_equal(one, other) for (_, one), (_, other) in rest)
    if options.get("sound"):
        assert packets(new, "audio") == packets(old, "audio")
    with av.open(str(new)) as container:
        assert container.metadata.get("title", container.metadata.get("TITLE")) == "Kept"
    if name in ("fragments.mp4", "fast.mp4"):
        data = new.read_bytes()
        assert (b"moof" in data) is (name == "fragments.mp4")
        assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("single.mp4", {"g": "250", "sound": "aac"}),
        ("single.webm", {"codec": "libvpx-vp9", "g": "250", "cpu-used": "8"}),
        ("short.mp4", {"seconds": 1.0}),
    ],
)
def test_a_film_without_a_joint_is_encoded_again_and_told(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    """Words on two seconds, or on all of a shorter film; the times and the sound stay."""
    old, new = film(tmp_path / name, **{"seconds": 3.0, **options}), tmp_path / f"new-{name}"
    notes: list[str] = []
    write_label(old, new, MEMBERS, shown=_TEXT, tell=notes.append)
    assert notes == [ALL_ANEW]
    assert read_file(new).reading.verdict is Verdict.IS
    assert sorted(time for time, _ in packets(new)) == sorted(time for time, _ in packets(old))
    shown = _labelled(new)
    assert all(words for time, words in shown if time < 1.99)
    assert not any(words for time, words in shown if time > 2.01)
    # What has no words still looks as it did.
    pairs = list(zip(pictures(old), pictures(new), strict=True))
    assert np.mean([abs(one[1][:60].astype(int) - other[1][:60]).mean() for one, other in pairs]) < 4
    if "sound" in options:
        assert packets(new, "audio") == packets(old, "audio")


def test_a_second_label_is_not_made(tmp_path: Path) -> None:
    """The words that are there are seen, and the file is copied."""
    old = film(tmp_path / "a.mp4", **_CLOSED)  # type: ignore[arg-type]
    show_words(old, tmp_path / "once.mp4", _TEXT)
    assert show_words(tmp_path / "once.mp4", tmp_path / "twice.mp4", _TEXT) is None
    assert (tmp_path / "twice.mp4").read_bytes() == (tmp_path / "once.mp4").read_bytes() != old.read_bytes()


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_words_are_upright_however_a_player_turns_the_film(tmp_path: Path, turn: int) -> None:
    """In the corner a viewer sees as the lower right one; the turn stays."""
    old, new = film(tmp_path / "a.mp4", seconds=1.0), tmp_path / "b.mp4"
    # The matrix in the head of the track (ISO/IEC 14496-12 8.3.2), by which a player turns with the clock.
    matrix = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[turn]
    data = bytearray(old.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    for place, value in zip((0, 4, 12, 16), matrix, strict=True):
        data[at + place : at + place + 4] = (value * 65536).to_bytes(4, signed=True)
    old.write_bytes(data)
    show_words(old, new, _TEXT)
    with av.open(str(new)) as container:
        frame: Any = next(container.decode(video=0))
        assert frame.rotation % 360 == (360 - turn) % 360
        picture = np.rot90(frame.to_ndarray(format="gray8"), -turn // 90)
    box, words = visible.masks(_TEXT, picture.shape[1], picture.shape[0])
    assert visible.is_shown(np.clip((picture.astype(float) - 16) / 219, 0, 1), box, words)


def test_words_are_high_enough(tmp_path: Path) -> None:
    """Measured on the decoded picture: I is a bar of at least 5 % of the short side."""
    old, new = film(tmp_path / "a.mkv", "ffv1", seconds=0.5, form="yuv444p"), tmp_path / "b.mkv"
    with pytest.raises(LabelError, match="not encoded here"):
        show_words(old, new, "AI生成")
    show_words(film(tmp_path / "a.mp4", seconds=0.5, qp="0"), tmp_path / "b.mp4", "AI生成")
    light = pictures(tmp_path / "b.mp4")[0][1] > 180
    corner = light[SIZE[1] * 2 // 3 :, SIZE[0] // 2 :]
    longest = max(len(run) for column in corner.T for run in "".join("#" if each else " " for each in column).split())
    assert longest >= SIZE[1] * 0.05


def test_what_cannot_be_drawn_on_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Damage, manifests, kinds of picture, and more pictures than are encoded again."""
    old, new = film(tmp_path / "a.mp4", seconds=1.0), tmp_path / "b.mp4"
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(old.read_bytes()[:-2000])
    with pytest.raises(LabelError):
        show_words(cut, new, _TEXT)
    signed = tmp_path / "signed.mp4"
    signed.write_bytes(old.read_bytes() + (32).to_bytes(4) + b"uuid" + video_show._MANIFEST + bytes(8))
    with pytest.raises(LabelError, match="C2PA manifest"):
        show_words(signed, new, _TEXT)
    with pytest.raises(LabelError, match="stored as"):
        show_words(film(tmp_path / "rgb.mkv", "ffv1", seconds=0.5, form="bgr0"), new, _TEXT)
    monkeypatch.setattr("gateway.labelling.video_opening.MOST_PICTURES", RATE // 2)
    with pytest.raises(LabelError, match="would have to be encoded again"):
        show_words(old, new, _TEXT)
