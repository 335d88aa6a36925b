"""The gateway's own log: events with fields, on standard error. Never a prompt, a reply or a key.

For that reason a stack is logged without values: no local variables, and no exception's message, which may quote what
could not be read.
"""

import logging
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from typing import Any

import structlog

from gateway.settings.models import LogFormat, Logging

_LEVELS = logging.getLevelNamesMapping()
# A chain of causes can be a circle.
_LONGEST_CHAIN = 8


def configure_logging(settings: Logging) -> None:
    """Send log events to standard error in the chosen form.

    Args:
        settings: level and form.
    """
    level = _LEVELS[settings.level.upper()]
    renderer: structlog.types.Processor = structlog.processors.JSONRenderer()
    if settings.format is LogFormat.CONSOLE:
        renderer = structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            write_stack,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    # uvicorn and the libraries log through the standard library: warnings and worse only.
    logging.basicConfig(stream=sys.stderr, level=max(level, logging.WARNING))
    # It says which byte of an upload it stumbled over; the client is told what is wrong.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_without_stack)


def write_stack(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put the stack of an event's exception into the field ``exception``: types and places, no values."""
    if event.pop("exc_info", None) and (error := sys.exc_info()[1]):
        event["exception"] = "\ncaused by\n".join(_describe(each) for each in _chain(error))
    return event


def _chain(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    for _ in range(_LONGEST_CHAIN):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or cause.__context__


def _describe(error: BaseException) -> str:
    return type(error).__name__ + "\n" + "".join(traceback.format_tb(error.__traceback__)).rstrip()


def _without_stack(entry: logging.LogRecord) -> bool:
    """Take the stack off what a library logs: the type must do, for what we know ourselves we log ourselves."""
    if entry.exc_info and entry.exc_info[0]:
        entry.msg, entry.args = f"{entry.getMessage().strip()} ({entry.exc_info[0].__name__})", ()
        entry.exc_info = entry.exc_text = None
    return True
