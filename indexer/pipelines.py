"""How a pair is put together: its source, sink, checkpoint, lease and dead letters, made anew for every session."""

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import structlog

from domain.backends import StoreBackend, open_index_writer
from domain.errors import SearchUnavailable, SettingsError
from domain.search.index import IndexWriter
from domain.settings import Settings
from indexer.again import Again
from indexer.answering import Answering
from indexer.batching import Limits
from indexer.housekeeping import keep_house
from indexer.hung_transactions import HungTransactions
from indexer.kafka_dead_letters import dead_letters
from indexer.lease import Lease, Term
from indexer.pairs import From, Pair, To
from indexer.pipeline import Session
from indexer.projection import Projection
from indexer.rebuild.expiry import expire_indexes
from indexer.requests import ResyncRequested
from indexer.sinks.index import IndexSink
from indexer.sinks.kafka import Refused, open_kafka_sink
from indexer.sinks.shared import SharedSink
from indexer.sinks.sink import Sink
from indexer.sources.kafka import open_kafka_source
from indexer.sources.source import Position, Source
from indexer.sources.store import StoreSource
from indexer.status import State, Status
from indexer.tasks import alongside, unless

log = structlog.get_logger()


class Builder:
    """Makes the sessions of pairs; `store` is open for as long as they run."""

    def __init__(self, settings: Settings, store: StoreBackend, stop: asyncio.Event) -> None:
        self._settings = settings
        self._store = store
        self._stop = stop
        self.holder = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"
        self._refused: Refused = set()
        self._dead_letters = dead_letters(settings, store.ledger)

    def sessions(self, pair: Pair, status: Status) -> Callable[[], Awaitable[None]]:
        """What supervise runs for `pair`."""
        if pair.source is From.KAFKA:
            return lambda: self._from_kafka(pair, status)
        lease = Lease(self._store.ledger, pair.name, holder=self.holder, duration=self._settings.lease_duration)
        return lambda: self._from_store(pair, status, lease)

    async def _from_kafka(self, pair: Pair, status: Status) -> None:
        settings = self._settings
        status.state = State.STARTING
        async with (
            self._open_sink(pair) as sink,
            open_kafka_source(settings, pair.name, sink, self._store) as source,
        ):
            await self._session(pair, status, source, sink).run()

    async def _from_store(self, pair: Pair, status: Status, lease: Lease) -> None:
        """Stand by for the lease; then everything else begins, and ends with it."""
        status.state = State.STANDBY
        terms: list[Term] = []

        async def stand_by() -> None:
            terms.append(await lease.acquire(status.ran))

        await unless(self._stop, stand_by())
        for term in terms:
            log.info("lease acquired", pipeline=pair.name, epoch=term.epoch)
            housekeeping = keep_house(self._store, term, self._dead_letters, self._settings.tombstone_retention)
            try:
                indexes = expire_indexes(self._settings, self._store.ledger)
                await alongside(self._follow(pair, status, term), term.keep(), housekeeping, indexes)
            finally:
                await term.release()

    async def _follow(self, pair: Pair, status: Status, term: Term) -> None:
        """Session after session for as long as what ends one is that a resync is asked for."""
        while True:
            try:
                return await self._follow_once(pair, status, term)
            except ResyncRequested as exc:
                log.info("begin anew", pipeline=pair.name, why=exc.message)

    async def _follow_once(self, pair: Pair, status: Status, term: Term) -> None:
        """The sink first: what reads the checkpoint must have fenced every other writer of the sink."""
        store, projection = self._store, Projection(pair.name)
        status.state = State.STARTING
        async with self._open_sink(pair) as opened:
            sink = SharedSink(opened)
            again = Again(store.store, sink, self._dead_letters, projection)
            answering = Answering(store.ledger, pair.name, again)
            await answering.begin(term)
            source = StoreSource(store.store, store.feed, term, sink, projection, limit=self._settings.batch_count)
            session = self._session(pair, status, source, sink)
            if pair.sink is To.KAFKA:
                await alongside(session.run(), answering.run(), HungTransactions(self._settings, again).run())
            else:
                await alongside(session.run(), answering.run())

    @contextlib.asynccontextmanager
    async def _open_sink(self, pair: Pair) -> AsyncIterator[Sink]:
        if pair.sink is To.KAFKA:
            transactional_id = f"{self._settings.kafka_topic}.{pair.name}"
            async with open_kafka_sink(self._settings, transactional_id, self._refused) as sink:
                yield sink
        else:
            async with open_index_writer(self._settings) as writer:
                await _prepare(writer, pair)
                yield IndexSink(writer)

    def _session(self, pair: Pair, status: Status, source: Source[Position], sink: Sink) -> Session[Position]:
        return Session(
            source,
            sink,
            self._dead_letters,
            limits=self._limits(pair),
            status=status,
            stop=self._stop,
            max_age=self._settings.batch_max_age.total_seconds(),
        )

    def _limits(self, pair: Pair) -> Limits:
        """Only Elasticsearch gains by waiting for more: its writes are made searchable by a refresh anyway."""
        settings = self._settings
        wait = settings.batch_wait if pair.sink is To.ELASTICSEARCH else timedelta(0)
        return Limits(settings.batch_count, settings.batch_bytes, wait.total_seconds())


async def _prepare(writer: IndexWriter, pair: Pair) -> None:
    """An embedded index is locked by one process. We have the lease: whoever still has the lock is on its way out."""
    try:
        await writer.prepare()
    except SettingsError as exc:
        if pair.sink is not To.TANTIVY:
            raise
        raise SearchUnavailable(exc.message) from exc
