"""Every format of sound, written here and read by programs of others."""

from pathlib import Path

import mutagen
import pytest

from gateway.labelling.formats import read_file, write_label
from gateway.labelling.members import Members, Verdict
from tests.media import LABEL, PRODUCER, exiftool, needs_tools, run, streams, tags, tone

_MEMBERS = Members.first(PRODUCER, "req-1")
_MADE = {
    "a.wav": ("-c:a", "pcm_s24le"),
    "big.wav": ("-rf64", "always"),
    "a.mp3": (),
    "old.mp3": ("-id3v2_version", "3", "-write_id3v1", "1"),
    "a.flac": (),
    "a.ogg": ("-c:a", "libvorbis"),
    "flac.oga": ("-c:a", "flac", "-f", "ogg"),
    "a.opus": ("-c:a", "libopus"),
    "a.m4a": (),
    "lossless.m4a": ("-c:a", "alac", "-movflags", "faststart"),
}


@pytest.mark.media_tools
@pytest.mark.parametrize("name", _MADE)
def test_others_read_the_label_and_the_same_sound(tmp_path: Path, name: str) -> None:
    """Each packet and each decoded sample is what it was, times too; the title is kept; twice is one label."""
    needs_tools()
    old, new = tone(tmp_path / name, *_MADE[name]), tmp_path / f"new-{name}"
    write_label(old, new, Members.first(PRODUCER, "an-earlier-request"))

    write_label(new, new, _MEMBERS)

    assert read_file(new).reading.verdict is Verdict.IS
    assert streams(new) == streams(old)
    assert tags(new)["TITLE"] == "Kept"
    if name.endswith(".wav"):
        assert LABEL.decode()[:50] in run("exiftool", "-v3", new).decode()
        return
    assert tags(new)["AIGC"] == LABEL.decode()
    if not name.endswith(".m4a"):
        # A library that reads Apple's own list alone knows nothing of the keys the guide has for M4A.
        assert LABEL.decode() in str(mutagen.File(new).tags)
    if not name.endswith(".mp3"):
        assert exiftool(new)["aigc"] == LABEL.decode()


@pytest.mark.media_tools
def test_others_hear_the_rhythm(tmp_path: Path) -> None:
    """A decoder finds the sound longer by it, and otherwise the same."""
    needs_tools()
    old, new = tone(tmp_path / "a.wav"), tmp_path / "new.wav"
    write_label(old, new, _MEMBERS, shown="AI生成")
    decode = ("-f", "s16le", "-")
    before, after = (run("ffmpeg", "-v", "error", "-i", path, *decode) for path in (old, new))
    assert after.endswith(before)
    seconds = (len(after) - len(before)) / 2 / 48_000
    assert seconds == pytest.approx(1.1 + 0.4)
