"""What the model server is asked, and what the head of its reply says of how that is to be read."""

from gateway.errors import ErrorCode
from gateway.protocol.carriage import ReplyKind
from gateway.protocol.commands import OpenUpstream
from gateway.protocol.context import ExchangeContext
from gateway.protocol.dialects.base import ParsedRequest
from gateway.protocol.events import UpstreamStarted

_OK = 200
_ERRORS_FROM = 400
# The model server refuses us, not the client: its answer would mislead.
_CREDENTIALS_REFUSED = frozenset({401, 403, 407})


def ask_upstream(context: ExchangeContext, request: ParsedRequest) -> OpenUpstream:
    """Return the wish for the model server's reply."""
    dialect, document = context.dialect, request.document
    carriage = dialect.carriage
    # Encoded again and not passed on as it came: two members of one name would be read one way here and perhaps
    # another way there.
    content_type, body = carriage.encode(document, context.request_id)
    about = ((b"content-type", content_type),) if content_type else ()
    headers = (*about, (b"accept", carriage.accept))
    path = carriage.target(dialect.upstream_path, document)
    return OpenUpstream(path, body, request.model, carriage.method, headers)


def reply_kind(head: UpstreamStarted, context: ExchangeContext, request: ParsedRequest) -> ReplyKind | ErrorCode:
    """Return how a reply is to be read, or why it is not."""
    # Our key is wrong, not the client's: passed on, the answer would send it looking for a fault of its own.
    if head.status in _CREDENTIALS_REFUSED:
        return ErrorCode.UPSTREAM_REFUSED
    # Redirects are not followed: where they lead to is nobody the operator has named.
    if head.status != _OK and head.status < _ERRORS_FROM:
        return ErrorCode.UPSTREAM_MALFORMED
    # Errors are JSON in every format.
    if head.status != _OK:
        return ReplyKind.DOCUMENT
    kind = context.dialect.carriage.kind_of(head.content_type, streamed=request.streamed)
    # Nothing can be put into it, and the policy lets it pass so: then it need not wait for its end.
    if kind is ReplyKind.FILE and request.unlabelled:
        return ReplyKind.BINARY
    # Under another type, bytes that nobody reads could be anything.
    return ErrorCode.UPSTREAM_MALFORMED if kind is None else kind
