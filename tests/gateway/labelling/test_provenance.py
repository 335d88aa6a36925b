"""A C2PA manifest says what the label says, fits the file, and keeps the one that was there."""

import json
import subprocess
from pathlib import Path
from typing import Any

import c2pa
import pytest

from gateway.labelling import manifest_reader, provenance
from gateway.labelling.formats import FORMATS, format_of, propagate_label, read_file, write_label
from gateway.labelling.members import LabelError, Members, Verdict, compact_json
from gateway.labelling.propagation import Knowledge
from gateway.labelling.provenance import Claim, ManifestState, beside, has_manifest, is_signed_beside, sign
from gateway.labelling.seal import PLAIN, SealState
from gateway.labelling.signing import Signer, load_signer
from tests.gateway.labelling.certificates import signing_files
from tests.gateway.labelling.pictures import MEMBERS, OTHER, PICTURES, noise, pixels, saved
from tests.gateway.labelling.vendor_forms import chunk, png, written
from tests.media import SMALL

_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_PAGES = "pages.tif"


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    """Somebody nobody trusts."""
    folder = tmp_path / "keys"
    folder.mkdir()
    return load_signer(*signing_files(folder))


def _store(path: Path, kind: str) -> dict[str, Any]:
    """Return the manifests of a file, as the library has them."""
    with path.open("rb") as file, c2pa.Reader(kind, file) as reader:
        store: dict[str, Any] = json.loads(reader.json())
    return store


def _active(store: dict[str, Any]) -> dict[str, Any]:
    manifest: dict[str, Any] = store["manifests"][store["active_manifest"]]
    return manifest


def _data(manifest: dict[str, Any], label: str) -> Any:  # noqa: ANN401 JSON
    return next(each["data"] for each in manifest["assertions"] if each["label"] == label)


@pytest.mark.parametrize(
    "name", ["plain.png", "animated.png", "rotated.jpg", "rich.webp", "animated.gif", "deep.tif"]
)
def test_picture_is_signed_and_stays_the_same(tmp_path: Path, signer: Signer, name: str) -> None:
    """Label, seal and pixels as without it; the manifest fits."""
    source, target = PICTURES[name](tmp_path / name), tmp_path / f"b-{name}"
    write_label(source, target, MEMBERS, key=PLAIN, signer=signer)
    found = read_file(target)
    assert pixels(target) == pixels(source)
    assert (found.reading.verdict, found.reading.problems) == (Verdict.IS, ())
    assert (found.seal and found.seal.state) == SealState.HOLDS
    assert found.manifest is not None
    assert (found.manifest.state, found.manifest.signer, found.manifest.generated) == (
        ManifestState.VALID,
        "Tests",
        True,
    )


def test_one_record_serves_both(tmp_path: Path, signer: Signer) -> None:
    """The action with its source type, and the label as it stands in the file."""
    write_label(saved(tmp_path / "a.png"), tmp_path / "b.png", MEMBERS, signer=signer)
    manifest = _active(_store(tmp_path / "b.png", "image/png"))
    actions = _data(manifest, "c2pa.actions.v2")["actions"]
    assert [(each["action"], each["digitalSourceType"]) for each in actions] == [("c2pa.created", _SOURCE_TYPE)]
    assert _data(manifest, "cn.org.tc260.metadata")["TC260:AIGC"] == compact_json(MEMBERS).decode()
    assert manifest["claim_generator_info"][0]["name"] == "Sluice"
    # A preview would show the picture without the label that people see.
    assert "thumbnail" not in manifest


def test_changed_picture_does_not_fit(tmp_path: Path, signer: Signer) -> None:
    """A bit of a pixel, and the reason is named."""
    path = saved(tmp_path / "a.png")
    write_label(path, path, MEMBERS, signer=signer)
    data = bytearray(path.read_bytes())
    data[data.index(b"IDAT") + 100] ^= 1
    path.write_bytes(data)
    manifest = read_file(path).manifest
    assert manifest is not None
    assert manifest.state is ManifestState.INVALID
    assert "assertion.dataHash.mismatch" in manifest.message
    assert "untrusted" not in manifest.message


