"""What the processes of each pipeline last told in the ledger, seen together."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from domain.clock import now
from domain.errors import StoreUnavailable
from domain.users.ledger import Entry, Ledger
from indexer.reporting import PREFIX, UNCHANGED_SECONDS
from indexer.status import State

Told = Mapping[str, Any]

MOST = 1_000
"""Processes that tell something, all pipelines together."""

SILENCE = 3 * timedelta(seconds=UNCHANGED_SECONDS)
"""Who has told nothing for so long does not run."""

KEPT = timedelta(minutes=1)
"""For so long what a process told last is kept beside what another one tells of the same pipeline."""

_WORST_FIRST = (State.BACKOFF, State.STARTING, State.RESYNC, State.RUNNING)
_COUNTS = ("read", "readBytes", "written", "deliveredBytes", "stale", "retries", "restarts", "deadLetters")


def runs(told: Told, at: datetime) -> bool:
    """Whether the process that told this runs at the time `at`."""
    return told.get("state") != State.STOPPED and _silence(told, at) < SILENCE


def together(entries: Iterable[Entry], at: datetime) -> list[Told]:
    """One status a pipeline, of all processes that run it, or of the one that ran last."""
    return [_as_one(told, at) for told in _by_pipeline(entries).values()]


def outdated(entries: Sequence[Entry], pipelines: Collection[str], at: datetime) -> list[str]:
    """The keys of what nobody has to read any more: of pipelines that are none of `pipelines`, of processes ended."""
    running = {name for name, told in _by_pipeline(entries).items() if any(runs(one, at) for one in told)}
    return [
        entry.key
        for entry in entries
        if entry.value["pipeline"] not in pipelines
        or (entry.value["pipeline"] in running and _silence(entry.value, at) > KEPT)
    ]


async def clear_outdated(
    ledger: Ledger, pipelines: Collection[str], *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Now and then, without end. A store that does not answer is no error."""
    while True:
        with contextlib.suppress(StoreUnavailable):
            for key in outdated(await ledger.entries(PREFIX, None, MOST), pipelines, now()):
                await ledger.remove(key)
        await sleep(KEPT.total_seconds())


def _by_pipeline(entries: Iterable[Entry]) -> Mapping[str, list[Told]]:
    found: dict[str, list[Told]] = {}
    for entry in entries:
        found.setdefault(entry.value["pipeline"], []).append(entry.value)
    return found


def _as_one(told: Sequence[Told], at: datetime) -> Told:
    """The worst state, the greatest lag; the processes share the changes, so counts are summed."""
    running = [one for one in told if runs(one, at)]
    if len(running) < 2:
        return running[0] if running else max(told, key=lambda one: str(one["at"]))
    worst = min(running, key=lambda one: _WORST_FIRST.index(one["state"]))
    behind = [one["lagRecords"] for one in running]
    ages = [one["checkpointAgeSeconds"] for one in running if one["checkpointAgeSeconds"] is not None]
    return {
        **worst,
        **{name: sum(one[name] for one in running) for name in _COUNTS},
        "lagSeconds": max(one["lagSeconds"] for one in running),
        "lagRecords": None if None in behind else sum(behind),
        "checkpointAgeSeconds": max(ages, default=None),
        "at": max(one["at"] for one in running),
    }


def _silence(told: Told, at: datetime) -> timedelta:
    return at - datetime.fromisoformat(told["at"])
