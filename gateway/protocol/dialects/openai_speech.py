"""OpenAI speech: the text to be spoken is scanned; the sound passes in pieces, as it comes.

Everything that is said in the reply was in the request, so it was read before it became sound. Bytes pass only under
a media type of sound; any other reply is an error, and is read.
"""

from gateway.errors import RequestError
from gateway.protocol.carriage import NO_HEAD, Carriage, RequestHead
from gateway.protocol.dialects.base import ParsedRequest
from gateway.protocol.dialects.requests import read_request
from gateway.protocol.dialects.wordless import Wordless

# Closed, since it is told to the client: a name of the server's making would be text that nobody scanned.
_SOUNDS = """aac basic flac l16 mp3 mp4 mpeg mpeg3 ogg opus pcm raw vnd.wave wav wave webm x-aac x-flac x-m4a x-mpeg
    x-opus x-pcm x-wav""".split()  # noqa: SIM905 a list of words reads best as words
SOUND_TYPES = frozenset({"application/octet-stream", *(f"audio/{kind}" for kind in _SOUNDS)})


class OpenAISpeech(Wordless):
    """The dialect of ``POST /v1/audio/speech``."""

    name = "openai.speech"
    upstream_path = "/audio/speech"
    generates = True
    carriage = Carriage(
        accept=b"audio/*, application/octet-stream, application/json",
        documents=False,
        binaries=SOUND_TYPES,
        refuses=False,
    )

    def parse_request(self, body: bytes, _head: RequestHead = NO_HEAD) -> ParsedRequest:
        """Read a request body.

        Raises:
            RequestError: it is not JSON, or lacks what every such request has; the message names the member.
        """
        document = read_request(body)
        spoken = document.get("input")
        if not isinstance(spoken, str):
            raise RequestError("'input' must be a string.")
        if document.get("stream_format") not in (None, "audio"):
            raise RequestError("'stream_format' must be 'audio' here: sound comes as bytes, also while it is made.")
        return ParsedRequest(document, document["model"], streamed=False, structured=False, language_hint=spoken)
