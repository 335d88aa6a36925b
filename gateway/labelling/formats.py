"""The formats that carry labels, and the one way a label gets into a file.

Rules: a label is read back from what was written before the file gets its name; the target is there whole or not at
all; a file has one label; that of another producer is not written over (Labelling Measures Art. 10).
"""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from gateway.labelling import documents, images, sound, video
from gateway.labelling.container import HEAD_BYTES, Format
from gateway.labelling.members import (
    LabelError,
    Members,
    Reading,
    Verdict,
    compact_json,
    read_label,
    read_labels,
)
from gateway.labelling.propagation import NOTHING_KNOWN, Knowledge, propagated, verdict_with
from gateway.labelling.provenance import (
    Claim,
    Manifest,
    beside,
    has_manifest,
    is_signed_beside,
    read_manifest,
    sign,
)
from gateway.labelling.seal import Key, SealCheck, digest_of, seal, verify
from gateway.labelling.signing import Signer
from gateway.protocol.labels import Position, has_elements

# Text is among the documents and last, since nearly everything without control characters looks like it.
FORMATS: tuple[Format, ...] = (*images.FORMATS, *sound.FORMATS, *video.FORMATS, *documents.FORMATS)


class Heard(NamedTuple):
    """How a label to be heard is made.

    Attributes:
        position: start, end or both; None for the usual place in the format.
        prompt: the operator's sound file; None for the rhythm.
    """

    position: Position | None = None
    prompt: Path | None = None


RHYTHM = Heard()
"""The rhythm, in the usual place."""


class _Wish(NamedTuple):
    shown: str
    heard: Heard
    tell: Callable[[str], None]


def format_of(source: Path) -> Format:
    """Return a file's format, by its content; the name only decides between formats that look alike.

    Raises:
        LabelError: no format here knows it.
    """
    with source.open("rb") as file:
        head = file.read(HEAD_BYTES)
    candidates = [each for each in FORMATS if each.sniff(head)]
    named = [each for each in candidates if source.suffix.lower() in each.extensions]
    if not candidates:
        raise LabelError(f"{source.name} is of no format that a label can be written into or read from")
    return (named or candidates)[0]


def write_label(  # noqa: PLR0913 each is asked for on its own
    source: Path,
    target: Path,
    members: Members,
    *,
    shown: str = "",
    key: Key | None = None,
    signer: Signer | None = None,
    heard: Heard = RHYTHM,
    tell: Callable[[str], None] = lambda _: None,
) -> Format:
    """Write a file with a label.

    Args:
        source: the file without it, or with an earlier one of the same producer.
        target: where the labelled file goes; may be the source.
        members: what the label says.
        shown: wording of a label for people that is made as well; empty makes none.
        heard: how a label for people is made in a sound, where one is.
        tell: is told, in a sentence, what else changes in the file for a label for people.
        key: seals the label; None leaves `ReservedCode1` as the members have it.
        signer: signs a C2PA manifest that says the same; None makes none.

    Returns:
        The format it was written in.

    Raises:
        LabelError: the file cannot take it, and nothing was written; the message says why.
        OSError: a file cannot be read or written.
    """
    form = format_of(source)
    _refuse_foreign(form.read(source), members)
    parent = _parent(source, signer, drawn=bool(shown))
    if parent is not None and form in images.FORMATS and form.show is not None:
        form = replace(form, show=partial(images.visible.show, signed_anew=True))
    with _with_shown(form, source, target, _Wish(shown, heard, tell)) as content:
        if shown and not form.for_programs and key is None and signer is None:
            _replace(content, target)
            tell(f"{form.name} has no place for a label that programs read: it has the line for people alone")
            return form
        if key is not None:
            members = seal(members, form.content(content) if form.content else None, key)
        label = compact_json(members)
        claim = Claim(label, generated=True, parent=parent, drawn=bool(shown))
        _store(form, content, target, claim, signer)
    return form


def propagate_label(
    source: Path,
    target: Path,
    propagator: str,
    propagate_id: str,
    knowledge: Knowledge = NOTHING_KNOWN,
    signer: Signer | None = None,
) -> Reading:
    """Write a file that is passed on, with the members of who passes it on (Labelling Measures Art. 6).

    Args:
        source: the file as it came.
        target: where the file with the members goes; may be the source.
        propagator: provider code or ASCII name of who passes it on.
        propagate_id: number of the content there.
        knowledge: what is known of the content besides its metadata.
        signer: signs a C2PA manifest that says the same, with the file as it came for its parent; None makes none.

    Returns:
        What the label that was written says.

    Raises:
        LabelError: nothing says that it is generated, what it carries cannot be kept, or it cannot take a label;
            nothing was written.
        OSError: a file cannot be read or written.
    """
    form = format_of(source)
    verdict = verdict_with(read_file(source).reading, knowledge)
    label = propagated(form.read(source), verdict, propagator, propagate_id)
    _store(form, source, target, Claim(label, generated=verdict is Verdict.IS, parent=source), signer)
    return read_label(label)


class FileReading(NamedTuple):
    """What is to be said of a file.

    Attributes:
        format: the format it is in; empty for one that is not known here.
        reading: what its label says.
        seal: what the label's seal proves; None without a readable label.
        manifest: what the file's C2PA manifest says; None without one.
    """

    format: str
    reading: Reading
    seal: SealCheck | None = None
    manifest: Manifest | None = None


