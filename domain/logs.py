"""Logs on stderr, our own and our libraries', without anything personal: JSON lines, or readable ones on a terminal."""

import logging
import sys
import traceback
from collections.abc import Sequence

import structlog

OWN = ("domain", "graph", "indexer", "uvicorn")
"""The loggers that obey LOG_LEVEL. All others say less: their DEBUG shows what they send, which may be personal."""


def set_up(level: str) -> None:
    """Send what is logged in this process at `level` or above to stderr: readable on a terminal, else JSON lines."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _without_repetition,
                _trace_of_exception,
                *(_for_a_person() if sys.stderr.isatty() else _for_a_machine()),
            ],
        )
    )
    logging.root.handlers = [handler]
    _set_levels(logging.getLevelNamesMapping()[level])
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def trace(error: BaseException) -> list[str]:
    """Where an exception and its causes were raised, innermost last: never their messages, which may be personal."""
    lines: list[str] = []
    current: BaseException | None = error
    while current is not None:
        frames = traceback.extract_tb(current.__traceback__)
        lines.append(type(current).__qualname__)
        lines.extend(f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return lines


def _set_levels(level: int) -> None:
    logging.root.setLevel(logging.INFO if level <= logging.DEBUG else max(level, logging.WARNING))
    for name in OWN:
        logging.getLogger(name).setLevel(level)


def _for_a_machine() -> Sequence[structlog.typing.Processor]:
    return (structlog.processors.JSONRenderer(ensure_ascii=False),)


def _for_a_person() -> Sequence[structlog.typing.Processor]:
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return _trace_below, renderer


def _without_repetition(
    _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """uvicorn says all again with a terminal's escape codes; asyncio shows an exception, message included."""
    event.pop("color_message", None)
    if event.get("logger") == "asyncio":
        event["event"] = str(event["event"]).partition("\n")[0]
    return event


def _trace_of_exception(
    _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """A library's `exc_info` becomes a trace without messages, like our own."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["trace"] = trace(error)
    return event


def _trace_below(
    _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """A trace in lines of its own, where the renderer shows exceptions."""
    if lines := event.pop("trace", None):
        event["exception"] = "\n".join(lines)
    return event
