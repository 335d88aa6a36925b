"""OpenAI image generation: the prompt is scanned, and what the model made of it; the pictures are labelled.

A picture is set aside only where the format has it (``data[].b64_json``) and only when it is base64 as a whole. What
a picture shows is nothing that filters of text can read. One behind an address cannot be labelled.
"""

from gateway.errors import RequestError
from gateway.protocol.asides import Aside, is_base64
from gateway.protocol.carriage import NO_HEAD, Carriage, FilePlace, Medium, RequestHead
from gateway.protocol.dialects.base import Document, ParsedRequest
from gateway.protocol.dialects.requests import read_request
from gateway.protocol.dialects.wordless import Wordless


def pictures_of(document: Document) -> list[Aside]:
    """Return the pictures of a reply."""
    rows = document.get("data")
    return [
        Aside(row, "b64_json", row["b64_json"])
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, dict) and is_base64(row.get("b64_json"))
    ]


def files_of(document: Document) -> list[FilePlace]:
    """Return where the pictures of a reply stand; one that is reached by an address besides is not held by it.

    What is no row of the format may be a picture in a way nobody knows, so it counts as one that is not held.
    """
    rows = document.get("data")
    return [
        FilePlace(row, "b64_json", row["b64_json"])
        if isinstance(row, dict) and is_base64(row.get("b64_json")) and not row.get("url")
        else FilePlace(document, "data", None)
        for row in (rows if isinstance(rows, list) else (None,))
    ]


class OpenAIImages(Wordless):
    """The dialect of ``POST /v1/images/generations``."""

    name = "openai.images"
    upstream_path = "/images/generations"
    generates = True
    carriage = Carriage(asides=pictures_of, large=True, refuses=False, medium=Medium.IMAGE, files=files_of)

    def parse_request(self, body: bytes, _head: RequestHead = NO_HEAD) -> ParsedRequest:
        """Read a request body.

        Raises:
            RequestError: it is not JSON, or lacks what every such request has; the message names the member.
        """
        document = read_request(body)
        prompt = document.get("prompt")
        if not isinstance(prompt, str):
            raise RequestError("'prompt' must be a string.")
        # Frames with parts of pictures in them: passed unread, they would carry anything.
        if document.get("stream"):
            raise RequestError("'stream' is not served for pictures. Leave it out: the reply comes whole.")
        unlabelled = ""
        if document.get("response_format") == "url":
            unlabelled = (
                "'response_format' must be 'b64_json' here: a picture behind an address cannot be labelled as"
                " AI-generated."
            )
        return ParsedRequest(
            *(document, document["model"]),
            streamed=False,
            structured=False,
            language_hint=prompt,
            unlabelled=unlabelled,
        )
