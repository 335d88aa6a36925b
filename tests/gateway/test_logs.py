"""The log has events and stacks, and nothing of what people wrote."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from gateway.logs import configure_logging
from gateway.protocol.multipart import UploadError, read_upload
from gateway.settings.models import LogFormat, Logging, LogLevel

SECRET = "出售冰毒"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Leave the library as it was found."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def _fail(text: str) -> None:
    local = text
    raise ValueError(f"cannot read {local}") from KeyError(text)


@pytest.mark.parametrize("form", LogFormat)
def test_a_stack_is_logged_without_values(form: LogFormat, capsys: pytest.CaptureFixture[str]) -> None:
    """Types and places are there; messages and local variables, which may quote a prompt, are not."""
    configure_logging(Logging(format=form))
    try:
        _fail(SECRET)
    except ValueError:
        structlog.get_logger().exception("exchange_failed", request_id="r1")
    written = capsys.readouterr().err
    assert "exchange_failed" in written
    assert "ValueError" in written
    assert "KeyError" in written
    assert "in _fail" in written
    assert SECRET not in written


def test_events_are_json_with_time_and_level(capsys: pytest.CaptureFixture[str]) -> None:
    """One object a line, for programs."""
    configure_logging(Logging())
    structlog.get_logger().info("draining", longest_seconds=30)
    event = json.loads(capsys.readouterr().err)
    assert (event["event"], event["level"], event["longest_seconds"]) == ("draining", "info", 30)
    assert event["timestamp"].endswith("Z")


def test_milder_events_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """The level is the mildest that is written."""
    configure_logging(Logging(level=LogLevel.ERROR))
    structlog.get_logger().warning("mild")
    assert capsys.readouterr().err == ""


def test_what_libraries_log_has_no_values_either(capsys: pytest.CaptureFixture[str]) -> None:
    """The server logs what an application raises: its type is written, its message and stack are not."""
    logging.getLogger().handlers.clear()  # the test runner has put its own there
    configure_logging(Logging())
    try:
        _fail(SECRET)
    except ValueError:
        logging.getLogger("some.library").exception("Exception in ASGI application\n")
    logging.getLogger("some.library").info("mild")
    written = capsys.readouterr().err
    assert "Exception in ASGI application (ValueError)" in written
    assert SECRET not in written
    assert "mild" not in written


def test_the_reader_of_uploads_logs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Its warnings quote bytes of the body."""
    logging.getLogger().handlers.clear()  # the same
    configure_logging(Logging())
    with pytest.raises(UploadError):
        read_upload(b"--edge\r\nforbidden", "multipart/form-data; boundary=edge")
    with pytest.raises(UploadError):
        read_upload(SECRET.encode(), "multipart/form-data; boundary=edge")
    assert capsys.readouterr().err == ""
