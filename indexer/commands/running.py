"""How every command begins and ends: its settings, its event loop, and its exit code."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import typer
import uvloop

from domain import logs
from domain.errors import OutOfReach, SearchRefused, SearchUnavailable, ServiceError, StoreUnavailable
from domain.settings import Settings, load_settings
from indexer.connectors.errors import ConnectUnavailable
from indexer.errors import AccountRefused, KafkaUnavailable

REFUSES_US = (SearchRefused, AccountRefused)
"""It answers, so it is the settings that have to change."""

NOT_THERE = (OutOfReach, StoreUnavailable, SearchUnavailable, KafkaUnavailable, ConnectUnavailable)

MOST_SECONDS = 86_400.0

T = TypeVar("T")

FOUND_EXIT = 1
"""The command did its work and found something that needs attention."""

REFUSED_EXIT = 2
"""The command could not do its work: the message says what to do."""

UNREACHABLE_EXIT = 3
"""Nor could it, because a server that has to be there does not answer."""


def settings() -> Settings:
    """The process's settings, its log set up by them; what is wrong with them becomes a message and exit code 2."""
    try:
        loaded = load_settings()
    except ServiceError as exc:
        raise refused(exc) from None
    logs.set_up(loaded.log_level)
    return loaded


def ended(main: Coroutine[Any, Any, T]) -> T:
    """What `main` returns; what only an operator can correct becomes one line and exit code 2 or 3."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(main)
    except ServiceError as exc:
        raise refused(exc) from None


def seconds(value: float) -> float:
    """A callback for options: neither NaN nor for ever."""
    if not 0 <= value <= MOST_SECONDS:
        raise typer.BadParameter(f"give 0 to {MOST_SECONDS:g} seconds")
    return value


def refused(error: ServiceError) -> typer.Exit:
    typer.echo(str(error), err=True)
    is_there = isinstance(error, REFUSES_US) or not isinstance(error, NOT_THERE)
    return typer.Exit(REFUSED_EXIT if is_there else UNREACHABLE_EXIT)
