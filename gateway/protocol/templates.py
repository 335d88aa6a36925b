"""Frames that differ from an earlier one in a single text: read without parsing them whole.

A model's stream repeats itself: thousands of frames with the same members, the same metadata, and one text that
changes. Once such a frame was parsed, viewed and scanned, one that has the same bytes before and behind its text is
the same document but for that text, and only the text needs to be read.

Rules: a template is made from a frame that passed untouched and brought one piece of the answer and nothing else.
That its bytes are cut at this text, and not at something that looks like it, is proved with a probe: with another
text in its place, the frame must parse to the same document with that other text. Between the same bytes, whatever is
one JSON string then stands where the text stood (RFC 8259: what a string is does not depend on what surrounds it), so
no member, no second name and no end mark can hide in it.
"""

from typing import NamedTuple

import orjson

from gateway.protocol.dialects.base import Carrier, Document, FrameView, Segment, Wait
from gateway.protocol.sse import SseFrame

_PROBE = "\x00 probe"  # escaped when written, so it cannot be taken for anything in the frame
_DATA = b"data: "


class FrameTemplate(NamedTuple):
    """What stands around the one text of a frame.

    Attributes:
        prefix: bytes before the text, from the start of the frame.
        suffix: bytes behind it, to the end of the frame.
        segment: the text's place, as the dialect viewed it.
    """

    prefix: bytes
    suffix: bytes
    segment: Segment


def make_template(frame: SseFrame, document: Document, view: FrameView) -> FrameTemplate | None:
    """Return the template of a frame, or None when it brings more than one piece of the answer.

    Args:
        frame: a frame that leaves as it came.
        document: what it says.
        view: how the dialect reads it.
    """
    if len(view.segments) != 1 or view.wait is not Wait.NOT or view.finished:
        return None
    if view.spellings or view.repeats or view.passages:
        return None
    segment = view.segments[0]
    if segment.carrier is not Carrier.VISIBLE or segment.whole:
        return None
    # A server that escapes differently is not found here, and goes without a template.
    prefix, found, suffix = frame.raw.partition(orjson.dumps(segment.text))
    # The proof cuts the lines before the data off by their length, so they have to be these: in every frame that
    # begins with them, they are as clean as in this one.
    lines = b"".join([line + b"\n" for line in frame.others]) + _DATA
    if not found or not prefix.startswith(lines):
        return None
    template = FrameTemplate(prefix, suffix, segment)
    return template if _is_proved(template, len(lines), document) else None


def text_between(template: FrameTemplate, raw: bytes) -> str | None:
    """Return the text of a frame that is like the template's, or None when it is not."""
    prefix, suffix = template.prefix, template.suffix
    # In a frame that is too short the two would overlap, and both would still fit.
    if len(raw) <= len(prefix) + len(suffix) or not raw.startswith(prefix) or not raw.endswith(suffix):
        return None
    try:
        text = orjson.loads(raw[len(prefix) : -len(suffix)])
    except orjson.JSONDecodeError:
        return None
    return text if isinstance(text, str) else None


def fill(template: FrameTemplate, text: str) -> bytes:
    """Return the frame with a text in its place."""
    return template.prefix + orjson.dumps(text) + template.suffix


def _is_proved(template: FrameTemplate, start: int, document: Document) -> bool:
    container, key, text = template.segment.container, template.segment.key, template.segment.text
    try:
        probed = orjson.loads(fill(template, _PROBE)[start:])
    except orjson.JSONDecodeError:
        return False
    container[key] = _PROBE
    same = bool(probed == document)
    container[key] = text
    return same
