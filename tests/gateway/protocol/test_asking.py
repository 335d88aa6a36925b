"""What the model server is asked, and how its reply is read."""

import pytest

from gateway.errors import ErrorCode
from gateway.protocol.asking import ask_upstream, reply_kind
from gateway.protocol.carriage import NO_HEAD, ReplyKind
from gateway.protocol.events import UpstreamStarted
from tests.gateway.protocol.playbook import given, request

JSON = "application/json"
STREAM = "text/event-stream"


@pytest.mark.parametrize(
    ("status", "content_type", "kind"),
    [
        (200, JSON, ReplyKind.DOCUMENT),
        (200, STREAM, ReplyKind.STREAM),
        (302, JSON, ErrorCode.UPSTREAM_MALFORMED),
        (401, JSON, ErrorCode.UPSTREAM_REFUSED),
        (429, STREAM, ReplyKind.DOCUMENT),
    ],
)
def test_a_reply_is_read_by_its_head(status: int, content_type: str, kind: ReplyKind | ErrorCode) -> None:
    """Errors are documents in every format; what nobody here can read is not passed on."""
    context = given()
    asked = context.dialect.parse_request(request(), NO_HEAD)
    assert reply_kind(UpstreamStarted(status, content_type), context, asked) is kind


def test_what_is_asked_is_written_anew() -> None:
    """Of two members of one name, the model server reads the one that was scanned."""
    context = given()
    body = request()[:-1] + b',"user":"a","user":"b"}'
    wish = ask_upstream(context, context.dialect.parse_request(body, NO_HEAD))
    assert (wish.method, wish.model, wish.body.count(b'user":"b')) == ("POST", "m", 1)
    assert b'"a"' not in wish.body
