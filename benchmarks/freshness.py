"""How long after a mutation's answer a search finds the new user."""

import asyncio
import random
from collections.abc import AsyncIterator

from benchmarks.measure import milliseconds, percentile, table, timed_async
from benchmarks.servers import environment
from benchmarks.system import Api, filled, indexing, serving
from domain.settings import Mode

CREATE = """
mutation ($username: String!) {
  createUser(input: {username: $username, displayName: "Ada Lovelace"}) { user { id } changeToken }
}
"""
SEARCH = """
query ($query: String!, $token: String!) {
  searchUsers(query: $query, waitFor: [$token], timeout: 30) { fresh edges { node { id } } }
}
"""


async def measure(count: int, mode: Mode, times: int) -> None:
    """Print p50 and p99 beside a store and an index of `count` users."""
    async with environment(mode) as variables:
        await filled(variables, count)
        async with indexing(variables), serving(variables) as api:
            await _create_and_find(api, "warm0up")
            timed = [await _create_and_find(api, f"fresh0{number}0user") async for number in _spread(times)]
    print(f"## Freshness, {mode.value}, {times} times beside {count:,} users\n")
    rows = [
        ("from the mutation's answer to the user found", *(milliseconds(percentile(timed, p)) for p in (0.5, 0.99)))
    ]
    print(table(("searchUsers(waitFor)", "p50", "p99"), rows))


async def _spread(times: int) -> AsyncIterator[int]:
    """Numbers, with pauses of up to a second: what follows a refresh at once would always wait for a whole one."""
    choose = random.Random(1)
    for number in range(times):
        await asyncio.sleep(choose.random())
        yield number


async def _create_and_find(api: Api, username: str) -> float:
    """Seconds from the creation's answer to the answer in which the user is found."""
    created = (await api.ask(CREATE, {"username": username}))["createUser"]
    variables = {"query": username, "token": created["changeToken"]}
    found, seconds = await timed_async(api.ask(SEARCH, variables))
    result = found["searchUsers"]
    if not result["fresh"] or created["user"]["id"] not in [edge["node"]["id"] for edge in result["edges"]]:
        raise SystemExit(f"User {username} was not found: {result}.")
    return seconds
