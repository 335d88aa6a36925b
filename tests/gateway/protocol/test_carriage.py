"""How formats travel: kinds of reply by their media type, and what clients are told of it."""

import pytest

from gateway.protocol.carriage import JSON_POST, Carriage, Encoded, ReplyKind, encode_json

SOUND = Carriage(documents=False, binaries=frozenset({"audio/mpeg", "audio/pcm"}), texts=frozenset({"text/vtt"}))


@pytest.mark.parametrize(
    ("carriage", "content_type", "streamed", "kind"),
    [
        (JSON_POST, "application/json", False, ReplyKind.DOCUMENT),
        (JSON_POST, "application/json", True, ReplyKind.DOCUMENT),
        (JSON_POST, "text/event-stream; charset=utf-8", True, ReplyKind.STREAM),
        (JSON_POST, "text/event-stream", False, ReplyKind.DOCUMENT),
        (JSON_POST, "audio/mpeg", False, ReplyKind.DOCUMENT),
        (JSON_POST, "", False, ReplyKind.DOCUMENT),
        (SOUND, "audio/mpeg; x=1", False, ReplyKind.BINARY),
        (SOUND, "text/vtt", False, ReplyKind.TEXT),
        (SOUND, "text/html", False, None),
        (SOUND, "application/json", False, None),
    ],
)
def test_the_media_type_says_how_a_reply_is_read(
    carriage: Carriage,
    content_type: str,
    streamed: bool,  # noqa: FBT001 a parameter of the table
    kind: ReplyKind | None,
) -> None:
    """What a format does not take is no reply of it; bytes pass unread under known types only."""
    assert carriage.kind_of(content_type, streamed=streamed) is kind


@pytest.mark.parametrize(
    ("content_type", "told"),
    [
        ("audio/mpeg", b"audio/mpeg"),
        ("audio/pcm;rate=24000; channels=1", b"audio/pcm; rate=24000; channels=1"),
        ("audio/pcm; rate=24000x; note=forbidden", b"audio/pcm"),
        ("text/vtt; charset=latin-1; note=forbidden", b"text/vtt; charset=utf-8"),
    ],
)
def test_a_content_type_is_no_way_out_for_text(content_type: str, told: bytes) -> None:
    """Only the known type and numbers of it are told."""
    assert SOUND.sent_type(content_type) == told


def test_json_is_written_from_the_document() -> None:
    """What leaves is what was read."""
    assert encode_json({"model": "m"}, "req") == Encoded(b"application/json", b'{"model":"m"}')
