"""The gateway's own log: events with fields, on standard error. Never a prompt, a reply or a key."""

import logging
import sys

import structlog

from gateway.settings.models import LogFormat, Logging

_LEVELS = logging.getLevelNamesMapping()


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
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    # uvicorn and the libraries log through the standard library: warnings and worse only.
    logging.basicConfig(stream=sys.stderr, level=max(level, logging.WARNING))
