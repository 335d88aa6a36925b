"""Tests of anchoring: checkpoints arrive, failures are counted and hold nothing up, nothing secret is logged."""

import http.server
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.audit.anchor_file import read_anchors
from gateway.audit.anchoring import Anchoring, sender_of
from gateway.audit.verification.anchored import Anchors
from gateway.settings.anchors import Anchor, AnchorKind
from tests.gateway.audit.builders import SIGNER
from tests.gateway.audit.verification.test_anchored import make_authority

_NOTES = [SIGNER.sign(f"text {number}\n") for number in range(3)]


@contextmanager
def _server(answer: Callable[[bytes], tuple[int, bytes]]) -> Iterator[str]:
    class _Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, body = answer(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(status)
            self.send_header("location", "http://127.0.0.1:1/")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/secret-path"
        server.shutdown()


def test_file_gets_the_last_checkpoint_at_a_stop(tmp_path: Path) -> None:
    """Whatever the pace, the newest one arrives; a torn end of the file costs no line."""
    path = tmp_path / "anchors"
    path.write_bytes(b"0123abcd {")
    anchoring = Anchoring((Anchor(kind=AnchorKind.FILE, path=path, every_seconds=3600),))
    for note in _NOTES:
        anchoring.publish(note)
    anchoring.close()
    found = [anchor.note for anchor in read_anchors(path)]
    assert found[0] is None
    assert found[-1] == _NOTES[-1]


def test_webhook_gets_the_note() -> None:
    """The body is the note as it is."""
    bodies: list[bytes] = []

    def answer(body: bytes) -> tuple[int, bytes]:
        bodies.append(body)
        return 204, b""

    with _server(answer) as url:
        anchoring = Anchoring((Anchor(kind=AnchorKind.WEBHOOK, url=url),))
        anchoring.publish(_NOTES[0])
        anchoring.close()
    assert bodies == [_NOTES[0]]


@pytest.mark.parametrize(("status", "size"), [(500, 0), (302, 0), (200, 100_000)])
def test_failure_is_counted_and_hides_the_address(status: int, size: int) -> None:
    """An error, a redirect and an endless answer are failures; the log names the kind and no address."""
    with _server(lambda _: (status, b"x" * size)) as url, capture_logs() as logs:
        anchoring = Anchoring((Anchor(kind=AnchorKind.WEBHOOK, url=url),))
        anchoring.publish(_NOTES[0])
        anchoring.close()
    assert [event["event"] for event in logs] == ["audit_anchor_failed"]
    assert "secret-path" not in str(logs)


def test_time_stamp_is_kept_beside_the_note(tmp_path: Path) -> None:
    """The authority's answer verifies with its certificate; an answer to another question is refused."""
    certificate = make_authority(tmp_path)
    stamped: list[bytes] = []

    def answer(body: bytes) -> tuple[int, bytes]:
        (tmp_path / "request").write_bytes(body)
        command = "openssl ts -reply -config tsa.conf -queryfile request -signer tsa.pem -inkey tsa.key -out reply"
        subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)  # noqa: S603 fixed words
        stamped.append((tmp_path / "reply").read_bytes())
        return 200, stamped[0]

    path = tmp_path / "anchors"
    with _server(answer) as url:
        send = sender_of(Anchor(kind=AnchorKind.RFC3161, url=url, path=path))
        send(_NOTES[0])
        with pytest.raises(ValueError, match="something else"):
            send(_NOTES[1])
    (anchor,) = read_anchors(path)
    assert (anchor.note, anchor.timestamp) == (_NOTES[0], stamped[0])
    assert Anchors([SIGNER.public], [certificate]).wrong_with(anchor.timestamp, _NOTES[0]) == ""
