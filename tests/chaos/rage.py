"""The faults of a run, one after the other or before the last one is recovered from, while clients write."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from domain.search.index import SearchIndex
from domain.settings import Mode
from tests.chaos import topic
from tests.chaos.api import Api
from tests.chaos.clients import Client, Clients
from tests.chaos.expiry import Expiry
from tests.chaos.faults import Faults
from tests.chaos.history import History
from tests.chaos.plan import COUNTED, LONGEST_SECONDS, Fault, Kind, plan
from tests.chaos.proxy import Proxy
from tests.chaos.report import Findings
from tests.chaos.system import Part, System
from tests.servers.server import ServerError

CLIENTS = 6


@dataclass(frozen=True, slots=True)
class Scene:
    """What is to happen to `system`, whose servers by name are `servers`: `count` faults in the order of `seed`.

    `proxy` stands in front of Elasticsearch; in the embedded mode there is none. `expiry`: one of the faults is of that
    kind, and the last one. No other is longer than `longest` seconds. `say` tells how far it is.
    """

    system: System
    servers: Mapping[str, Part]
    proxy: Proxy | None
    count: int
    seed: int
    expiry: Expiry | None = None
    longest: float = LONGEST_SECONDS
    say: Callable[[str], None] = print


class Rage:
    """One scene; what is seen goes to `findings`."""

    def __init__(self, scene: Scene, findings: Findings, history: History, api: Api, index: SearchIndex) -> None:
        self._scene = scene
        self._findings = findings
        self._history = history
        self._api = api
        self._parts = {"API": scene.system.api, **scene.system.indexers, **scene.servers}
        self._faults = Faults(self._parts, history, index, scene.proxy)

    async def run(self) -> None:
        """Returns when the last fault is recovered from; what is not in time is a problem, and the last one."""
        clients = Clients(self._api, self._history, count=CLIENTS, seed=self._scene.seed)
        try:
            async with clients.writing(), asyncio.TaskGroup() as recoveries:
                await self._faults.indexed("the start")
                await self._inflict_all(recoveries)
                if self._scene.expiry is not None:
                    await self._expire(self._scene.expiry)
        except* (AssertionError, ServerError) as late:
            self._findings.problems += map(str, _leaves(late))

    async def _inflict_all(self, recoveries: asyncio.TaskGroup) -> None:
        scene = self._scene
        count = scene.count - bool(scene.expiry)
        for fault in plan(count, list(self._parts), self._extras(), scene.seed, longest=scene.longest):
            if fault.kind in COUNTED:
                before, over = await self._faults.stop(fault)
                recovery = recoveries.create_task(self._recover(fault, before, over))
                if fault.calm:
                    await recovery
            else:
                await self._place(fault)

    def _extras(self) -> list[Kind]:
        extras = [Kind.REFUSED_REQUESTS, Kind.REFUSED_ITEMS] if self._scene.proxy else []
        return [*extras, Kind.POISON] if self._scene.system.settings.mode is Mode.CLUSTER else extras

    async def _place(self, fault: Fault) -> None:
        if fault.kind is Kind.POISON:
            self._findings.poison.update(await topic.poison(self._scene.system.settings))
        else:
            await self._faults.refuse(fault)
        self._findings.extras[fault.kind] += 1
        self._scene.say(f"       {fault.kind}")

    async def _expire(self, expiry: Expiry) -> None:
        await self._faults.indexed("all of that")
        client = Client(CLIENTS, self._api, self._history)
        fault = Fault(Kind.EXPIRY, "indexer 1", expiry.forgotten, calm=True)
        before, over = await expiry.inflict(fault.target, self._faults, client, self._scene.system.settings)
        await self._recover(fault, before, over)

    async def _recover(self, fault: Fault, before: int, over: int) -> None:
        recovery = await self._faults.recovery(fault, before, over)
        self._findings.recoveries.append(recovery)
        self._scene.say(
            f"{self._findings.faults:>3}/{self._scene.count} {fault.kind} {fault.target} for {fault.seconds:.1f} s: "
            f"acknowledged again after {recovery.written:.2f} s, indexed after {recovery.indexed:.2f} s"
        )


def _leaves(group: BaseExceptionGroup[Exception]) -> list[Exception]:
    return [
        leaf
        for error in group.exceptions
        for leaf in (_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    ]
