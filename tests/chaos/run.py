"""A chaos run: clients write, faults come, everything is left to recover by itself, and then it is judged."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from domain.backends import Backends, open_backends
from domain.settings import Mode
from tests.chaos import judge, topic
from tests.chaos.account import lost, unasked
from tests.chaos.api import Api, api_of
from tests.chaos.clients import Client, Clients
from tests.chaos.drain import drained, store_users
from tests.chaos.expiry import Expiry
from tests.chaos.faults import Faults
from tests.chaos.history import History, Outcome, load
from tests.chaos.plan import LONGEST_SECONDS, Fault, Kind, plan
from tests.chaos.planting import prove
from tests.chaos.proxy import Proxy
from tests.chaos.redelivery import StaleWrites
from tests.chaos.report import Findings
from tests.chaos.system import Part, System
from tests.chaos.verifying import drift
from tests.integration.indexer.process import until

CLIENTS = 6
READERS = 8
"""Who read every user at the end, at once."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Chaos:
    """One run over `system`, whose servers by name are `servers`; the history is a file in `folder`.

    `proxy` stands in front of Elasticsearch; in the embedded mode there is none. `expiry`: one pause of that kind, too.
    `plant`: at the end it is proved that verify sees, and that repair and rebuild help.
    """

    system: System
    servers: Mapping[str, Part]
    proxy: Proxy | None
    folder: Path
    count: int
    seed: int
    expiry: Expiry | None = None
    longest: float = LONGEST_SECONDS
    plant: bool = False
    say: Say = print

    async def run(self) -> Findings:
        """Raises AssertionError if the system does not recover in time, Refused for an answer that must not be."""
        findings = Findings(self.seed, self.count)
        await until(self.system.answers, "the API listens")
        stale = StaleWrites(self.system.health_ports)
        path = self.folder / "history.ndjson"
        async with open_backends(self.system.settings) as backends, api_of(self.system.settings) as api:
            with History(path) as history:
                async with stale.watching():
                    poison = await self._rage(findings, history, backends, api)
                    await self._settle(findings, history, backends, api)
            await self._judge(findings, path, backends)
            if self.system.settings.mode is Mode.CLUSTER:
                await self._judge_topic(findings, poison)
        findings.redelivered = {**findings.redelivered, "index writes": stale.count}
        return findings

    async def _rage(self, findings: Findings, history: History, backends: Backends, api: Api) -> set[str]:
        """Write, and inflict every fault; the keys of the poison. Returns when the last fault is recovered from."""
        parts = {"API": self.system.api, **self.system.indexers, **self.servers}
        faults = Faults(parts, history, backends.index, self.proxy)
        clients = Clients(api, history, count=CLIENTS, seed=self.seed)
        poison: set[str] = set()
        async with clients.writing(), asyncio.TaskGroup() as recoveries:
            await faults.indexed("the start")
            count = self.count - bool(self.expiry)
            for fault in plan(count, list(parts), self._extras(), self.seed, longest=self.longest):
                if fault.kind in (Kind.KILL, Kind.PAUSE):
                    before, over = await faults.stop(fault)
                    recovery = recoveries.create_task(self._recover(findings, faults, fault, before, over))
                    if fault.calm:
                        await recovery
                    continue
                if fault.kind is Kind.POISON:
                    poison.update(await topic.poison(self.system.settings))
                else:
                    await faults.refuse(fault)
                findings.extras[fault.kind] += 1
                self.say(f"       {fault.kind}")
            if self.expiry is not None:
                await faults.indexed("all of that")
                client = Client(CLIENTS, api, history)
                fault = Fault(Kind.EXPIRY, "indexer 1", self.expiry.forgotten, calm=True)
                before, over = await self.expiry.inflict(fault.target, faults, client, self.system.settings)
                await self._recover(findings, faults, fault, before, over)
        return poison

    def _extras(self) -> list[Kind]:
        extras = [Kind.REFUSED_REQUESTS, Kind.REFUSED_ITEMS] if self.proxy else []
        return [*extras, Kind.POISON] if self.system.settings.mode is Mode.CLUSTER else extras

    async def _recover(self, findings: Findings, faults: Faults, fault: Fault, before: int, over: int) -> None:
        recovery = await faults.recovery(fault, before, over)
        findings.recoveries.append(recovery)
        self.say(
            f"{findings.faults:>3}/{self.count} {fault.kind} {fault.target} for {fault.seconds:.1f} s: acknowledged "
            f"again after {recovery.written:.2f} s, indexed after {recovery.indexed:.2f} s"
        )

    async def _settle(self, findings: Findings, history: History, backends: Backends, api: Api) -> None:
        """Nothing is written any more: the pipelines catch up and are stopped, and every user is read once more."""
        known = {call.user for call in history.calls if call.user}
        users = await store_users(backends, known)
        if not await drained(backends, users):
            findings.problems.append("the index has not caught up in time")
        for indexer in self.system.indexers.values():
            await indexer.stop()
        waiting = iter(sorted(known))

        async def read(client: Client) -> None:
            for id in waiting:
                await client.read(id)

        async with asyncio.TaskGroup() as group:
            for number in range(READERS):
                group.create_task(read(Client(CLIENTS + 1 + number, api, history)))

    async def _judge(self, findings: Findings, path: Path, backends: Backends) -> None:
        calls = load(path)
        users = await store_users(backends, {call.user for call in calls if call.user})
        findings.acknowledged = sum(call.acknowledged for call in calls)
        findings.unknown = sum(call.outcome is Outcome.UNKNOWN for call in calls)
        findings.lost = list(lost(calls, users))
        findings.problems += unasked(calls, users)
        findings.drift = await drift(self.system)
        if reason := judge.missing():
            self.say(f"the history is not judged: {reason}")
        elif verdict := await asyncio.to_thread(partial(judge.judge, path)):
            findings.problems.append(verdict)
        if self.plant:
            findings.problems += await prove(self.system, users, self.seed)

    async def _judge_topic(self, findings: Findings, poison: set[str]) -> None:
        settings = self.system.settings
        letters = await topic.dead_letter_keys(settings)
        findings.problems += [f"poison is not among the dead letters: {key}" for key in sorted(poison - letters)]
        findings.problems += [f"a dead letter that nobody wrote: {key}" for key in sorted(letters - poison)]
        findings.problems += [f"hanging: {part}" for part in await topic.hanging(settings)]
        findings.redelivered = {"records": await topic.redelivered(settings)}
