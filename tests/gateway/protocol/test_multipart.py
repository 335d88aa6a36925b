"""Uploads: what leaves is what was read, and nothing of a part has a second reading."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.protocol.multipart import Part, UploadError, read_upload, write_upload

TYPE = "multipart/form-data; boundary=edge"
FIELD = b'content-disposition: form-data; name="prompt"'
FILE = b'content-disposition: form-data; name="file"; filename="a.MP3"'


def upload(*parts: bytes, end: bytes = b"--edge--\r\n") -> bytes:
    """Build a body of parts, each head and content."""
    return b"".join(b"--edge\r\n" + part + b"\r\n" for part in parts) + end


def field(name: str, content: bytes, *headers: bytes) -> bytes:
    """Build a text part."""
    head = b'content-disposition: form-data; name="' + name.encode() + b'"'
    return b"\r\n".join((head, *headers)) + b"\r\n\r\n" + content


def test_fields_and_file_are_read() -> None:
    """Text is text, a file is bytes; of its name only the extension is kept."""
    body = upload(
        field("model", b"whisper-1"),
        field("prompt", "水闸".encode()),
        FILE + b"\r\ncontent-type: Audio/MPEG; x=1\r\n\r\n\x00\xff",
        field("include[]", b"logprobs"),
    )
    assert read_upload(body, TYPE) == [
        {"name": "model", "content": "whisper-1"},
        {"name": "prompt", "content": "水闸"},
        {"name": "file", "content": b"\x00\xff", "file": "upload.mp3", "type": "audio/mpeg"},
        {"name": "include[]", "content": "logprobs"},
    ]


@pytest.mark.parametrize(
    ("head", "name", "media"),
    [
        (b'; filename="forbidden"', "upload", "application/octet-stream"),
        (b'; filename="a.for bidden"', "upload", "application/octet-stream"),
        ('; filename="水.wav"'.encode(), "upload.wav", "application/octet-stream"),
        (b'; filename="a.wav"\r\ncontent-type: text/forbidden', "upload.wav", "application/octet-stream"),
        (b'; filename="a.wav"\r\ncontent-type: video/webm', "upload.wav", "video/webm"),
        (b'; filename=""', "upload", "application/octet-stream"),
    ],
)
def test_of_a_files_head_only_known_words_go_on(head: bytes, name: str, media: str) -> None:
    """A name or a media type of the client's making is text that no model needs."""
    body = upload(b'content-disposition: form-data; name="file"' + head + b"\r\n\r\nx")
    (part,) = read_upload(body, TYPE)
    assert (part["file"], part["type"]) == (name, media)


def test_preamble_and_epilogue_do_not_leave() -> None:
    """What stands around the parts is read by nobody, and so it is not passed on."""
    body = b"forbidden\r\n" + upload(field("prompt", b"x")) + b"forbidden"
    with pytest.raises(UploadError):
        read_upload(body, TYPE)
    _, written = write_upload(read_upload(upload(field("prompt", b"x")) + b"forbidden", TYPE), "b")
    assert b"forbidden" not in written


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (upload(field("prompt", b"x")), "multipart/form-data"),
        (upload(field("prompt", b"x")), "application/json; boundary=edge"),
        (upload(field("prompt", b"x")), ""),
        (upload(field("prompt", b"x")), "multipart/form-data; boundary=" + "e" * 300),
        (upload(field("prompt", b"x"), end=b""), TYPE),
        (b"", TYPE),
        (b"{}", TYPE),
        (upload(field("prompt", b"\xff")), TYPE),
        (upload(field("pro mpt", b"x")), TYPE),
        (upload(field("水", b"x")), TYPE),
        (upload(field("", b"x")), TYPE),
        (upload(field("_charset_", b"gbk")), TYPE),
        (upload(b"x: y\r\n\r\nz"), TYPE),
        (upload(FIELD.replace(b"form-data", b"attachment") + b"\r\n\r\nx"), TYPE),
        (upload(FIELD + b"\r\n" + FIELD + b"\r\n\r\nx"), TYPE),
        (upload(field("prompt", b"Zm9y", b"content-transfer-encoding: base64")), TYPE),
        (upload(b'content-disposition: form-data; name="file"; filename="\xff"\r\n\r\nx'), TYPE),
        (upload(*[field("include[]", b"x")] * 257), TYPE),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(body: bytes, content_type: str) -> None:
    """Each of these is another upload to another reader, or none; the message quotes nothing."""
    with pytest.raises(UploadError) as caught:
        read_upload(body, content_type)
    assert "edge" not in str(caught.value)


def test_a_plain_transfer_encoding_changes_nothing() -> None:
    """Older clients name the encoding that is none."""
    body = upload(field("prompt", b"x", b"Content-Transfer-Encoding: 8BIT"))
    assert read_upload(body, TYPE) == [{"name": "prompt", "content": "x"}]


FIELDS = st.tuples(st.sampled_from(["prompt", "keywords[]"]), st.text(st.characters(codec="utf-8"), max_size=20))


@given(st.lists(FIELDS, max_size=4), st.binary(max_size=40))
@settings(max_examples=100, deadline=None)
def test_what_leaves_is_what_was_read(fields: list[tuple[str, str]], data: bytes) -> None:
    """Written and read again, an upload is the same parts."""
    parts: list[Part] = [{"name": name, "content": text} for name, text in fields]
    parts.append({"name": "file", "content": data, "file": "upload.mp3", "type": "audio/mpeg"})
    content_type, body = write_upload(parts, "edge-of-0123456789")
    assert read_upload(body, content_type.decode()) == parts
