"""What clients say about their bodies, and what is made of it."""

import gzip
import zlib

import brotli
import orjson
import pytest
import zstandard

from gateway.errors import ErrorCode
from tests.gateways import BLOCKED, Gateway, chat, expect_error

CODINGS = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress, "zstd": zstandard.compress}


def _with(gateway: Gateway, **headers: str) -> dict[str, str]:
    return gateway.headers() | {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.mark.parametrize("coding", CODINGS)
def test_a_compressed_body_is_read(shared: Gateway, coding: str) -> None:
    """A clean prompt passes; what stands in a compressed one is found all the same."""
    compress, headers = CODINGS[coding], _with(shared, content_encoding=coding)
    clean, blocked = (shared.post(compress(orjson.dumps(chat(each))), headers=headers) for each in ("你好", BLOCKED))
    assert clean.json()["choices"][0]["finish_reason"] == "stop"
    assert blocked.json()["choices"][0]["finish_reason"] == "content_filter"


@pytest.mark.parametrize("coding", ["compress", "gzip, gzip", "aes128gcm", "x" * 500])
def test_an_unknown_coding_is_refused(shared: Gateway, coding: str) -> None:
    """415, with those that are read."""
    response = expect_error(
        shared,
        ErrorCode.UNSUPPORTED_ENCODING,
        lambda: shared.post(chat("你好"), headers=_with(shared, content_encoding=coding)),
    )
    assert response.headers["accept-encoding"] == "gzip, deflate, br, zstd"


@pytest.mark.parametrize("body", [b'{"model": "m"}', gzip.compress(b"{}")[:-1], gzip.compress(b"{}") + b"{}"])
def test_a_body_that_is_not_what_its_coding_says(shared: Gateway, body: bytes) -> None:
    """Plain text, half of it, or more behind it: 400."""
    headers = _with(shared, content_encoding="gzip")
    expect_error(shared, ErrorCode.BODY_UNREADABLE, lambda: shared.post(body, headers=headers))


@pytest.mark.parametrize("coding", CODINGS)
def test_a_body_that_unpacks_to_too_much(shared: Gateway, coding: str) -> None:
    """The bound is on what it says, not on how small it was made."""
    bomb = CODINGS[coding](b" " * (shared.services.body_limit_bytes + 1))
    headers = _with(shared, content_encoding=coding)
    expect_error(shared, ErrorCode.BODY_TOO_LARGE, lambda: shared.post(bomb, headers=headers))


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON; Charset=UTF-8",
        'application/json;charset="utf-8"',
        "application/json; charset=us-ascii; profile=x",
        "application/vnd.api+json",
        "",
    ],
)
def test_json_in_utf8_is_taken(shared: Gateway, content_type: str) -> None:
    """However it is written, and when nothing is said."""
    response = shared.post(chat("你好"), headers=_with(shared, content_type=content_type))
    assert response.status_code == 200


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=gbk",
        "application/json; charset=utf-8; charset=utf-16",
        "application/json; charset=",
        "application/jsonp",
        "text/x+json",
        "json",
    ],
)
def test_another_type_or_charset_is_refused(shared: Gateway, content_type: str) -> None:
    """A body that was meant to be read in another way is not read in ours: 415, before it is gathered."""
    headers = _with(shared, content_type=content_type)
    expect_error(shared, ErrorCode.UNSUPPORTED_MEDIA_TYPE, lambda: shared.post(chat("你好"), headers=headers))


@pytest.mark.parametrize("charset", ["gbk", "utf-16", "utf-32"])
def test_another_charset_is_refused_when_nothing_is_said_of_it(shared: Gateway, charset: str) -> None:
    """JSON is UTF-8 (RFC 8259 section 8.1); no guess is made that a model server might make differently."""
    body = orjson.dumps(chat("你好")).decode().encode(charset)
    expect_error(shared, ErrorCode.NOT_JSON, lambda: shared.post(body))
