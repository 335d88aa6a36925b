"""OpenAI embeddings: the input is scanned, the vectors pass.

A vector is no text. It is set aside only where the format has it (``data[].embedding``) and only when all of it is
numbers, or base64 of numbers of 32 bits; any other string there is scanned like the rest of the reply. For 2,000
vectors of 1,536 numbers in base64 (16 MB) looking for them costs 17 ms on one slow core, where finding and scanning
them as texts would cost 240 ms, and would find words that nobody wrote.
"""

from gateway.protocol.asides import Aside, is_base64, is_vector
from gateway.protocol.carriage import NO_HEAD, Carriage, RequestHead
from gateway.protocol.dialects.base import Document, ParsedRequest
from gateway.protocol.dialects.openai_prompts import read_prompts, unread_prompts
from gateway.protocol.dialects.requests import read_request
from gateway.protocol.dialects.wordless import Wordless

_NUMBER_BYTES = 4


def vectors_of(document: Document) -> list[Aside]:
    """Return the vectors of a reply."""
    rows = document.get("data")
    return [
        Aside(row, "embedding", row["embedding"])
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, dict)
        and (is_vector(row.get("embedding")) or is_base64(row.get("embedding"), _NUMBER_BYTES))
    ]


class OpenAIEmbeddings(Wordless):
    """The dialect of ``POST /v1/embeddings``."""

    name = "openai.embeddings"
    upstream_path = "/embeddings"
    generates = False
    carriage = Carriage(asides=vectors_of, large=True)

    def parse_request(self, body: bytes, _head: RequestHead = NO_HEAD) -> ParsedRequest:
        """Read a request body.

        Raises:
            RequestError: it is not JSON, or lacks what every such request has; the message names the member.
        """
        document = read_request(body)
        inputs = read_prompts(document, "input")
        return ParsedRequest(
            document,
            document["model"],
            streamed=False,
            structured=False,
            language_hint=inputs[-1] if inputs else "",
            unread=unread_prompts(document, "input"),
        )
