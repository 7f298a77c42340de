"""Logs are JSON lines or readable ones, ours and those of libraries, without messages of exceptions."""

import asyncio
import gc
import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from domain import logs

SECRET = "ada@example.org"


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    loggers = [logging.root, *map(logging.getLogger, logs.OWN)]
    handlers, levels, config = logging.root.handlers, [logger.level for logger in loggers], structlog.get_config()
    yield
    logging.root.handlers = handlers
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    structlog.configure(**config)


def test_a_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("INFO")
    structlog.get_logger("graph.ours").info("serving", mode="embedded")
    structlog.get_logger("graph.ours").debug("unseen")
    logging.getLogger("theirs").warning("said %s", "something", extra={"key": 1, "color_message": "\x1b[36m"})
    ours, theirs = map(json.loads, capsys.readouterr().err.splitlines())
    assert (ours["event"], ours["mode"], ours["level"], ours["logger"]) == ("serving", "embedded", "info", "graph.ours")
    assert ours["timestamp"].endswith("Z")
    assert (theirs["event"], theirs["key"], theirs["level"]) == ("said something", 1, "warning")
    assert "color_message" not in theirs


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("DEBUG", {("indexer.run", "debug"), ("indexer.run", "info"), ("pymongo.command", "info")}),
        ("INFO", {("indexer.run", "info")}),
        ("WARNING", set()),
    ],
)
def test_libraries_say_less_than_we_do(
    capsys: pytest.CaptureFixture[str], level: str, shown: set[tuple[str, str]]
) -> None:
    """An INFO line of the search client for every request helps nobody; a DEBUG line of a driver holds documents."""
    logs.set_up(level)
    for name in ("indexer.run", "pymongo.command"):
        logging.getLogger(name).debug("said")
        logging.getLogger(name).info("said")
    lines = map(json.loads, capsys.readouterr().err.splitlines())
    assert {(line["logger"], line["level"]) for line in lines} == shown


def test_at_error_no_library_warns(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("ERROR")
    logging.getLogger("aiokafka.conn").warning("said")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("is_terminal", [False, True])
def test_an_exception_is_logged_as_places_and_types(monkeypatch: pytest.MonkeyPatch, is_terminal: bool) -> None:
    stderr = _stderr(monkeypatch, is_terminal)
    logs.set_up("INFO")
    try:
        _fail()
    except ValueError:
        logging.getLogger("theirs").exception("failed")
    text = stderr.getvalue()
    assert SECRET not in text
    assert "ValueError" in text
    assert f"{__file__}:" in text


def test_a_terminal_shows_what_a_person_can_read(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = _stderr(monkeypatch, is_terminal=True)
    logs.set_up("INFO")
    structlog.get_logger("indexer.run").info("indexer runs", mode="embedded")
    (line,) = stderr.getvalue().splitlines()
    assert "indexer runs" in line
    assert "embedded" in line
    with pytest.raises(json.JSONDecodeError):
        json.loads(line)


async def test_an_exception_that_nobody_retrieved_is_shown_without_its_message(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """asyncio writes the task, and with it the exception, below its own words."""

    async def fail() -> None:
        _fail()

    logs.set_up("INFO")
    task = asyncio.create_task(fail())
    await asyncio.wait([task])
    del task
    gc.collect()
    (line,) = capsys.readouterr().err.splitlines()
    assert SECRET not in line
    told = json.loads(line)
    assert told["event"] == "Task exception was never retrieved"
    assert told["trace"][0] == "ValueError"


def _fail() -> None:
    raise ValueError(SECRET)


def _stderr(monkeypatch: pytest.MonkeyPatch, is_terminal: bool) -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: is_terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    return stream
