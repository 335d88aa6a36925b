"""OpenAI's list of models: asked for by path alone, answered by the model server, scanned like any document."""

import string

from gateway.errors import RequestError
from gateway.protocol.carriage import NO_HEAD, Carriage, Encoded, RequestHead
from gateway.protocol.dialects.base import Document, ParsedRequest
from gateway.protocol.dialects.wordless import Wordless

# RFC 3986 section 2.3: what never needs to be percent-encoded.
_UNRESERVED = frozenset(string.ascii_letters.encode() + string.digits.encode() + b"-._~")
_DOTS = frozenset({".", ".."})


def _no_body(_document: Document, _request_id: str) -> Encoded:
    return Encoded(b"", b"")


def _path_of(path: str, document: Document) -> str:
    """Return the path at the model server: of the list, or of one model."""
    # As one segment, whatever is in it: nothing a client writes may lead to another path there.
    return f"{path}/{_quoted(document['id'])}" if document else path


def _quoted(text: str) -> str:
    encoded = text.encode("utf-8", "replace")
    return "".join([chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in encoded])


class OpenAIModels(Wordless):
    """The dialect of ``GET /v1/models`` and ``GET /v1/models/{id}``."""

    name = "openai.models"
    upstream_path = "/models"
    generates = False
    carriage = Carriage(method="GET", accept=b"application/json", encode=_no_body, target=_path_of)

    def parse_request(self, _body: bytes, head: RequestHead = NO_HEAD) -> ParsedRequest:
        """Read a request: the id of a model behind the path is scanned like a text of a body, and a body is not read.

        Raises:
            RequestError: the id is none that can be a part of a path.
        """
        # Percent-encoded they stay what they are to servers that resolve paths.
        if head.rest in _DOTS:
            raise RequestError("The id of a model cannot be '.' or '..'.")
        document: Document = {"id": head.rest} if head.rest else {}
        return ParsedRequest(document, head.rest, streamed=False, structured=False, language_hint="")