def read_file(source: Path, key: Key | None = None) -> FileReading:
    """Return what is to be said of a file; one that is damaged where labels stand has a broken one.

    Args:
        source: the file.
        key: verifies the seal; None without one.

    Raises:
        LabelError: the file is of no known format.
        OSError: it cannot be read.
    """
    form = format_of(source)
    manifest = read_manifest(form.name, source)
    try:
        reading = _with_trace(read_labels(form.read(source)), manifest)
        if reading.members is None:
            return FileReading(form.name, reading, None, manifest)
        content = form.content(source) if form.content else None
        return FileReading(form.name, reading, verify(reading.members, content, key), manifest)
    except LabelError as exc:
        return FileReading(form.name, Reading(Verdict.BROKEN, None, (str(exc),)), None, manifest)


def _with_trace(reading: Reading, manifest: Manifest | None) -> Reading:
    if reading.verdict is not Verdict.NONE or manifest is None or not manifest.generated:
        return reading
    # Art. 6 (3): it is none of the standard's metadata, and a trace of generation all the same.
    return Reading(
        Verdict.SUSPECTED, None, ("there is no label; the file's C2PA manifest says that a model made it",)
    )


def _refuse_foreign(labels: list[bytes], members: Members) -> None:
    for text in labels:
        old = read_label(text).members
        # One that names nobody, or that nobody can read, may be anybody's; one that was passed on is two parties'.
        if old is None or old.producer != members.producer or old.propagator not in ("", members.producer):
            raise LabelError(
                "the file carries a label that is not of this producer alone, and is not written over"
                " (Labelling Measures Art. 10); to pass it on, add your members to it: sluice labels read --propagate"
            )


def _parent(source: Path, signer: Signer | None, *, drawn: bool) -> Path | None:
    """Return the file whose manifest a new one keeps as its parent; None without one."""
    if (signer is None and not drawn) or not has_manifest(source):
        return None
    if signer is None:
        raise LabelError(
            "the file carries a C2PA manifest, which a visible label would break: make that label before signing,"
            " or sign anew with a certificate of yours, which keeps the manifest as the parent (--c2pa)"
        )
    return source


def _store(form: Format, source: Path, target: Path, claim: Claim, signer: Signer | None) -> None:
    """Write a label and a manifest; the target gets its name when both were read back."""
    with _temporary(target) as path, _temporary(target) as signed:
        form.write(source, path, claim.label)
        _check_written(form, path, claim.label)
        if signer is None:
            _replace(path, target)
        elif is_signed_beside(form.name):
            # The manifest first: whoever finds the text finds it, too.
            sign(form.name, path, signed, claim, signer)
            _place_beside(signed, target)
            _replace(path, target)
        else:
            sign(form.name, path, signed, claim, signer)
            _check_written(form, signed, claim.label)
            _check_same(form, path, signed)
            _replace(signed, target)


def _place_beside(manifest: Path, target: Path) -> None:
    place = beside(target)
    if place.exists():
        raise LabelError(f"{place.name} is there already, and may be another file's manifest; choose another name")
    _replace(manifest, place)


@contextlib.contextmanager
def _temporary(target: Path) -> Iterator[Path]:
    # The suffix stays: libraries tell formats by it. Opened here, and not by tempfile, for the usual permissions.
    path = target.parent / f".label-{secrets.token_hex(8)}{target.suffix}"
    path.open("xb").close()
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _with_shown(form: Format, source: Path, target: Path, wish: _Wish) -> Iterator[Path]:
    """Give the file with the label for people, for the length of a block; the source where none is made."""
    if not wish.shown:
        yield source
        return
    if not has_elements(wish.shown):
        raise LabelError(
            "the wording has to name AI (人工智能 or AI) and generation (生成 or 合成): GB 45438-2025 chapter 5"
        )
    if form.sound is None and wish.heard != RHYTHM:
        raise LabelError(f"a prompt or a place for one is for sound; {form.name} files have none")
    with _temporary(target) as path:
        if form.sound is not None:
            form.sound(source, path, wish.heard.position, wish.heard.prompt)
        elif form.show is not None:
            if note := form.show(source, path, wish.shown):
                wish.tell(note)
        else:
            raise LabelError(
                f"no label for people can be made in {form.name} files here; show one where they are shown"
            )
        yield path


def _check_written(form: Format, path: Path, label: bytes) -> None:
    found = form.read(path)
    # By what they say: Markdown keeps members and not the text they came in.
    if read_label(label) not in map(read_label, found):
        raise LabelError(f"the label could not be read back from the {form.name} file, so it was not written")
    if len(found) > 1:
        raise LabelError(
            f"the {form.name} file carries a label in a place that is not rewritten here, and would have two"
            " (GB 45438-2025 6.1 c)"
        )


def _check_same(form: Format, path: Path, signed: Path) -> None:
    # A library wrote the file anew, so what it holds is compared where it can be told from metadata.
    if form.content is not None and digest_of(form.content(path)) != digest_of(form.content(signed)):
        raise LabelError(f"the {form.name} file would change with a C2PA manifest; write the label without one")


def _replace(path: Path, target: Path) -> None:
    if target.exists():
        path.chmod(target.stat().st_mode & 0o777)
    with path.open("rb") as file:
        os.fsync(file.fileno())
    path.replace(target)
    with contextlib.suppress(OSError):  # directories cannot be synced everywhere
        handle = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