def test_manifest_that_was_there_becomes_the_parent(tmp_path: Path, signer: Signer) -> None:
    """With its signature, whole; a platform's claims no more than the verdict."""
    camera = saved(tmp_path / "camera.jpg", noise(300, 400))
    # A camera's claim: what it opens was not made by a model.
    claim = Claim(compact_json(Members.first(OTHER, "cam-1")), generated=False, parent=camera)
    sign("JPEG", camera, tmp_path / "signed.jpg", claim, signer)
    propagate_label(tmp_path / "signed.jpg", tmp_path / "p.jpg", OTHER, "p-1", Knowledge(declared=True), signer)
    store = _store(tmp_path / "p.jpg", "image/jpeg")
    (parent,) = _active(store)["ingredients"]
    assert (len(store["manifests"]), parent["relationship"]) == (2, "parentOf")
    assert parent["active_manifest"] in store["manifests"]
    failures = parent["validation_results"]["activeManifest"]["failure"]
    assert {each["code"] for each in failures} <= {"signingCredential.untrusted"}
    actions = _data(_active(store), "c2pa.actions.v2")["actions"]
    assert [each["action"] for each in actions] == ["c2pa.opened", "c2pa.edited.metadata"]
    assert all("digitalSourceType" not in each for each in actions)
    assert read_file(tmp_path / "p.jpg").manifest == (
        ManifestState.VALID,
        "the file is as it was signed, by a certificate that is on no trust list here",
        "Tests",
        False,
    )


def test_drawing_on_a_signed_picture_needs_a_new_signature(tmp_path: Path, signer: Signer) -> None:
    """Without one it is refused; with one the picture before is the parent."""
    path = saved(tmp_path / "a.png", noise(300, 400))
    write_label(path, path, MEMBERS, signer=signer)
    before = path.read_bytes()
    with pytest.raises(LabelError, match="--c2pa"):
        write_label(path, path, MEMBERS, shown="AI生成")
    assert path.read_bytes() == before
    write_label(path, path, MEMBERS, shown="AI生成", signer=signer)
    store = _store(path, "image/png")
    assert [each["action"] for each in _data(_active(store), "c2pa.actions.v2")["actions"]] == [
        "c2pa.opened",
        "c2pa.edited.metadata",
        "c2pa.addedText",
    ]
    assert len(store["manifests"]) == 2
    assert (read_file(path).manifest or ("",))[0] is ManifestState.VALID


def test_manifest_is_found_without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is missing is said; a label is never refused for it, a signature is."""
    manifest = bytes(2**20 - 100) + b"\0\0\0\x26jumdc2pa" + bytes(26)  # across the pieces a file is read in
    path = written(tmp_path / "a.png", png(chunk(b"caBX", manifest)))
    assert has_manifest(path)
    assert not has_manifest(saved(tmp_path / "b.png"))
    monkeypatch.setattr(provenance, "_is_installed", lambda: False)
    found = read_file(path)
    assert found.reading.verdict is Verdict.NONE
    assert found.manifest == (ManifestState.UNCHECKED, provenance.MISSING, "", False)
    write_label(path, tmp_path / "c.png", MEMBERS)


def test_signing_without_the_library_names_it(
    tmp_path: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the way to get it, and nothing is written."""
    monkeypatch.setitem(__import__("sys").modules, "c2pa", None)
    with pytest.raises(LabelError, match=r"sluice-gateway\[c2pa\]"):
        write_label(saved(tmp_path / "a.png"), tmp_path / "b.png", MEMBERS, signer=signer)
    assert not (tmp_path / "b.png").exists()


@pytest.mark.parametrize("content", [bytes(40), b"\0\0\0\x26jumdc2pa" + b"\xff" * 300, b"jumdc2pa" * 9000])
def test_manifest_that_cannot_be_read_is_invalid(tmp_path: Path, content: bytes) -> None:
    """No crash, no verdict of its own."""
    found = read_file(written(tmp_path / "a.png", png(chunk(b"caBX", b"\0\0\1\0jumb\0\0\0\x26jumdc2pa" + content))))
    assert found.reading.verdict is Verdict.NONE
    assert (found.manifest or ("",))[0] is ManifestState.INVALID


def test_library_that_does_not_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process is bounded, so the caller's is."""

    def hang(command: list[str], **_options: object) -> None:
        raise subprocess.TimeoutExpired(command, 1)

    monkeypatch.setattr(subprocess, "run", hang)
    found = read_file(written(tmp_path / "a.png", png(chunk(b"caBX", b"jumdc2pa")))).manifest
    assert found is not None
    assert (found.state, "gave up" in found.message) == (ManifestState.INVALID, True)


def test_manifest_that_says_so_is_a_trace(tmp_path: Path, signer: Signer) -> None:
    """It is none of the standard's metadata, so the content is suspected, and no more."""
    source, target = saved(tmp_path / "a.png"), tmp_path / "b.png"
    sign("PNG", source, target, Claim(compact_json(MEMBERS), generated=True), signer)
    found = read_file(target).reading
    assert (found.verdict, found.members) == (Verdict.SUSPECTED, None)
    assert "C2PA manifest" in found.problems[0]
    propagate_label(target, tmp_path / "c.png", OTHER, "p-1", signer=signer)
    assert read_file(tmp_path / "c.png").reading.members == Members("3", propagator=OTHER, propagate_id="p-1")


