"""What a file format has to offer to carry a label."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

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
        show: source, target and wording to a file with a label for people, encoded anew where it has to be; None
            where none can be made.
    """

    name: str
    extensions: tuple[str, ...]
    sniff: Callable[[bytes], bool]
    write: Callable[[Path, Path, bytes], None]
    read: Callable[[Path], list[bytes]]
    content: Callable[[Path], Iterator[bytes]] | None = None
    show: Callable[[Path, Path, str], None] | None = None
