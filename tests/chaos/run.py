"""A chaos run: clients write, faults come, everything is left to recover by itself, and then it is judged."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.backends import Backends, open_backends
from domain.settings import Mode
from domain.users.model import User
from tests.chaos import judge, topic
from tests.chaos.account import lost, unasked
from tests.chaos.api import Api, api_of
from tests.chaos.clients import Client
from tests.chaos.drain import drained, store_users
from tests.chaos.history import Call, History, Outcome, load
from tests.chaos.planting import prove
from tests.chaos.rage import CLIENTS, Rage, Scene
from tests.chaos.redelivery import StaleWrites
from tests.chaos.report import Findings
from tests.chaos.verifying import drift
from tests.integration.indexer.process import until

HISTORY = "history.ndjson"
READERS = 8
"""Who read every user at the end, at once."""


@dataclass(frozen=True, slots=True)
class Chaos:
    """One run on `scene`; the history is a file in `folder`.

    `plant`: at the end it is proved that verify sees, and that repair and rebuild help.
    """

    scene: Scene
    folder: Path
    plant: bool = False

    async def run(self) -> Findings:
        """Raises Refused for an answer that must not be."""
        scene, system = self.scene, self.scene.system
        findings = Findings(scene.seed, scene.count)
        await until(system.answers, "the API listens")
        path = self.folder / HISTORY
        async with open_backends(system.settings) as backends, api_of(system.settings) as api:
            stale = StaleWrites(system.health_ports)
            with History(path) as history:
                async with stale.watching():
                    await Rage(scene, findings, history, api, backends.index).run()
                    await self._settle(findings, history, backends, api)
            findings.redelivered["index writes"] = stale.count
            calls = load(path)
            users = await store_users(backends, {call.user for call in calls if call.user})
        await self._judge(findings, calls, users)
        if self.plant:
            findings.problems += await prove(system, users, scene.seed)
        return findings

    async def _settle(self, findings: Findings, history: History, backends: Backends, api: Api) -> None:
        """Nothing is written any more: the pipelines catch up and are stopped, and every user is read once more."""
        known = {call.user for call in history.calls if call.user}
        users = await store_users(backends, known)
        if not await drained(backends, users):
            findings.problems.append("the index has not caught up in time")
        for indexer in self.scene.system.indexers.values():
            await indexer.stop()
        waiting = iter(sorted(known))

        async def read(client: Client) -> None:
            for id in waiting:
                await client.read(id)

        async with asyncio.TaskGroup() as group:
            for number in range(READERS):
                group.create_task(read(Client(CLIENTS + 1 + number, api, history)))

    async def _judge(self, findings: Findings, calls: Sequence[Call], users: Mapping[str, User]) -> None:
        """Nothing of it changes anything; `users` is the whole store, tombstones of known users included."""
        findings.acknowledged = sum(call.acknowledged for call in calls)
        findings.unknown = sum(call.outcome is Outcome.UNKNOWN for call in calls)
        findings.lost = list(lost(calls, users))
        findings.problems += unasked(calls, users)
        findings.drift = await drift(self.scene.system)
        if self.scene.system.settings.mode is Mode.CLUSTER:
            await self._judge_topic(findings)
        await self._judge_history(findings)

    async def _judge_history(self, findings: Findings) -> None:
        if reason := await asyncio.to_thread(judge.why_not):
            findings.history = f"not judged: {reason}"
            return
        good, findings.history = await asyncio.to_thread(judge.judge, self.folder / HISTORY)
        if not good:
            findings.problems.append("the history is not linearizable")

    async def _judge_topic(self, findings: Findings) -> None:
        settings = self.scene.system.settings
        letters, poison = await topic.dead_letter_keys(settings), findings.poison
        findings.problems += [f"poison is not among the dead letters: {key}" for key in sorted(poison - letters)]
        findings.problems += [f"a dead letter that nobody wrote: {key}" for key in sorted(letters - poison)]
        findings.problems += [f"hanging: {part}" for part in await topic.hanging(settings)]
        findings.redelivered["records"] = await topic.redelivered(settings)