@pytest.mark.parametrize(
    ("name", "kind"), [("a.mp4", "video/mp4"), ("a.wav", "audio/wav"), ("a.pdf", "application/pdf")]
)
def test_manifest_of_another_signer_is_read_in_more_formats(
    tmp_path: Path, signer: Signer, name: str, kind: str
) -> None:
    """Films, sound and PDF are not signed here, and told about all the same."""
    source = written(tmp_path / name, SMALL[name])
    created = {"actions": [{"action": "c2pa.created", "digitalSourceType": _SOURCE_TYPE}]}
    definition = {"assertions": [{"label": "c2pa.actions.v2", "data": created}]}
    with (
        c2pa.Builder.from_json(definition, context=c2pa.Context()) as builder,
        signer.of(c2pa) as signing,
        source.open("rb") as old,
        (tmp_path / f"b-{name}").open("w+b") as new,
    ):
        builder.sign(signing, kind, old, new)
    found = read_file(tmp_path / f"b-{name}")
    assert found.reading.verdict is Verdict.SUSPECTED
    assert (found.manifest or ("",))[0] is ManifestState.VALID


@pytest.mark.parametrize("name", ["a.md", "a.html", "a.json"])
def test_text_is_signed_beside_it(tmp_path: Path, signer: Signer, name: str) -> None:
    """No character of it changes, whatever Unicode has; a changed one does not fit."""
    marks = "e\u0301 \u00e9 \ufb01 \ufeff\ufe0f\u200b \u2126".encode()
    source, plain, target = tmp_path / name, tmp_path / f"plain-{name}", tmp_path / f"b-{name}"
    source.write_bytes(SMALL[name].replace(b"Kept", marks).replace(b"kept", marks))
    write_label(source, plain, MEMBERS)
    write_label(source, target, MEMBERS, signer=signer)
    assert target.read_bytes() == plain.read_bytes()
    assert marks in target.read_bytes()
    assert (read_file(target).manifest or ("",))[0] is ManifestState.VALID
    target.write_bytes(target.read_bytes().replace(marks, "\u00e9".encode()))
    assert (read_file(target).manifest or ("",))[0] is ManifestState.INVALID


def test_text_that_is_passed_on_has_a_parent(tmp_path: Path, signer: Signer) -> None:
    """A platform does not say that it made it."""
    source = written(tmp_path / "a.md", SMALL["a.md"])
    propagate_label(source, tmp_path / "b.md", OTHER, "p-1", Knowledge(declared=True), signer)
    data = beside(tmp_path / "b.md").read_bytes()
    with (tmp_path / "b.md").open("rb") as file, c2pa.Reader("text/markdown", file, manifest_data=data) as reader:
        manifest = _active(json.loads(reader.json()))
    assert [each["relationship"] for each in manifest["ingredients"]] == ["parentOf"]
    assert _data(manifest, "c2pa.actions.v2")["actions"][0]["action"] == "c2pa.opened"


def test_manifest_beside_another_text_is_not_written_over(tmp_path: Path, signer: Signer) -> None:
    """Two texts may have one name before the dot."""
    written(beside(tmp_path / "a.md"), b"somebody's")
    with pytest.raises(LabelError, match="is there already"):
        write_label(written(tmp_path / "x.md", b"# x\n"), tmp_path / "a.md", MEMBERS, signer=signer)
    assert sorted(each.name for each in tmp_path.iterdir() if each.is_file()) == ["a.c2pa", "x.md"]


def test_what_cannot_be_signed_is_refused(tmp_path: Path, signer: Signer) -> None:
    """Formats the library has no place in, pages it would drop; nothing is written."""
    for source, told in (
        (written(tmp_path / "a.docx", SMALL["a.docx"]), "no C2PA manifest here"),
        (written(tmp_path / "a.flac", SMALL["a.flac"]), "no C2PA manifest here"),
        (PICTURES[_PAGES](tmp_path / _PAGES), "drops all pages"),
    ):
        target = tmp_path / f"b{source.suffix}"
        with pytest.raises(LabelError, match=told):
            write_label(source, target, MEMBERS, signer=signer)
        assert not target.exists()


def test_every_format_is_inside_beside_or_refused() -> None:
    """No name of a table is a slip."""
    names = {each.name for each in FORMATS}
    assert provenance._READ.keys() | provenance._BESIDE.keys() <= names
    assert [is_signed_beside(each) for each in ("PNG", "Markdown")] == [False, True]


def test_nothing_is_fetched() -> None:
    """Neither a manifest nor a revocation list that a stranger's file names."""
    assert manifest_reader.SETTINGS["verify"] == {"remote_manifest_fetch": False, "ocsp_fetch": False}
    assert format_of(Path(provenance.__file__)).name  # it is a text, and stays readable
