"""Transcripts that are no JSON: plain text, SubRip (srt) and WebVTT, as documents.

Rules: every line is scanned; lines that people read are joined, since a term may run over the end of one; numbers and
times keep their place, so a mask moves nothing; a document that was not changed is written as the bytes that came.

Sources: W3C WebVTT section 4 (timings, settings); SubRip has no specification, its times have a comma.
"""

import re

from gateway.protocol.dialects.base import Document

_LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_CLOCK = r"(?:\d{2,4}:)?\d{2}:\d{2}[.,]\d{3}"
_SETTING = r"[ \t]+(?:vertical|line|position|size|align|region):[a-z0-9.,%\-]{1,16}"
# Nothing but these can stand between two lines of speech; a line that is only like them is read as speech.
_STRUCTURE = re.compile(rf"\ufeff?WEBVTT|\d{{1,9}}|{_CLOCK}[ \t]+-->[ \t]+{_CLOCK}(?:{_SETTING}){{0,6}}|[ \t]*")
_LATIN = re.compile(r"[0-9A-Za-zÀ-ɏ]")


def read_transcript(data: bytes) -> Document:
    """Read a transcript: its lines in one list, each line of speech as an object with ``text``.

    Raises:
        ValueError: it is not UTF-8.
    """
    lines = [line for line in _LINES.findall(data.decode()) if line]
    content: list[str | dict[str, str]] = []
    spoken: dict[str, str] | None = None
    for line in lines:
        said = line.rstrip("\r\n")
        if _STRUCTURE.fullmatch(said):
            content.append(line)
            continue
        # Two words of Latin letters would grow together; Chinese has no space where a line ends.
        if spoken is not None and _LATIN.match(spoken["text"][-1]) and _LATIN.match(said):
            spoken["text"] += _end_behind(content, spoken)
        spoken = {"text": said}
        content += spoken, line[len(said) :]
    return {"content": content}


def write_transcript(document: Document) -> bytes:
    """Return the bytes of a transcript that was read."""
    return "".join(each if isinstance(each, str) else each["text"] for each in document["content"]).encode()


def _end_behind(content: list[str | dict[str, str]], spoken: dict[str, str]) -> str:
    """Take the line end that stands behind a line of speech out of the list, and return it."""
    position = next(at for at in range(len(content) - 1, -1, -1) if content[at] is spoken) + 1
    end = content[position]
    content[position] = ""
    return str(end)
