"""A resync on demand: every user there is goes through the pipelines once more, and what is left over is deleted."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from domain.clock import Clock, now
from domain.errors import SettingsError
from domain.settings import Mode
from domain.users.ledger import Ledger
from indexer import lease, reporting
from indexer.lease import Claim
from indexer.pairs import PAIRS, From, Pair
from indexer.requests import MOST, Kind, Request, is_answered, post
from indexer.sources.position import Resync, read_position

LOOK_SECONDS = 0.5


def chosen(mode: Mode, name: str | None) -> Sequence[Pair]:
    """The pipelines of `mode`, or the one of that `name`. Raises SettingsError."""
    pairs = [pair for pair in PAIRS[mode] if name in (None, pair.name)]
    if not pairs:
        names = ", ".join(pair.name for pair in PAIRS[mode])
        raise SettingsError(f"There is no pipeline {name} in the mode {mode}: choose one of {names}.")
    return pairs


async def ask(ledger: Ledger, pairs: Sequence[Pair]) -> Mapping[Pair, Request]:
    """Ask all of `pairs` for a resync, whether they run or not. Raises StoreUnavailable."""
    return {pair: await post(ledger, pair.name, Kind.RESYNC) for pair in pairs}


async def finished(
    ledger: Ledger,
    asked: Mapping[Pair, Request],
    advance: Callable[[int], None],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    clock: Clock = now,
) -> Sequence[Pair]:
    """Return once all resyncs that were `asked` are done; `advance` is told how many users were delivered since.

    Those of `asked` that are not done and that no process runs any more: nobody knows when they will be.
    Raises StoreUnavailable.
    """
    before = await _delivered(ledger, asked)
    while left := [pair for pair, request in asked.items() if await _goes_on(ledger, pair, request)]:
        if idle := [pair for pair in left if not await is_answered(ledger, pair.name, clock)]:
            return idle
        advance(max(0, await _delivered(ledger, asked) - before))
        await sleep(LOOK_SECONDS)
    return ()


async def _goes_on(ledger: Ledger, pair: Pair, request: Request) -> bool:
    """A request goes when it is done, or, where the checkpoint tells how far a resync is, when that has begun."""
    if await ledger.read(request.key) is not None:
        return True
    if pair.source is From.KAFKA:
        return False
    entry = await ledger.read(lease.PREFIX + pair.name)
    position = Claim.of(entry.value).position if entry else None
    return position is None or isinstance(read_position(position), Resync)


async def _delivered(ledger: Ledger, asked: Mapping[Pair, Request]) -> int:
    """By the pipelines' own counts, which begin anew with each process."""
    statuses = [entry for pair in asked for entry in await ledger.entries(reporting.PREFIX + pair.name, None, MOST)]
    return sum(int(entry.value["written"]) + int(entry.value["stale"]) for entry in statuses)
