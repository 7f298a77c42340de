"""How long a search takes, one client at a time: through the port, and through GraphQL over HTTP."""

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.measure import milliseconds, percentile, seconds, table
from benchmarks.people import RawRow, raw_rows
from benchmarks.servers import environment
from benchmarks.system import Api, filled, indexing, serving, settings_of
from domain.backends import open_backends
from domain.search.analysis import fold, is_cjk
from domain.search.index import SearchIndex
from domain.search.query import SearchRequest, plan
from domain.settings import Mode
from domain.users.fields import BY_NAME

ROUNDS = 5
PAGE = 20
QUERY = """
query ($query: String!, $facets: [UserFacet!]) {
  searchUsers(query: $query, facets: $facets, first: 20) {
    totalCount
    edges { score node { id displayName email } highlights { field fragments { text hit } } }
    facets { field values { value count } }
  }
}
"""


@dataclass(frozen=True, slots=True)
class Search:
    """One search; `kind` is the line of the table that it counts for."""

    kind: str
    query: str
    with_facets: bool = False


@dataclass(frozen=True, slots=True)
class Timed:
    """How many seconds a search took on both ways."""

    kind: str
    port: float
    http: float


async def measure(count: int, mode: Mode) -> None:
    """Print p50 and p99 by kind of search."""
    searches = _searches(raw_rows(count))
    async with environment(mode) as variables:
        await filled(variables, count)
        async with (
            indexing(variables),
            open_backends(settings_of(variables)) as backends,
            serving(variables) as api,
        ):
            await _all(searches, backends.index, api)  # warms both up
            timed = [one for _ in range(ROUNDS) for one in await _all(searches, backends.index, api)]
    print(f"## Search, {mode.value}, {count:,} users, {len(searches)} searches {ROUNDS} times\n")
    kinds = [*dict.fromkeys(one.kind for one in timed)]
    lines = [_line(kind, [one for one in timed if one.kind == kind]) for kind in kinds]
    print(table(("query", "port p50", "port p99", "GraphQL p50", "GraphQL p99"), [*lines, _line("all", timed)]))


def _line(name: str, timed: Sequence[Timed]) -> Sequence[str]:
    ways = ([one.port for one in timed], [one.http for one in timed])
    return (name, *(milliseconds(percentile(values, share)) for values in ways for share in (0.5, 0.99)))


async def _all(searches: Sequence[Search], index: SearchIndex, api: Api) -> Sequence[Timed]:
    timed = []
    for search in searches:
        facets = (BY_NAME["locale"], BY_NAME["status"]) if search.with_facets else ()
        begun = time.perf_counter()
        await index.search(SearchRequest(plan(search.query), PAGE, facets=facets))
        port = time.perf_counter() - begun
        variables = {"query": search.query, "facets": ["LOCALE", "STATUS"] if search.with_facets else None}
        timed.append(Timed(search.kind, port, await seconds(api.ask(QUERY, variables))))
    return timed


def _searches(rows: Sequence[RawRow]) -> Sequence[Search]:
    """About 200 searches for people who are there, as their seekers type them; the same ones for the same rows."""
    choose = random.Random(1)
    latin = [row for row in rows if len(row["familyName"]) > 4 and row["familyName"].isascii()]
    pictographic = [row for row in rows if is_cjk(fold(row["displayName"])[-1:])]
    some = choose.sample(latin, 140)
    searches: Mapping[str, Sequence[str]] = {
        "one word": [row["familyName"] for row in some[:40]],
        "two words": [f"{row['givenName']} {row['familyName']}" for row in some[40:80]],
        "one typo": [_swapped(row["familyName"], choose) for row in some[80:120]],
        "first letters": [row["givenName"][: choose.randint(1, 3)] for row in some[:30]],
        "Chinese, Japanese, Korean": [row["displayName"] for row in choose.sample(pictographic, 30)],
    }
    plain = [Search(kind, query) for kind, queries in searches.items() for query in queries]
    return [*plain, *(Search("one word, facets", row["familyName"], with_facets=True) for row in some[120:])]


def _swapped(word: str, choose: random.Random) -> str:
    """The word with two neighbours swapped, the most common slip."""
    at = choose.randrange(1, len(word) - 2)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
