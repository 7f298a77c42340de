"""All peers of this process: each one found, balanced, guarded, and asked for what it knows of users."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from random import Random
from typing import Any

import orjson
import structlog

from domain.errors import PeerUnavailable, SettingsError
from domain.peers.breaker.breakers import Breakers
from domain.peers.client.client import PeerClient
from domain.peers.entities import Wanted, all_failed, entity_query, read_answer
from domain.peers.instance import Instance
from domain.peers.location import resolver_for
from domain.peers.peers import Origin
from domain.peers.registry import Registry
from domain.peers.resolver import Resolver
from domain.peers.status import PeerStatus
from domain.settings import PeerSettings

FIRST_LOOK = timedelta(seconds=2)
"""How long the start waits for the instances: a peer that is not found yet must not hold it up."""

_log = structlog.get_logger(__name__)


class Peer:
    """One peer and its parts."""

    def __init__(self, name: str, settings: PeerSettings, breakers: Breakers) -> None:
        """Raises SettingsError for a URL that is none."""
        self._name = name
        self._settings = settings
        self._breaker = breakers.breaker(circuit(name))
        self.registry = Registry(name, _resolver(name, settings), on_change=self._update, random=Random())  # noqa: S311
        self._client = PeerClient(name, settings, guard=self._breaker.guard, look_again=self.registry.look_again)

    async def fetch(self, wanted: Sequence[Wanted], origin: Origin) -> Mapping[Wanted, Any]:
        query = entity_query(wanted)
        body = orjson.dumps({"query": query.text, "variables": query.variables})
        try:
            response = await self._client.post(body, headers=self._headers(origin), deadline=origin.deadline)
        except PeerUnavailable as exc:
            _log.warning("peer_unavailable", peer=self._name, reason=exc.reason, fields=len(wanted))
            return all_failed(wanted, _again(exc))
        return read_answer(self._name, query, response.body)

    def status(self) -> PeerStatus:
        return PeerStatus(
            self._name, self._settings.url, self.registry.status(), self._client.status(), self._breaker.status()
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    def _update(self, instances: frozenset[Instance]) -> None:
        _log.info("peer_instances", peer=self._name, count=len(instances))
        self._client.update(instances)

    def _headers(self, origin: Origin) -> Mapping[str, str]:
        token = {"authorization": f"Bearer {origin.token}"} if origin.token and self._settings.forward_token else {}
        return {**token, **origin.trace}


class Peers:
    """The peers by name; see `peers.PeerFields`."""

    def __init__(self, peers: Mapping[str, Peer]) -> None:
        self._peers = peers

    async def fetch(self, peer: str, wanted: Sequence[Wanted], origin: Origin) -> Mapping[Wanted, Any]:
        return await self._peers[peer].fetch(wanted, origin)

    def status(self) -> Sequence[PeerStatus]:
        return [peer.status() for peer in self._peers.values()]


@asynccontextmanager
async def open_peers(settings: Mapping[str, PeerSettings], breakers: Breakers) -> AsyncIterator[Peers]:
    """The peers of PEERS, looked for until exit; entering raises SettingsError for a URL that is refused."""
    peers = {name: Peer(name, each, breakers) for name, each in settings.items()}
    looking = [asyncio.create_task(peer.registry.run()) for peer in peers.values()]
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LOOK.total_seconds()):
                await asyncio.gather(*(peer.registry.first_look() for peer in peers.values()))
        yield Peers(peers)
    finally:
        for task in looking:
            task.cancel()
        await asyncio.gather(*looking, return_exceptions=True)
        await asyncio.gather(*(peer.aclose() for peer in peers.values()))


def circuit(peer: str) -> str:
    """The name of a peer's circuit: no peer can be called like a dependency of our own."""
    return f"peer {peer}"


def _resolver(name: str, settings: PeerSettings) -> Resolver:
    try:
        return resolver_for(settings.url)
    except ValueError as exc:
        raise SettingsError(f"PEERS: {name}: {exc}") from exc


def _again(error: PeerUnavailable) -> Callable[[], PeerUnavailable]:
    return lambda: PeerUnavailable(error.peer, error.reason, retry_after=error.retry_after)
