"""A stranger's manifest is read in a process of its own, within bounds, and without a network."""

import http.server
import json
import subprocess
import sys
import threading
from pathlib import Path

from gateway.labelling import manifest_reader
from gateway.labelling.formats import write_label
from gateway.labelling.signing import load_signer
from tests.gateway.labelling.certificates import signing_files
from tests.gateway.labelling.pictures import MEMBERS, saved
from tests.gateway.labelling.vendor_forms import packet, written, xmp_png


def _read(*words: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603 our own
        [sys.executable, "-P", manifest_reader.__file__, *map(str, words)], capture_output=True, check=False
    )


def test_manifest_is_told_as_json(tmp_path: Path) -> None:
    """State and store; without a manifest what the library says."""
    path = saved(tmp_path / "a.png")
    (tmp_path / "keys").mkdir()
    none = json.loads(_read("image/png", path).stdout)
    assert "ManifestNotFound" in none["error"] or "no JUMBF" in none["error"]
    write_label(path, path, MEMBERS, signer=load_signer(*signing_files(tmp_path / "keys")))
    found = json.loads(_read("image/png", path).stdout)
    assert (found["state"], len(found["store"]["manifests"])) == ("Valid", 1)


def test_manifest_that_is_elsewhere_is_not_asked_for(tmp_path: Path) -> None:
    """A file may name an address; nobody calls there."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        place = f"http://127.0.0.1:{server.server_port}/x.c2pa"
        named = (
            f'<rdf:Description rdf:about="" xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="{place}"/>'
        )
        path = written(tmp_path / "a.png", xmp_png(packet(named)))
        assert "error" in json.loads(_read("image/png", path).stdout)
    finally:
        server.shutdown()
        server.server_close()
    assert asked == []


def test_memory_is_bounded(tmp_path: Path) -> None:
    """What asks for more ends, with a failure and without an answer."""
    (tmp_path / "c2pa.py").write_text(
        "import resource\nheld = bytearray(resource.getrlimit(resource.RLIMIT_AS)[0])\n", "ascii"
    )
    command = [sys.executable, manifest_reader.__file__, "image/png", str(saved(tmp_path / "a.png"))]
    done = subprocess.run(command, capture_output=True, check=False, env={"PYTHONPATH": str(tmp_path)})  # noqa: S603
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"MemoryError" in done.stderr
