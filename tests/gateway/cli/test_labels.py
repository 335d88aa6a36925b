"""``sluice labels`` writes and reads labels in files, and takes provider codes apart."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli import labels
from gateway.cli.main import app
from tests.gateway.labelling.certificates import signing_files
from tests.gateway.labelling.films import film
from tests.gateway.labelling.pictures import OTHER, PRODUCER, noise, pixels, saved
from tests.gateway.labelling.sounds import samples, sound
from tests.gateway.labelling.vendor_forms import MALFORMED, chunk, inner, png, text, written


def _run(*words: object) -> Result:
    return CliRunner().invoke(app, ["labels", *map(str, words)])


def _write(source: Path, target: Path, *more: object, producer: str = PRODUCER) -> Result:
    return _run("write", source, "-o", target, "--producer", producer, "--produce-id", "id-9", *more)


def test_label_is_written_and_read(tmp_path: Path) -> None:
    """For people and for programs; the source stays as it was."""
    source, target = saved(tmp_path / "a.png"), tmp_path / "b.png"
    before = source.read_bytes()
    result = _write(source, target)
    assert (result.exit_code, result.stdout) == (0, f"{target}: PNG, labelled\n")
    assert source.read_bytes() == before
    assert pixels(target) == pixels(source)
    told = _run("read", target)
    assert told.exit_code == 0
    assert told.stdout.startswith("PNG: is\n  Label: 1\n  ContentProducer: " + PRODUCER)
    found = json.loads(_run("read", target, "--json").stdout)
    assert (found["verdict"], found["members"]["PropagateID"], found["seal"]["state"]) == ("is", "id-9", "absent")


def test_file_without_a_label_says_so(tmp_path: Path) -> None:
    """Which is an answer and no failure."""
    result = _run("read", saved(tmp_path / "a.png"))
    assert (result.exit_code, result.stdout) == (0, "PNG: none\n")


def test_explicit_label_is_drawn(tmp_path: Path) -> None:
    """With the wording given; one that is no label is refused."""
    source, target = saved(tmp_path / "a.png", noise(200, 300)), tmp_path / "b.png"
    assert _write(source, target, "--explicit").exit_code == 0
    assert pixels(target) != pixels(source)
    refused = _write(source, tmp_path / "c.png", "--explicit", "--text", "made by a robot")
    assert refused.exit_code == 1
    assert "chapter 5" in refused.stderr
    assert not (tmp_path / "c.png").exists()


def test_broken_label_is_a_failure(tmp_path: Path) -> None:
    """Status 1, with the verdict."""
    result = _run("read", written(tmp_path / "a.png", MALFORMED["13 text.png"]()))
    assert result.exit_code == 1
    assert result.stdout.startswith("PNG: broken\n")


def test_what_a_label_holds_does_not_steer_the_terminal(tmp_path: Path) -> None:
    """Escapes of strangers are shown as what they are not."""
    harm = png(chunk(b"tEXt", b"AIGC\0" + text(inner(ProduceID="\x1b[2Jx"))))
    result = _run("read", written(tmp_path / "a.png", harm))
    assert "\x1b" not in result.stdout
    assert "\N{REPLACEMENT CHARACTER}[2Jx" in result.stdout


def test_label_of_another_producer_stays(tmp_path: Path) -> None:
    """Nothing is written, and the reason is told."""
    target = tmp_path / "b.png"
    assert _write(saved(tmp_path / "a.png"), target, producer=OTHER).exit_code == 0
    result = _write(target, target)
    assert result.exit_code == 1
    assert "not of this producer" in result.stderr


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--producer", PRODUCER[:-1]], "27 characters"),
        (["--producer", "字节"], "ContentProducer has characters"),
        (["--produce-id", "a b"], "ProduceID has characters"),
        (["--digest", "--seal-key", "x"], "exclude each other"),
    ],
)
def test_wrong_use_writes_nothing(tmp_path: Path, more: list[str], told: str) -> None:
    """Status 2, before any file is touched."""
    result = _write(saved(tmp_path / "a.png"), tmp_path / "b.png", *more)
    assert result.exit_code == 2
    assert told in result.stderr
    assert not (tmp_path / "b.png").exists()


def test_unknown_formats_and_missing_folders_are_failures(tmp_path: Path) -> None:
    """One sentence each."""
    unknown = _run("read", written(tmp_path / "a.bin", b"\x00\x01\x02\x03"))
    assert (unknown.exit_code, "no format" in unknown.stderr) == (1, True)
    missing = _write(saved(tmp_path / "a.png"), tmp_path / "nowhere" / "b.png")
    assert (missing.exit_code, "nowhere" in missing.stderr) == (1, True)


def test_seal_is_made_and_verified(tmp_path: Path) -> None:
    """With a key it holds, without one it is told which is needed, and a changed picture fails."""
    key = written(tmp_path / "key", bytes(range(32)))
    key.chmod(0o600)
    source, target = saved(tmp_path / "a.png"), tmp_path / "b.png"
    assert _write(source, target, "--seal-key", key).exit_code == 0
    assert "seal holds" in _run("read", target, "--seal-key", key).stdout
    without = _run("read", target)
    assert (without.exit_code, "seal unchecked" in without.stdout) == (0, True)
    label = target.read_bytes()[33 : 33 + 12 + int.from_bytes(target.read_bytes()[33:37])]
    other = saved(source, noise(seed=5)).read_bytes()
    forged = written(tmp_path / "c.png", other[:33] + label + other[33:])
    result = _run("read", forged, "--seal-key", key)
    assert (result.exit_code, "seal fails" in result.stdout) == (1, True)
    assert "seal holds" in _sealed_with_digest(tmp_path)


def _sealed_with_digest(tmp_path: Path) -> str:
    assert _write(tmp_path / "a.png", tmp_path / "d.png", "--digest").exit_code == 0
    return _run("read", tmp_path / "d.png").stdout


def test_provider_code_is_taken_apart() -> None:
    """Or the wrong part is named."""
    result = _run("producer", PRODUCER)
    assert result.exit_code == 0
    assert "subject: 91110102MACQD9K640\nservice: generation\nextension: 0000" in result.stdout
    assert json.loads(_run("producer", PRODUCER, "--json").stdout)["format_code"] == "00"
    wrong = _run("producer", PRODUCER[:21] + "1" + PRODUCER[22:])
    assert (wrong.exit_code, "character 22" in wrong.stderr) == (1, True)


def test_file_is_passed_on(tmp_path: Path) -> None:
    """The verdict is said, the members are written, the producer's stay; what is printed stays JSON."""
    source, target = written(tmp_path / "a.png", png(chunk(b"tEXt", b"AIGC\0" + text(inner())))), tmp_path / "b.png"
    more = ("--propagate", target, "--propagator", PRODUCER, "--propagate-id", "p-1")
    result = _run("read", source, "--json", *more)
    assert (result.exit_code, json.loads(result.stdout)["verdict"]) == (0, "is")
    assert f"{target}: passed on as is" in result.stderr
    found = json.loads(_run("read", target, "--json").stdout)
    assert (found["members"]["ContentProducer"], found["members"]["ContentPropagator"]) == (OTHER, PRODUCER)
    assert (found["members"]["ProduceID"], found["members"]["PropagateID"], found["problems"]) == ("id-1", "p-1", [])


