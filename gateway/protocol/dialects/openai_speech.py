"""OpenAI speech: the text to be spoken is scanned; the sound is labelled.

Everything that is said in the reply was in the request, so it was read before it became sound. Bytes pass only under
a media type of sound; any other reply is an error, and is read. Where a policy lets sound pass that takes no label,
that goes out in pieces, as it comes.
"""

from gateway.errors import RequestError
from gateway.protocol.carriage import NO_HEAD, Carriage, Medium, RequestHead
from gateway.protocol.dialects.base import ParsedRequest
from gateway.protocol.dialects.requests import read_request
from gateway.protocol.dialects.wordless import Wordless

# Closed, since it is told to the client: a name of the server's making would be text that nobody scanned.
_SOUNDS = """aac basic flac l16 mp3 mp4 mpeg mpeg3 ogg opus pcm raw vnd.wave wav wave webm x-aac x-flac x-m4a x-mpeg
    x-opus x-pcm x-wav""".split()  # noqa: SIM905 a list of words reads best as words
# Bare samples, and frames without a head: neither has a place for a label.
_HEADLESS = frozenset({"pcm", "aac"})
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
        medium=Medium.AUDIO,
        large=True,
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
        unlabelled = ""
        chosen = document.get("response_format")
        if isinstance(chosen, str) and chosen in _HEADLESS:
            unlabelled = (
                f"'response_format' must not be '{chosen}' here: sound of this format cannot be labelled as"
                " AI-generated. Ask for mp3, wav, flac or opus."
            )
        return ParsedRequest(
            *(document, document["model"]),
            streamed=False,
            structured=False,
            language_hint=spoken,
            unlabelled=unlabelled,
        )
