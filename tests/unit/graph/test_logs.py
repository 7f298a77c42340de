"""Logs are JSON lines, ours and those of libraries, without messages of exceptions."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from graph import logs


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    handlers, level, config = logging.root.handlers, logging.root.level, structlog.get_config()
    yield
    logging.root.handlers = handlers
    logging.root.setLevel(level)
    structlog.configure(**config)


def test_a_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("INFO")
    structlog.get_logger("ours").info("serving", mode="embedded")
    structlog.get_logger("ours").debug("unseen")
    logging.getLogger("theirs").warning("said %s", "something", extra={"key": 1, "color_message": "\x1b[36m"})
    ours, theirs = map(json.loads, capsys.readouterr().err.splitlines())
    assert (ours["event"], ours["mode"], ours["level"], ours["logger"]) == ("serving", "embedded", "info", "ours")
    assert ours["timestamp"].endswith("Z")
    assert (theirs["event"], theirs["key"], theirs["level"]) == ("said something", 1, "warning")
    assert "color_message" not in theirs


def test_an_exception_is_logged_as_places_and_types(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("INFO")
    error = ValueError("ada@example.org")
    logging.getLogger("theirs").error("failed", exc_info=error)
    (line,) = capsys.readouterr().err.splitlines()
    assert "ada@example.org" not in line
    assert json.loads(line)["trace"] == ["ValueError"]
