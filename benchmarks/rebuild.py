"""A rebuild while clients write and search over HTTP: how long it takes, what they notice, what verify says then."""

import asyncio
import contextlib
import itertools
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from benchmarks.measure import milliseconds, percentile, rate, table, timed_async
from benchmarks.servers import Environment, environment
from benchmarks.system import ROOT, Api, filled, indexing, serving
from domain.settings import Mode

SEARCHES = ("maria", "anna", "gar", "com")
SEARCH = "query ($query: String!) { searchUsers(query: $query, first: 10) { totalCount edges { node { id } } } }"
CREATE = "mutation ($username: String!) { createUser(input: {username: $username}) { user { id } } }"
UPDATE = """
mutation ($id: ID!, $name: String!) { updateUser(input: {id: $id, displayName: $name}) { user { id } } }
"""
DELETE = "mutation ($id: ID!) { deleteUser(input: {id: $id}) { user { id } } }"


@dataclass(slots=True)
class Traffic:
    """Seconds of each answered search, how many writes were acknowledged, and what failed."""

    searches: list[float] = field(default_factory=list)
    writes: int = 0
    failures: list[str] = field(default_factory=list)


async def measure(count: int, mode: Mode) -> None:
    """Print how a rebuild of `count` users went."""
    async with environment(mode) as variables:
        await filled(variables, count)
        async with indexing(variables), serving(variables) as api:
            traffic = Traffic()
            async with _flowing(api, traffic):
                rebuilt, seconds = await timed_async(_command(variables, "rebuild"))
            report = await _command(variables, "verify")
    print(f"## Rebuild, {mode.value}, {count:,} users, with clients\n")
    share = (milliseconds(percentile(traffic.searches, p)) for p in (0.5, 0.99))
    rows = [
        ("rebuild, from its start to its end", f"{seconds:.0f} s, {rate(rebuilt['users'], seconds)}"),
        ("searches meanwhile, p50, p99", ", ".join((f"{len(traffic.searches):,}", *share))),
        ("failed searches and writes", str(len(traffic.failures))),
        ("writes acknowledged meanwhile", f"{traffic.writes:,}"),
        ("drift afterwards", f"{report['drift']} of {report['users']:,}"),
    ]
    print(table(("", ""), rows))
    for failure in traffic.failures[:5]:
        print(failure)


@contextlib.asynccontextmanager
async def _flowing(api: Api, traffic: Traffic) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_write(api, traffic)), group.create_task(_search(api, traffic))]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def _write(api: Api, traffic: Traffic) -> None:
    for number in itertools.count():
        try:
            id = (await api.ask(CREATE, {"username": f"rebuilding{number}"}))["createUser"]["user"]["id"]
            await api.ask(UPDATE, {"id": id, "name": f"Name {number}"})
            if number % 3 == 0:
                await api.ask(DELETE, {"id": id})
        except (SystemExit, TypeError) as exc:
            traffic.failures.append(f"write: {exc}")
        else:
            traffic.writes += 2 + (number % 3 == 0)
        await asyncio.sleep(0.02)


async def _search(api: Api, traffic: Traffic) -> None:
    """Who is found at the beginning stays: a search that finds nobody has met an index that is not whole."""
    for query in itertools.cycle(SEARCHES):
        try:
            found, seconds = await timed_async(api.ask(SEARCH, {"query": query}))
        except SystemExit as exc:
            traffic.failures.append(f"search: {exc}")
        else:
            traffic.searches.append(seconds)
            if not found["searchUsers"]["totalCount"]:
                traffic.failures.append(f"search: nobody found by {query}")
        await asyncio.sleep(0.02)


async def _command(variables: Environment, *arguments: str) -> dict[str, Any]:
    """What `python -m indexer` answers as JSON; a failure ends the benchmark."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "indexer", *arguments, "--json", cwd=ROOT, env=dict(variables), stdout=PIPE, stderr=PIPE
    )
    out, error = await process.communicate()
    if not out:
        raise SystemExit(error.decode())
    answer: dict[str, Any] = json.loads(out)
    return answer
