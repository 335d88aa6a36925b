"""What the stand-in gives besides words: vectors, pictures and sound.

Cues are read from ``input`` or ``prompt``. A vector is a digest of its text, a picture is of one colour, sound is a
tone: nothing here is what it seems, but all of it is well formed.
"""

import struct
from base64 import b64encode
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import cast

import orjson

from gateway.standin.order import Cue, Order, read_order
from gateway.standin.replies import LONGEST_CHARACTERS, write_choices
from gateway.standin.script import Form, Script, Step, json_script
from gateway.standin.wire import CREATED_AT_SECONDS, GARBAGE_BODY, MODEL
from gateway.standin.works import draw, speak

DIMENSIONS = 16
_SOUND_TYPES = {"mp3": b"audio/mpeg", "wav": b"audio/wav", "opus": b"audio/ogg", "aac": b"audio/aac"} | {
    "flac": b"audio/flac",
    "pcm": b"audio/pcm;rate=24000;channels=1",
}
_MOST_PICTURES = 10


@dataclass(frozen=True, slots=True)
class MediaOrder(Order):
    """A request for something that is no text.

    Attributes:
        texts: what it is to be made from.
        format: encoding asked for; empty for the route's own.
        count: how many are asked for.
        size: of pictures, such as ``1024x1024``; empty for the route's own.
        file_format: of pictures, such as ``jpeg``; empty for the route's own.
    """

    texts: tuple[str, ...] = field(default=())
    format: str = ""
    count: int = 1
    size: str = ""
    file_format: str = ""


def read_embedding(body: bytes) -> MediaOrder:
    """Read a request for vectors.

    Raises:
        ValueError: not of the shape of such a request.
    """
    return _read(body, "input", "encoding_format")


def read_image(body: bytes) -> MediaOrder:
    """Read a request for pictures; raise ValueError when it is none."""
    return _read(body, "prompt", "response_format")


def read_speech(body: bytes) -> MediaOrder:
    """Read a request for sound; raise ValueError when it is none."""
    return _read(body, "input", "response_format")


def _read(body: bytes, text_member: str, format_member: str) -> MediaOrder:
    request = orjson.loads(body)
    given = request.get(text_member) if isinstance(request, dict) else None
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"'{text_member}' is a string or a list of strings.")
    count = request.get("n") or 1
    if not isinstance(count, int) or count > _MOST_PICTURES:
        raise ValueError(f"'n' is an integer from 1 to {_MOST_PICTURES}.")
    order = read_order(orjson.dumps({"messages": [{"role": "user", "content": "\n".join(texts)}]}))
    return MediaOrder(
        order.prompt,
        order.prompt_tokens,
        order.cues,
        texts=tuple(texts),
        format=str(request.get(format_member) or ""),
        count=count,
        size=str(request.get("size") or ""),
        file_format=str(request.get("output_format") or ""),
    )


def vector_of(text: str) -> tuple[float, ...]:
    """Return the vector of a text: the same for the same text, of length 1 or so."""
    digest = blake2b(text.encode(), digest_size=DIMENSIONS).digest()
    return tuple((byte - 128) / 512 for byte in digest)


def _embeddings(order: Order, _reply_id: str) -> Script:
    order = cast("MediaOrder", order)  # the form reads no other
    vectors = [vector_of(text) for text in order.texts]
    packed = order.format == "base64"
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": b64encode(struct.pack(f"<{DIMENSIONS}f", *vector)).decode() if packed else list(vector),
        }
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": order.prompt_tokens, "total_tokens": order.prompt_tokens}
    return _whole(order, {"object": "list", "data": data, "model": MODEL, "usage": usage})


def _images(order: Order, reply_id: str) -> Script:
    order = cast("MediaOrder", order)
    # What a model makes of a prompt is its own text, and comes back.
    revised = "".join(write_choices(order)[0].content)
    by_url = order.format == "url"
    drawn = "" if by_url else b64encode(draw(order.prompt, order.size, order.file_format)).decode()
    picture = {"url": f"http://127.0.0.1/{reply_id}.png"} if by_url else {"b64_json": drawn}
    data = [picture | {"revised_prompt": revised} for _ in range(order.count)]
    return _whole(order, {"created": CREATED_AT_SECONDS, "data": data})


def _speech(order: Order, _reply_id: str) -> Script:
    order = cast("MediaOrder", order)
    if Cue.GARBAGE in order.cues:
        return replace(json_script(200, b"<p>no sound</p>"), content_type=b"text/html")
    spoken = int(order.number(Cue.LENGTH, len(order.prompt), LONGEST_CHARACTERS))
    steps = [Step(number, piece) for number, piece in enumerate(speak(spoken, order.format))]
    return Script(tuple(steps), content_type=_SOUND_TYPES.get(order.format, _SOUND_TYPES["mp3"]))


def _whole(order: Order, document: dict[str, object]) -> Script:
    return json_script(200, GARBAGE_BODY if Cue.GARBAGE in order.cues else orjson.dumps(document))


EMBEDDINGS = Form("emb-", read_embedding, _embeddings)
IMAGES = Form("img-", read_image, _images)
SPEECH = Form("tts-", read_speech, _speech)
