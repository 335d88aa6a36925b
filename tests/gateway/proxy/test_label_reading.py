"""Labels are read over HTTP: by whoever has a key, as much as their rate allows, and bounded."""

import base64
from pathlib import Path

import httpx
import pytest

from tests.gateway.labelling.pictures import OTHER, encoded, noise
from tests.gateway.labelling.vendor_forms import FILES, MALFORMED
from tests.gateways import HTTP, Gateway, gateway

_PATH = "/v1/labels/read"


def _ask(running: Gateway, data: bytes, **options: object) -> httpx.Response:
    headers = running.headers() | {"content-type": "application/octet-stream"}
    return HTTP.post(f"{running.url}{_PATH}", content=data, **({"headers": headers} | options))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["1 element.jpg", "3 text chunk.png", "6 description.jpg"])
def test_verdict_is_told(shared: Gateway, name: str) -> None:
    """With what was found and what departs from the standard."""
    answer = _ask(shared, FILES[name]())
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"]
    found = answer.json()
    assert found["verdict"] == ("suspected" if name.startswith("6") else "is")
    assert (found["members"]["ContentProducer"] or OTHER, found["members"]["ProduceID"]) == (OTHER, "id-1")


def test_none_and_broken_are_answers(shared: Gateway) -> None:
    """Status 200: the file was read."""
    assert _ask(shared, encoded(noise(), "PNG")).json()["verdict"] == "none"
    broken = _ask(shared, MALFORMED["13 text.png"]()).json()
    assert broken["verdict"] == "broken"
    assert "Label is none of 1, 2 and 3" in broken["problems"]


def test_unknown_format_is_refused(shared: Gateway) -> None:
    """In the error shape, without a path of this machine; a name is taken for its end alone."""
    for params in ({}, {"name": "../../etc/x.py"}, {"name": "x." + "y" * 500}):
        answer = _ask(shared, b"\x00\x01\x02", params=params)
        assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")
        assert "/tmp" not in answer.text  # noqa: S108 what must not be shown
        # What this route takes, and not the media type that others do.
        assert "no format that labels are read from" in answer.json()["error"]["message"]


def test_who_asks_needs_a_key(shared: Gateway) -> None:
    """None, and a wrong one."""
    missing = _ask(shared, b"x", headers={})
    assert (missing.status_code, missing.json()["error"]["code"]) == (401, "key_missing")
    wrong = _ask(shared, b"x", headers={"x-api-key": "sk-sluice-" + "x" * 43})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "key_unknown")


def test_other_methods_are_refused(shared: Gateway) -> None:
    """And told which one is taken."""
    answer = HTTP.get(f"{shared.url}{_PATH}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST, OPTIONS")
    assert answer.json()["error"]["code"] == "method_not_allowed"


def test_pages_of_named_origins_may_ask(tmp_path: Path, standin_url: str) -> None:
    """A browser asks beforehand, without a key; the answer can be read by that page alone."""
    with gateway(tmp_path, standin_url, {"server": {"cors_origins": ["https://chat.example"]}}) as running:
        origin = {"origin": "https://chat.example"}
        asked = HTTP.options(
            f"{running.url}{_PATH}", headers=origin | {"access-control-request-headers": "x-api-key"}
        )
        assert (asked.status_code, asked.headers["access-control-allow-methods"]) == (204, "POST, OPTIONS")
        assert asked.headers["access-control-allow-headers"] == "x-api-key"
        answer = _ask(running, encoded(noise(), "PNG"), headers=running.headers() | origin)
        assert answer.headers["access-control-allow-origin"] == "https://chat.example"
        assert "access-control-allow-origin" not in _ask(running, encoded(noise(), "PNG")).headers


def test_size_and_rate_are_bounded(tmp_path: Path, standin_url: str) -> None:
    """As for every other route."""
    bounds = {"server": {"body_limit_bytes": 20_000}, "limits": {"requests_per_minute": 2}}
    with gateway(tmp_path, standin_url, bounds) as running:
        assert _ask(running, encoded(noise(), "PNG")).status_code == 200
        large = _ask(running, encoded(noise(200, 200), "PNG"))
        assert (large.status_code, large.json()["error"]["code"]) == (413, "body_too_large")
        third = _ask(running, encoded(noise(), "PNG"))
        assert (third.status_code, third.json()["error"]["code"]) == (429, "rate_limit_exceeded")
        assert int(third.headers["retry-after"]) > 0


def test_file_is_passed_on(shared: Gateway) -> None:
    """In base64 beside what was read; the producer's members stay, the gateway's own are added."""
    answer = _ask(shared, FILES["3 text chunk.png"](), params={"propagate_id": "p-1"}).json()
    members = answer["propagated"]["members"]
    assert (answer["verdict"], answer["propagated"]["verdict"]) == ("is", "is")
    assert (members["ContentProducer"], members["PropagateID"]) == (OTHER, "p-1")
    assert members["ContentPropagator"] not in ("", OTHER)
    again = _ask(shared, base64.b64decode(answer["propagated"]["file"])).json()
    assert again | {"file": answer["propagated"]["file"]} == answer["propagated"]
    assert (again["members"], again["problems"]) == (members, [])


def test_declaration_decides_without_a_label(shared: Gateway) -> None:
    """As Art. 6 has it; without one nothing can be written, and that is told."""
    plain = encoded(noise(), "PNG")
    answer = _ask(shared, plain, params={"propagate_id": "p-1", "declared": "true"}).json()
    assert (answer["verdict"], answer["propagated"]["members"]["Label"]) == ("may_be", "2")
    assert answer["propagated"]["members"]["ContentProducer"] == ""
    assert _ask(shared, plain, params={"traces": "1"}).json()["verdict"] == "suspected"
    for params, told in (
        ({"propagate_id": "p-1"}, "nothing says"),
        ({"propagate_id": "", "traces": "true"}, "PropagateID is empty"),
        ({"declared": "maybe"}, "neither true nor false"),
    ):
        refused = _ask(shared, plain, params=params)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_request")
        assert told in refused.json()["error"]["message"]
