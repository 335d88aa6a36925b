"""What requests of all wire formats have in common: a JSON object with a model and perhaps a stream.

Only what the gateway itself relies on is checked; the rest is the model server's to judge.
"""

from gateway.errors import ErrorCode, RequestError
from gateway.protocol.dialects.base import Document
from gateway.protocol.documents import read_document


def read_request(body: bytes) -> Document:
    """Read a request body; its ``model`` is a string and its ``stream``, where it has one, true or false.

    Raises:
        RequestError: it is not JSON, or not so; the message names the member.
    """
    try:
        document = read_document(body)
    except ValueError as exc:
        raise RequestError("", ErrorCode.NOT_JSON) from exc
    if not isinstance(document, dict):
        raise RequestError("The body must be a JSON object.")
    model = document.get("model")
    if not isinstance(model, str) or not model:
        raise RequestError("'model' must be a non-empty string.")
    # A server may take 1 or "true" for a stream while a whole reply is waited for here: both must see the same.
    if not isinstance(document.get("stream") or False, bool):
        raise RequestError("'stream' must be true or false.")
    return document


def read_messages(document: Document, content: tuple[type, ...]) -> list[Document]:
    """Return the messages of a request.

    Args:
        document: the request.
        content: types that the content of a message may have.

    Raises:
        RequestError: there is none, or one has no role or another content.
    """
    messages = document.get("messages")
    if not isinstance(messages, list) or not messages:
        raise RequestError("'messages' must be a non-empty array.")
    for number, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise RequestError(f"'messages[{number}]' must be an object with a 'role'.")
        if not isinstance(message.get("content"), content):
            raise RequestError(f"'messages[{number}].content' must be a string or an array of parts.")
    return messages


def end_user_of(document: Document) -> str:
    """Return who a request says is asking, or an empty string.

    OpenAI's formats name the end user in ``safety_identifier``, older clients in ``user``; Anthropic's in
    ``metadata.user_id``. A number stands for its digits, since some servers take one.
    """
    metadata = document.get("metadata")
    inner = metadata.get("user_id") if isinstance(metadata, dict) else None
    for value in (document.get("safety_identifier"), document.get("user"), inner):
        if isinstance(value, str) and value:
            return value
        if type(value) is int:
            return str(value)
    return ""
