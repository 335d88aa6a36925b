"""Transcripts of the stand-in: `POST /v1/audio/transcriptions`.

The bytes of the file are read as text and answered like a chat message, cues included: what was "said" in a file
``[[echo:…]]`` is the cue's argument.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import cast

import orjson

from gateway.protocol.multipart import read_upload
from gateway.standin.order import Cue, Order, read_order
from gateway.standin.replies import write_choices
from gateway.standin.script import Form, Script, Step, json_script, stream_script
from gateway.standin.tokens import is_english
from gateway.standin.wire import GARBAGE_BODY, Frames

_FORMATS = {"json", "verbose_json", "text", "srt", "vtt"}
_PLAIN = b"text/plain; charset=utf-8"
# Pieces of one segment: few, so that terms run over the end of one.
_SEGMENT_PIECES = 4


@dataclass(frozen=True, slots=True)
class TranscriptOrder(Order):
    """A request for a transcript.

    Attributes:
        format: format asked for.
    """

    format: str = "json"


def read_transcription(body: bytes) -> TranscriptOrder:
    """Read a request body.

    Raises:
        ValueError: not an upload of the shape of such a request.
    """
    # The head is not given here; the boundary is the first line of the body (RFC 2046 section 5.1.1).
    boundary = body.partition(b"\r\n")[0].removeprefix(b"--").decode("latin-1")
    parts = read_upload(body, f'multipart/form-data; boundary="{boundary}"')
    fields = {part["name"]: part["content"] for part in parts}
    said, model = fields.get("file"), fields.get("model")
    if not isinstance(said, bytes) or not isinstance(model, str):
        raise ValueError("'file' is a file, and 'model' a text.")  # noqa: TRY004 - a wrong body is one kind of error
    chosen = fields.get("response_format", "json")
    if chosen not in _FORMATS:
        raise ValueError(f"'response_format' is one of {', '.join(sorted(_FORMATS))}.")
    message = {"role": "user", "content": said.decode("utf-8", "replace")}
    order = read_order(orjson.dumps({"messages": [message], "stream": fields.get("stream") == "true"}))
    return TranscriptOrder(order.prompt, order.prompt_tokens, order.cues, order.streamed, format=chosen)


def _reply(order: Order, _reply_id: str) -> Script:
    order = cast("TranscriptOrder", order)  # the form reads no other
    pieces = write_choices(order)[0].content
    if order.streamed:
        return stream_script(order, _frames(pieces))
    if Cue.GARBAGE in order.cues:
        return json_script(200, GARBAGE_BODY)
    if order.format in ("json", "verbose_json"):
        document: dict[str, object] = {"text": "".join(pieces)}
        if order.format == "verbose_json":
            document |= _verbose(pieces)
        return json_script(200, orjson.dumps(document), after_tokens=len(pieces))
    text = {"text": _text, "srt": _srt, "vtt": _vtt}[order.format](pieces).encode()
    script = Script((Step(len(pieces), text),), content_length=len(text))
    return replace(script, content_type=b"text/vtt" if order.format == "vtt" else _PLAIN)


TRANSCRIPTIONS = Form("tr-", read_transcription, _reply)


def _frames(pieces: tuple[str, ...]) -> Frames:
    text = "".join(pieces)
    deltas = [{"type": "transcript.text.delta", "delta": piece} for piece in pieces]
    usage = {"type": "tokens", "input_tokens": 1, "output_tokens": len(pieces), "total_tokens": len(pieces) + 1}
    done = {"type": "transcript.text.done", "text": text, "usage": usage}
    # Without a terminator, as the format has it: the last event is its own end.
    return Frames((), tuple(map(_event, deltas)), (_event(done), b""))


def _event(event: Mapping[str, object]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (str(event["type"]).encode(), orjson.dumps(event))


def _segments(pieces: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Yield start (in tenths of a second, one for each piece) and text of each segment."""
    for start in range(0, len(pieces), _SEGMENT_PIECES):
        yield start, "".join(pieces[start : start + _SEGMENT_PIECES])


def _verbose(pieces: tuple[str, ...]) -> dict[str, object]:
    return {
        "task": "transcribe",
        "language": "english" if is_english("".join(pieces)) else "chinese",
        "duration": len(pieces) / 10,
        "segments": [
            {"id": number, "seek": 0, "start": start / 10, "end": start / 10 + 0.4, "text": text, "tokens": [1, 2]}
            | {"temperature": 0.0, "avg_logprob": -0.1, "compression_ratio": 1.0, "no_speech_prob": 0.0}
            for number, (start, text) in enumerate(_segments(pieces))
        ],
        "words": [{"word": piece, "start": at / 10, "end": at / 10 + 0.1} for at, piece in enumerate(pieces)],
    }


def _text(pieces: tuple[str, ...]) -> str:
    return "".join(pieces) + "\n"


def _srt(pieces: tuple[str, ...]) -> str:
    return "".join(
        f"{number}\n{_clock(start, ',')} --> {_clock(start + 4, ',')}\n{text}\n\n"
        for number, (start, text) in enumerate(_segments(pieces), start=1)
    )


def _vtt(pieces: tuple[str, ...]) -> str:
    return "WEBVTT\n\n" + "".join(
        f"{_clock(start, '.')} --> {_clock(start + 4, '.')}\n{text}\n\n" for start, text in _segments(pieces)
    )


def _clock(tenths: int, point: str) -> str:
    seconds, tenth = divmod(tenths, 10)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{tenth}00"
