"""OpenAI transcriptions: uploads, and whole replies; its streams are in `openai_transcriptions_stream`.

The sound is passed on unread; every text field beside it is scanned, and the upload is written again from what was
read. The reply is scanned, as JSON or as text with or without times; words and token numbers, which say it once more
in small pieces, are left out where anything was masked. What people said is no generated content: it has no label.
"""

from gateway.errors import RequestError
from gateway.protocol.asides import Aside, is_vector
from gateway.protocol.carriage import NO_HEAD, Carriage, Encoded, RequestHead
from gateway.protocol.dialects.base import Document, Identity, ParsedRequest
from gateway.protocol.dialects.openai_transcriptions_stream import (
    OpenAITranscriptionsStream,
    drop_probabilities,
    said_in,
)
from gateway.protocol.dialects.wordless import Wordless
from gateway.protocol.multipart import Part, UploadError, read_upload, write_upload
from gateway.protocol.texts import find_texts

# Fields that say one thing: of two, one server reads the first and another one the last.
_SINGLE = frozenset({"file", "language", "model", "prompt", "response_format", "stream", "temperature"})
_TRANSCRIPT_TYPES = frozenset({"text/plain", "text/vtt", "text/srt", "application/x-subrip"})


def encode_upload(document: Document, request_id: str) -> Encoded:
    """Encode a request as an upload; the id of the exchange is a boundary that no client knows beforehand."""
    return Encoded(*write_upload(document["parts"], f"sluice-{request_id}"))


def spelled_words(document: Document) -> list[Aside]:
    """Return what says a transcript once more: its words, its tokens' probabilities and its tokens' numbers."""
    found = document.get("segments")
    segments = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    # OpenAI has words beside the segments, other servers in each of them.
    places = [(document, "words"), (document, "logprobs"), *((segment, "words") for segment in segments)]
    asides = [_spelled(place, name) for place, name in places if isinstance(place.get(name), list)]
    numbers = [segment for segment in segments if is_vector(segment.get("tokens"))]
    return asides + [Aside(segment, "tokens", segment["tokens"], [], spelling=True) for segment in numbers]


def _spelled(place: Document, name: str) -> Aside:
    texts = [group.text for group in find_texts(place[name])]
    joined = "".join(said_in(place[name], "token" if name == "logprobs" else "word"))
    return Aside(place, name, place[name], None, spelling=True, texts=(joined, *texts))


class OpenAITranscriptions(Wordless):
    """The dialect of ``POST /v1/audio/transcriptions``."""

    name = "openai.transcriptions"
    upstream_path = "/audio/transcriptions"
    generates = False
    carriage = Carriage(
        accept=b"application/json, text/event-stream, text/plain, text/vtt",
        encode=encode_upload,
        texts=_TRANSCRIPT_TYPES,
        asides=spelled_words,
    )

    def parse_request(self, body: bytes, head: RequestHead = NO_HEAD) -> ParsedRequest:
        """Read an upload.

        Raises:
            RequestError: it is not one that can be read in one way, or lacks its file or its model.
        """
        try:
            parts = read_upload(body, head.content_type)
        except UploadError as exc:
            raise RequestError(f"The body must be an upload (multipart/form-data): {exc}.") from exc
        names = [part["name"] for part in parts]
        for name in _SINGLE:
            if names.count(name) > 1:
                raise RequestError(f"'{name}' must be sent once.")
        for part in parts:
            if isinstance(part["content"], bytes) is not (part["name"] == "file"):
                raise RequestError("'file' must be a file with a name, and every other field a text.")
        fields = {part["name"]: part for part in parts}
        if "file" not in fields or not fields.get("model", {}).get("content"):
            raise RequestError("'file' and 'model' must be sent.")
        return ParsedRequest(
            {"parts": parts},
            fields["model"]["content"],
            _is_streamed(fields.get("stream")),
            structured=False,
            language_hint=_hint(fields),
        )

    def withhold(self, document: Document) -> None:
        """Drop token probabilities of a frame, in either form: they spell the text as it was."""
        drop_probabilities(document)

    def stream(self, identity: Identity) -> OpenAITranscriptionsStream:
        """Begin a streamed reply."""
        return OpenAITranscriptionsStream(identity)


def _hint(fields: dict[str, Part]) -> str:
    """Return a text in the language in which the client is told of a stop."""
    language = fields.get("language", {}).get("content", "")
    return "中文" if language.startswith("zh") else str(fields.get("prompt", {}).get("content", ""))


def _is_streamed(field: Part | None) -> bool:
    wanted = field["content"].lower() if field else "false"
    # Servers differ in what else they take for true; both must see the same.
    if wanted not in ("true", "false"):
        raise RequestError("'stream' must be true or false.")
    return bool(wanted == "true")
