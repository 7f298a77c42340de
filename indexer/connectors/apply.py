"""Make Kafka Connect run what a connector's file says: check everything, create the new one, remove the old ones."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from domain.backends import open_index_catalog
from domain.errors import SettingsError
from domain.search.index import IndexCatalog
from domain.settings import Mode, Settings
from indexer.connectors.errors import ConnectorRefused, ConnectUnavailable
from indexer.connectors.file import ConnectorFile, base_of, unfit, unknown
from indexer.connectors.health import reason, runs
from indexer.connectors.worker import ConnectWorker
from indexer.topics import ensure_topics

POLL_SECONDS = 0.25

SETTLE_SECONDS = 1.0
"""A task says RUNNING before it has seen its first record: for so long it has to go on saying so."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The connector that runs now, whether it is new, and those of the same file that it replaced."""

    name: str
    created: bool
    removed: Sequence[str]


async def apply(
    file: ConnectorFile,
    settings: Settings,
    worker: ConnectWorker,
    *,
    any_option: bool = False,
    seconds: float = 60.0,
    settle: float = SETTLE_SECONDS,
    monotonic: Callable[[], float] = time.monotonic,
) -> Applied:
    """Raises ConnectorRefused before anything is changed, and if the new connector does not run within `seconds`.

    Then the new one is taken away again, and the old one goes on. Missing topics are created; SettingsError is raised
    for those that are not as they have to be. `any_option`: options that the plugin does not name are not refused.
    """
    if settings.mode is not Mode.CLUSTER:
        raise SettingsError("A connector needs Kafka and Elasticsearch: set KAFKA_BOOTSTRAP_SERVERS too.")
    if reasons := unfit(file, settings):
        raise ConnectorRefused(file.base, reasons)
    async with open_index_catalog(settings) as catalog:
        await check_index(file, catalog, settings.search_alias)
    await _check_options(file, worker, any_option=any_option)
    await ensure_topics(settings)  # a connector that looks for a topic lets the broker make one, of any policy
    before = {connector.name: connector for connector in await worker.connectors()}
    created = file.name not in before
    if created:
        await worker.create(file.name, file.config)
    try:
        if created or before[file.name].state == "STOPPED":
            await worker.begin(file.name)
        await _until_running(file.name, worker, seconds, settle, monotonic)
    except (ConnectorRefused, ConnectUnavailable):
        if created:
            with contextlib.suppress(ConnectUnavailable):
                await worker.remove(file.name)
        raise
    removed = [name for name in before if base_of(name) == file.base and name != file.name]
    for name in removed:
        await worker.remove(name)
    return Applied(file.name, created, removed)


async def check_index(file: ConnectorFile, catalog: IndexCatalog, alias: str) -> None:
    """Raises ConnectorRefused unless the alias leads to an index of this release: a connector would make one itself."""
    serving = next((index for index in await catalog.indexes() if index.serving), None)
    if serving is None:
        why = (
            f"there is no search index behind the alias {alias}, and without it Elasticsearch would make one and guess "
            "its mapping: make it (python -m indexer rebuild), then apply again."
        )
    elif not serving.fits:
        why = f"{serving.name} has the shape of another release: build a new one (python -m indexer rebuild)."
    else:
        return
    raise ConnectorRefused(file.base, [why])


async def _check_options(file: ConnectorFile, worker: ConnectWorker, *, any_option: bool) -> None:
    """Raises ConnectorRefused with all that the worker and its plugin say against the configuration."""
    plugins = await worker.plugins()
    if file.plugin not in plugins:
        installed = ", ".join(plugins) or "none"
        raise ConnectorRefused(
            file.base,
            [f"connector.class: the worker has no plugin {file.plugin}; install it there. It has: {installed}."],
        )
    found = await worker.validate(file.name, file.config)
    reasons = [*found.errors, *(() if any_option else unknown(file, found.known))]
    if reasons:
        raise ConnectorRefused(file.base, reasons)


async def _until_running(
    name: str, worker: ConnectWorker, seconds: float, settle: float, monotonic: Callable[[], float]
) -> None:
    deadline = monotonic() + seconds
    since: float | None = None
    while True:
        connector = next((found for found in await worker.connectors() if found.name == name), None)
        if connector is not None and (why := reason(connector)):
            raise ConnectorRefused(name, [f"it failed as soon as it ran: {why}"])
        now = monotonic()
        since = (now if since is None else since) if connector is not None and runs(connector) else None
        if since is not None and now - since >= settle:
            return
        if now > deadline:
            state = f"its state is {connector.state}" if connector else "no worker has taken it"
            raise ConnectorRefused(name, [f"it does not run yet ({state}): see the worker's log."])
        await asyncio.sleep(POLL_SECONDS)
