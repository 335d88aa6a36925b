"""The formats that carry labels, and the one way a label gets into a file.

Rules: a label is read back from what was written before the file gets its name; the target is there whole or not at
all; a file has one label; that of another producer is not written over (Labelling Measures Art. 10).
"""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
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
from gateway.labelling.seal import Key, SealCheck, seal, verify
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


def write_label(
    source: Path,
    target: Path,
    members: Members,
    *,
    shown: str = "",
    key: Key | None = None,
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

    Returns:
        The format it was written in.

    Raises:
        LabelError: the file cannot take it, and nothing was written; the message says why.
        OSError: a file cannot be read or written.
    """
    form = format_of(source)
    _refuse_foreign(form.read(source), members)
    with _temporary(target) as path, _with_shown(form, source, target, _Wish(shown, heard, tell)) as content:
        if key is not None:
            members = seal(members, form.content(content) if form.content else None, key)
        label = compact_json(members)
        form.write(content, path, label)
        _check_written(form, path, label)
        _replace(path, target)
    return form


class FileReading(NamedTuple):
    """What is to be said of a file.

    Attributes:
        format: the format it is in; empty for one that is not known here.
        reading: what its label says.
        seal: what the label's seal proves; None without a readable label.
    """

    format: str
    reading: Reading
    seal: SealCheck | None = None


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
    try:
        reading = read_labels(form.read(source))
        if reading.members is None:
            return FileReading(form.name, reading)
        content = form.content(source) if form.content else None
        return FileReading(form.name, reading, verify(reading.members, content, key))
    except LabelError as exc:
        return FileReading(form.name, Reading(Verdict.BROKEN, None, (str(exc),)))


def _refuse_foreign(labels: list[bytes], members: Members) -> None:
    for text in labels:
        old = read_label(text).members
        # One that names nobody, or that nobody can read, may be anybody's.
        if old is None or (old.producer or old.propagator) != members.producer:
            raise LabelError(
                "the file carries a label that is not of this producer, and is not written over"
                " (Labelling Measures Art. 10); pass it on as it is"
            )


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
    if label not in found:
        raise LabelError(f"the label could not be read back from the {form.name} file, so it was not written")
    if len(found) > 1:
        raise LabelError(
            f"the {form.name} file carries a label in a place that is not rewritten here, and would have two"
            " (GB 45438-2025 6.1 c)"
        )


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
