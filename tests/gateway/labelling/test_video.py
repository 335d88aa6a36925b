"""Every format of film, written here and read by programs of others."""

from pathlib import Path

import pytest

from gateway.labelling.formats import format_of, read_file, write_label
from gateway.labelling.members import LabelError, Members, Verdict
from gateway.labelling.video import FORMATS
from tests.media import LABEL, PRODUCER, SMALL, exiftool, film, needs_tools, run, streams, tags

_MEMBERS = Members.first(PRODUCER, "req-1")
_VP9 = ("-c:v", "libvpx", "-c:a", "libopus")
_MADE = {
    "fast.mp4": ("-movflags", "faststart"),
    "fragmented.mp4": ("-g", "5", "-movflags", "frag_keyframe+empty_moov+default_base_moof"),
    "based.mp4": ("-g", "5", "-movflags", "frag_keyframe+empty_moov"),
    "segments.mp4": ("-g", "5", "-movflags", "dash+frag_keyframe+empty_moov+global_sidx"),
    "keys.mp4": ("-movflags", "use_metadata_tags"),
    "a.mov": (),
    "a.mkv": (),
    "front.mkv": ("-g", "5", "-cues_to_front", "1", "-reserve_index_space", "1000"),
    "a.webm": _VP9,
    "live.webm": (*_VP9, "-live", "1"),
}

_JUMPED = ("fast.mp4", "based.mp4", "front.mkv")


@pytest.mark.media_tools
@pytest.mark.parametrize("name", _MADE)
def test_others_read_the_label_and_the_same_film(tmp_path: Path, name: str) -> None:
    """Each packet and each decoded picture is what it was, times too, also behind a jump; the title is kept."""
    needs_tools()
    old, new = film(tmp_path / name, *_MADE[name]), tmp_path / f"new-{name}"
    write_label(old, new, Members.first(PRODUCER, "an-earlier-request"))

    write_label(new, new, _MEMBERS)

    assert read_file(new).reading.verdict is Verdict.IS
    assert streams(new) == streams(old)
    assert (tags(new)["AIGC"], tags(new)["TITLE"]) == (LABEL.decode(), "Kept")
    assert exiftool(new)["aigc"] == LABEL.decode()
    if name not in _JUMPED:
        return
    behind = [run("ffmpeg", "-v", "error", "-ss", "1.2", "-i", path, "-f", "md5", "-") for path in (old, new)]
    assert behind[0] == behind[1]


@pytest.mark.parametrize("name", ["a.mp4", "a.webm"])
def test_films_without_pictures_take_no_words(tmp_path: Path, name: str) -> None:
    """The reason says so, and nothing is written."""
    old, new = tmp_path / name, tmp_path / f"new-{name}"
    old.write_bytes(SMALL[name])
    assert format_of(old) in FORMATS
    with pytest.raises(LabelError, match=r"the film|no pictures"):
        write_label(old, new, _MEMBERS, shown="AI生成")
    assert not new.exists()
