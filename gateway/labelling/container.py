"""What a file format has to offer to carry a label."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.protocol.labels import Position

HEAD_BYTES = 4096
"""How much of a file tells its format."""


@dataclass(frozen=True, slots=True)
class Format:
    """One file format.

    `write` makes a new file and is not trusted: `gateway.labelling.formats` gives it a temporary path beside the real
    one, reads the label back, syncs and renames. What it does not understand it refuses with `LabelError`.

    Attributes:
        name: as people call it.
        extensions: lower-case, with the dot; the first is the usual one.
        sniff: tells from the first `HEAD_BYTES` of a file whether it is of this format.
        write: source, target and label to a file that differs in its label alone.
        read: every label in a file as JSON text, whatever its form; empty without any.
        content: what a seal covers in pieces, without any metadata; None where that is not told apart.
        show: source, target and wording to a file with a label for people, encoded anew where it has to be; returns
            what is to be told of that, if anything. A file that has one gets no second. None where none can be made.
        sound: source, target, position (None for the usual one) and prompt (None for the rhythm) to a file with a
            label to be heard; None for formats without sound.
        for_programs: False where there is no place for a label that programs read, and `write` refuses.
    """

    name: str
    extensions: tuple[str, ...]
    sniff: Callable[[bytes], bool]
    write: Callable[[Path, Path, bytes], None]
    read: Callable[[Path], list[bytes]]
    content: Callable[[Path], Iterator[bytes]] | None = None
    show: Callable[[Path, Path, str], str | None] | None = None
    sound: Callable[[Path, Path, Position | None, Path | None], None] | None = None
    for_programs: bool = True
