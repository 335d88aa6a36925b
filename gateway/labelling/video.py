"""Films that carry labels, each in the place TC260-PG-20257A names."""

from dataclasses import replace
from pathlib import Path

from gateway.labelling.container import Format
from gateway.labelling.members import LabelError
from gateway.labelling.video_mkv import MATROSKA
from gateway.labelling.video_mp4 import MP4


def refuse_words(_source: Path, _target: Path, _text: str) -> None:
    """Refuse to draw words on a film.

    Raises:
        LabelError: always.
    """
    raise LabelError(
        "words on a film would mean encoding it again; draw them when it is made: on its first two seconds at least,"
        " at an edge, 5 % of the shortest side high (GB 45438-2025 5.4)"
    )


FORMATS: tuple[Format, ...] = tuple(replace(each, show=refuse_words) for each in (MP4, MATROSKA))