def test_what_is_known_besides_decides_without_a_label(tmp_path: Path) -> None:
    """Declared is "may be", traces are "suspected", neither is nothing to write."""
    source, target = saved(tmp_path / "a.png"), tmp_path / "b.png"
    more = ("--propagate", target, "--propagator", PRODUCER, "--propagate-id", "p-1")
    nothing = _run("read", source, *more)
    assert (nothing.exit_code, "nothing says" in nothing.stderr, target.exists()) == (1, True, False)
    for option, verdict, label in (("--declared", "may_be", "2"), ("--traces", "suspected", "3")):
        result = _run("read", source, option, *more)
        assert (result.exit_code, result.stdout) == (0, f"PNG: {verdict}\n")
        members = json.loads(_run("read", target, "--json").stdout)["members"]
        assert (members["Label"], members["ContentProducer"], members["ProduceID"]) == (label, "", "")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--propagator", PRODUCER], "go with --propagate"),
        (["--propagate", "b.png"], "is empty"),
        (["--propagate", "b.png", "--propagator", PRODUCER[:-1], "--propagate-id", "x"], "27 characters"),
    ],
)
def test_wrong_use_of_passing_on_is_told(tmp_path: Path, more: list[str], told: str) -> None:
    """Status 2, and nothing is written."""
    result = _run("read", saved(tmp_path / "a.png"), *more)
    assert (result.exit_code, told in result.stderr) == (2, True)
    assert not Path("b.png").exists()


