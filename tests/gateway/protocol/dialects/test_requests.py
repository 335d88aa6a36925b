"""What requests of all wire formats have in common."""

import orjson
import pytest

from gateway.errors import ErrorCode, RequestError
from gateway.protocol.dialects.requests import end_user_of, read_messages, read_request


@pytest.mark.parametrize(
    ("body", "code", "named"),
    [
        (b"{", ErrorCode.NOT_JSON, ""),
        (b"[]", ErrorCode.INVALID_REQUEST, "object"),
        (b'{"model": 1}', ErrorCode.INVALID_REQUEST, "'model'"),
        (b'{"model": "m", "stream": 1}', ErrorCode.INVALID_REQUEST, "'stream'"),
    ],
)
def test_what_every_request_has_is_checked(body: bytes, code: ErrorCode, named: str) -> None:
    """A JSON object with a model, and a stream that is true or false."""
    with pytest.raises(RequestError) as caught:
        read_request(body)
    assert caught.value.code is code
    assert named in str(caught.value)


def test_a_request_is_read_as_it_came() -> None:
    """Members that nobody here relies on are kept."""
    body = {"model": "m", "stream": None, "other": [1]}
    assert read_request(orjson.dumps(body)) == body


def test_the_content_of_a_message_has_one_of_the_types_named() -> None:
    """Formats differ in whether it may be null."""
    document = {"messages": [{"role": "user", "content": None}]}
    assert read_messages(document, (str, type(None))) == document["messages"]
    with pytest.raises(RequestError, match=r"messages\[0\].content"):
        read_messages(document, (str, list))


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ({"user": "alice"}, "alice"),
        ({"user": "old", "safety_identifier": "new"}, "new"),
        ({"metadata": {"user_id": "alice"}}, "alice"),
        ({"metadata": {"user_id": "alice"}, "user": ""}, "alice"),
        ({"user": 17}, "17"),
        ({"user": True, "metadata": "alice", "safety_identifier": ["alice"]}, ""),
        ({}, ""),
    ],
)
def test_who_asks_is_found_where_the_formats_name_it(document: dict[str, object], name: str) -> None:
    """The newer member wins; what is neither text nor number names nobody."""
    assert end_user_of(document) == name
