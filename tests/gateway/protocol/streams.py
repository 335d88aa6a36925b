"""What tests of streams in several formats share: cutting bytes, and reading events as a client does."""

from itertools import pairwise
from typing import Any

import orjson
from hypothesis import strategies as st

Events = list[dict[str, Any]]


def cut(raw: bytes, places: list[int]) -> list[bytes]:
    """Cut bytes at these places, taken modulo their number."""
    edges = sorted({0, len(raw), *(place % (len(raw) + 1) for place in places)})
    return [raw[start:end] for start, end in pairwise(edges)]


CUTS = st.lists(st.integers(0, 10_000), max_size=12)
"""Places to cut at; the same bytes cut otherwise must give the same answer."""


def events_of(raw: bytes) -> Events:
    """Return the documents of a stream; every frame must have its end."""
    assert raw.endswith(b"\n\n")
    lines = [line for frame in raw.split(b"\n\n") for line in frame.split(b"\n") if line.startswith(b"data: ")]
    return [orjson.loads(line[6:]) for line in lines if line != b"data: [DONE]"]


def frame(document: dict[str, Any], *, named: bool = False) -> bytes:
    """Build a frame, with its type in a line of its own where the format has it so."""
    name = b"event: " + str(document["type"]).encode() + b"\n" if named else b""
    return name + b"data: " + orjson.dumps(document) + b"\n\n"