def test_manifest_is_signed_and_validated(tmp_path: Path) -> None:
    """By writing, by passing on, and told by reading; one that is left behind is told."""
    source, signed, keys = saved(tmp_path / "a.png"), tmp_path / "b.png", tmp_path / "keys"
    keys.mkdir()
    c2pa = ("--c2pa", *signing_files(keys))
    assert _write(source, signed, *c2pa).exit_code == 0
    assert "C2PA valid: " in _run("read", signed).stdout
    assert "(signer: Tests)" in _run("read", signed).stdout
    more = ("--propagator", OTHER, "--propagate-id", "p-1")
    assert _run("read", signed, "--propagate", tmp_path / "c.png", *more, *c2pa).exit_code == 0
    assert json.loads(_run("read", tmp_path / "c.png", "--json").stdout)["manifest"]["state"] == "valid"
    without = _run("read", signed, "--propagate", tmp_path / "d.png", *more)
    assert (without.exit_code, "no longer fits" in without.stderr) == (0, True)
    assert "C2PA invalid: " in _run("read", tmp_path / "d.png").stdout
    wrong = _write(source, tmp_path / "e.png", "--c2pa", keys / "es256.key", keys / "es256.key")
    assert (wrong.exit_code, "no certificates" in wrong.stderr) == (2, True)


def test_no_command_takes_a_label_out() -> None:
    """Labelling Measures Art. 10: neither a command nor an option of one."""
    listed = _run("--help").stdout
    assert {each.name or each.callback.__name__ for each in labels.app.registered_commands if each.callback} == {
        "write",
        "read",
        "producer",
    }
    for shown in (listed, _run("write", "--help").stdout, _run("read", "--help").stdout):
        assert not any(word in shown for word in ("remove", "strip", "delete", "clear", "--force", "--overwrite"))


def test_a_spoken_label_stands_where_it_is_asked_for(tmp_path: Path) -> None:
    """The operator's own sound, at the end; the options are about the label for people."""
    source, voice = (sound(tmp_path / name, "libmp3lame") for name in ("a.mp3", "voice.mp3"))
    result = _write(source, tmp_path / "b.mp3", "--explicit", "--voice", voice, "--at", "end")
    assert (result.exit_code, result.stdout) == (0, f"{tmp_path / 'b.mp3'}: MP3, labelled\n")
    own, whole = samples(source), samples(tmp_path / "b.mp3")
    assert whole.shape[1] > own.shape[1] + 24_000
    assert (whole[:, : own.shape[1]] == own).all()
    for words, told in (
        (("--voice", voice), "add --explicit"),
        (("--explicit", "--voice", tmp_path / "none.mp3"), "no such file"),
    ):
        refused = _write(source, tmp_path / "c.mp3", *words)
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert told in refused.stderr
    refused = _write(saved(tmp_path / "a.png", noise(200, 300)), tmp_path / "c.png", "--explicit", "--voice", voice)
    assert refused.exit_code == 1
    assert "is for sound" in refused.stderr


def test_what_is_encoded_anew_is_told(tmp_path: Path) -> None:
    """A film that cannot be joined is written, with a word about it."""
    result = _write(film(tmp_path / "a.mp4", seconds=1.0), tmp_path / "b.mp4", "--explicit")
    assert result.exit_code == 0
    assert "all pictures of the film were encoded again" in result.stderr
