"""One connection pool for each instance: opened when it is first asked, closed when it has left and is at rest."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from domain.peers.client.connections import OpenClient
from domain.peers.instance import Instance


@dataclass(slots=True)
class _Pool:
    client: httpx.AsyncClient
    retired: bool
    requests: int = 0


class Pools:
    def __init__(self, open_client: OpenClient) -> None:
        self._open_client = open_client
        self._instances: frozenset[str] = frozenset()
        self._pools: dict[str, _Pool] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def update(self, instances: Collection[Instance]) -> None:
        """These are the instances now. Requests to others that are in flight go on to their end."""
        self._instances = frozenset(instance.address for instance in instances)
        for address in self._pools.keys() - self._instances:
            self._retire(self._pools.pop(address))

    @asynccontextmanager
    async def lease(self, instance: Instance) -> AsyncIterator[httpx.AsyncClient]:
        """The client of an instance, for one request; also of one that has just left."""
        pool = self._pool(instance)
        pool.requests += 1
        try:
            yield pool.client
        finally:
            pool.requests -= 1
            self._close_at_rest(pool)

    async def aclose(self) -> None:
        """Whatever is in flight ends."""
        self._instances = frozenset()
        pools, self._pools = self._pools, {}
        await asyncio.gather(*(pool.client.aclose() for pool in pools.values()), *self._closing)

    def _pool(self, instance: Instance) -> _Pool:
        address = instance.address
        if (pool := self._pools.get(address)) is None:
            known = address in self._instances
            pool = _Pool(self._open_client(instance), retired=not known)
            if known:
                self._pools[address] = pool
        return pool

    def _retire(self, pool: _Pool) -> None:
        pool.retired = True
        self._close_at_rest(pool)

    def _close_at_rest(self, pool: _Pool) -> None:
        if pool.retired and not pool.requests:
            task = asyncio.get_running_loop().create_task(pool.client.aclose())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
