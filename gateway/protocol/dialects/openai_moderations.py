"""OpenAI moderations: texts to be judged, which no model server is asked about.

The gateway answers itself (`gateway.protocol.moderations`). Errors have the shape that chat completions have, and so
has everything else of this format that an exchange may need.
"""

from typing import Any

from gateway.errors import ErrorCode, RequestError
from gateway.protocol.carriage import NO_HEAD, RequestHead
from gateway.protocol.dialects.base import Input, ParsedRequest
from gateway.protocol.dialects.openai_chat import OpenAIChat
from gateway.protocol.documents import read_document

# Each input has a result of its own, several hundred bytes long: the answer must not outgrow the question.
MOST_INPUTS = 1024
_TEXT, _IMAGE = "text", "image_url"


class OpenAIModerations(OpenAIChat):
    """The dialect of ``POST /v1/moderations``."""

    name = "openai.moderations"

    def parse_request(self, body: bytes, _head: RequestHead = NO_HEAD) -> ParsedRequest:
        """Read a request body.

        Raises:
            RequestError: it is not JSON, or ``input`` is not what the format says; the message names the member.
        """
        try:
            document = read_document(body)
        except ValueError as exc:
            raise RequestError("", ErrorCode.NOT_JSON) from exc
        if not isinstance(document, dict):
            raise RequestError("The body must be a JSON object.")
        # Optional in this format: whatever it names, the lists in force are what judges.
        model = document.get("model") or ""
        if not isinstance(model, str):
            raise RequestError("'model' must be a string.")
        inputs = _inputs(document.get("input"))
        return ParsedRequest(document, model, streamed=False, structured=True, language_hint="", inputs=inputs)


def _inputs(value: Any) -> tuple[Input, ...]:  # noqa: ANN401 any JSON value
    if isinstance(value, str):
        return (Input(value),)
    if not isinstance(value, list) or not value:
        raise RequestError("'input' must be a string, or a non-empty array of strings or of parts.")
    if len(value) > MOST_INPUTS:
        raise RequestError(f"'input' must not have more than {MOST_INPUTS} elements.")
    if isinstance(value[0], str):
        return tuple(Input(_string(each, f"input[{number}]")) for number, each in enumerate(value))
    # Parts make up one message: they are one input, and their texts one text, as in a chat.
    texts = [_part_text(part, number) for number, part in enumerate(value)]
    return (Input("".join(text for text in texts if text is not None), (_IMAGE,) if None in texts else ()),)


def _part_text(part: Any, number: int) -> str | None:  # noqa: ANN401 the same
    """Return the text of a part, None for an image."""
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == _TEXT:
        return _string(part.get("text"), f"input[{number}].text")
    if kind == _IMAGE:
        return None
    # Refused and not passed over: silence would say that there was nothing in it.
    raise RequestError(f"'input[{number}]' must be a part of type '{_TEXT}' or '{_IMAGE}', as its neighbours are.")


def _string(value: Any, place: str) -> str:  # noqa: ANN401 the same
    if not isinstance(value, str):
        raise RequestError(f"'{place}' must be a string.")
    return value
