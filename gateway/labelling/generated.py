"""Both halves of the label on a generated file that passes through the gateway.

Sources: GB 45438-2025 5.2, 5.3, 6.1 and Annex E. Rules: the file is hostile until it was read, so its format is found
out by its content among those of its medium, and its size in pixels and seconds is bounded before it is decoded; a
label that names another producer stays as it is (Labelling Measures Art. 10); what was written is read back.

A C2PA manifest of the model server's holds a hash of the file, which any label breaks. The label is the law's, so it
is made; the manifest stays in the file, since a gateway takes no mark of provenance out, and whoever verifies it is
told that it does not fit. That is never silent: the record says so.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from gateway.labelling import images, sound
from gateway.labelling.container import HEAD_BYTES, Format
from gateway.labelling.members import LabelError, Members, Verdict, compact_json, read_labels
from gateway.labelling.provenance import has_manifest
from gateway.protocol.carriage import Medium
from gateway.protocol.labels import Lack, Position

MOST_PIXELS = 32_000_000
"""Largest picture drawn on: decoded it takes 128 MB, and as much again while it is drawn on."""

_FORMATS: dict[Medium, tuple[Format, ...]] = {Medium.IMAGE: images.FORMATS, Medium.AUDIO: sound.FORMATS}
# Drawing drops a manifest; these put it back. Of other pictures it cannot be, and they are not drawn on.
_WITH_MANIFEST = {
    "PNG": images.png.with_manifest,
    "JPEG": images.jpeg.with_manifest,
    "WebP": images.webp.with_manifest,
}
_OUTDATED = "the C2PA manifest it came with stays in it, and does not fit it any more"
_DRAWN = ("PNG", "JPEG", "WEBP", "TIFF", "AVIF")


class Labelled(NamedTuple):
    """A file with what it took of its label.

    Attributes:
        data: the file.
        lack: what is missing, or None.
        problem: why, for the operator's log.
    """

    data: bytes
    lack: Lack | None = None
    problem: str = ""


def label_file(
    data: bytes, medium: Medium, named: Mapping[str, str], text: str, prompt: Path | None = None
) -> Labelled:
    """Label a file.

    Args:
        data: the file.
        medium: what it is to be.
        named: the seven members.
        text: wording of the label for people; empty makes none.
        prompt: sound file that is heard in place of the rhythm; None for the rhythm.

    Raises:
        OSError: the temporary files cannot be written.
    """
    form = next((each for each in _FORMATS[medium] if each.sniff(data[:HEAD_BYTES])), None)
    if form is None:
        return Labelled(data, Lack.FORMAT, f"it is no {medium} of a format that takes labels")
    members = Members.first(named["ContentProducer"], named["ProduceID"], named["ReservedCode1"])
    with tempfile.TemporaryDirectory(prefix="sluice-label-") as directory:
        suffix = form.extensions[0]
        places = [Path(directory, f"{name}{suffix}") for name in ("given", "shown", "labelled")]
        places[0].write_bytes(data)
        return _labelled(form, places, members, text, prompt)


def _labelled(form: Format, places: list[Path], members: Members, text: str, prompt: Path | None) -> Labelled:
    path, shown, labelled = places
    problems, lack = [], None
    if text:
        try:
            _show(form, path, shown, text, prompt)
            path = shown
        except LabelError as exc:
            problems.append(str(exc))
            lack = Lack.VISIBLE
    try:
        if _write(form, path, labelled, members):
            path = labelled
    except LabelError as exc:
        problems.append(str(exc))
        # Neither half: then it is of no format that takes labels, as this one is.
        lack = Lack.METADATA if text and lack is None else Lack.FORMAT
    if lack is None and path is not places[0] and has_manifest(places[0]):
        return Labelled(path.read_bytes(), Lack.MANIFEST, _OUTDATED)
    return Labelled(path.read_bytes(), lack, "; ".join(problems))


def _show(form: Format, source: Path, target: Path, text: str, prompt: Path | None) -> None:
    if form.sound is not None:
        form.sound(source, target, Position.START, prompt)
        return
    if form.show is None:
        raise LabelError(f"no label for people can be made in {form.name} files")
    _check_size(source)
    put_back = _WITH_MANIFEST.get(form.name)
    if put_back is None or not has_manifest(source):
        form.show(source, target, text)
        return
    bare = target.with_stem("bare")
    images.visible.show(source, bare, text, signed_anew=True)
    # One that had the words already was copied, with all it has.
    if has_manifest(bare):
        bare.replace(target)
    else:
        put_back(source, bare, target)


def _check_size(source: Path) -> None:
    try:
        # Reads the head alone.
        with Image.open(source, formats=_DRAWN) as image:
            pixels = image.width * image.height
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, OSError, ValueError, SyntaxError) as exc:
        raise LabelError("the picture cannot be decoded, or is too large to") from exc
    if pixels > MOST_PIXELS:
        raise LabelError(f"the picture has {pixels} pixels; no more than {MOST_PIXELS} are drawn on")


def _write(form: Format, source: Path, target: Path, members: Members) -> bool:
    """Write the label for programs; False where the file has one that says as much, by another producer."""
    found = read_labels(form.read(source))
    old = found.members
    if found.verdict is not Verdict.NONE and (old is None or (old.producer or old.propagator) != members.producer):
        if found.verdict is Verdict.IS:
            return False
        raise LabelError(f"it has a label of somebody else's that does not say it is generated ({found.verdict})")
    label = compact_json(members)
    form.write(source, target, label)
    if form.read(target) != [label]:
        raise LabelError("the label could not be read back alone")
    return True
