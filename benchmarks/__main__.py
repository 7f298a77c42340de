"""What the service costs beside the raw engines, and how long a user waits. Prints markdown tables.

Sides that are compared take turns in one run. Servers are the tests' own, on free ports, and end with the run.
"""

import asyncio
from enum import StrEnum
from typing import Annotated

import typer

from benchmarks import breaker as breaker_benchmark
from benchmarks import connect as connect_benchmark
from benchmarks import execution as execution_benchmark
from benchmarks import freshness as freshness_benchmark
from benchmarks import indexes as indexes_benchmark
from benchmarks import outage as outage_benchmark
from benchmarks import peers as peers_benchmark
from benchmarks import rebuild as rebuild_benchmark
from benchmarks import search as search_benchmark
from benchmarks import stores as stores_benchmark
from domain.settings import Mode

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


class Which(StrEnum):
    EMBEDDED = "embedded"
    CLUSTER = "cluster"
    WITHOUT_KAFKA = "without-kafka"
    ALL = "all"

    @property
    def modes(self) -> list[Mode]:
        return list(Mode) if self is Which.ALL else [Mode(self.value)]


Users = Annotated[int, typer.Option(min=1_000, max=10_000_000, help="How many generated users.")]
WhichMode = Annotated[Which, typer.Option(help="The mode, or all of them.")]


@app.command()
def stores(users: Users = 100_000, mode: WhichMode = Which.ALL) -> None:
    """Preparation, UserStore.write_many beside executemany and insert_many, and a whole import."""
    embedded, cluster = _engines(mode)
    asyncio.run(stores_benchmark.measure(users, embedded=embedded, cluster=cluster))


@app.command()
def indexes(users: Users = 100_000, mode: WhichMode = Which.ALL) -> None:
    """Preparation, IndexWriter.write beside tantivy's writer and async_bulk, and the whole pipeline."""
    embedded, cluster = _engines(mode)
    asyncio.run(indexes_benchmark.measure(users, mode.modes, embedded=embedded, cluster=cluster))


@app.command()
def search(users: Users = 100_000, mode: WhichMode = Which.ALL) -> None:
    """p50 and p99 of searches, one at a time, through the port and through GraphQL over HTTP."""
    for chosen in mode.modes:
        asyncio.run(search_benchmark.measure(users, chosen))


@app.command()
def freshness(
    users: Users = 10_000,
    mode: WhichMode = Which.ALL,
    times: Annotated[int, typer.Option(min=10, help="How many users are created, one after the other.")] = 200,
) -> None:
    """p50 and p99 of the time from a mutation's answer until searchUsers(waitFor) has found the user."""
    for chosen in mode.modes:
        asyncio.run(freshness_benchmark.measure(users, chosen, times))


@app.command()
def connect(users: Users = 10_000) -> None:
    """One topic, read by the indexer and by Kafka Connect, beside async_bulk alone."""
    asyncio.run(connect_benchmark.measure(users))


@app.command()
def rebuild(users: Users = 100_000, mode: WhichMode = Which.EMBEDDED) -> None:
    """A rebuild while clients write and search, and what verify says afterwards."""
    for chosen in mode.modes:
        asyncio.run(rebuild_benchmark.measure(users, chosen))


@app.command()
def execution() -> None:
    """What executing a query costs beside graphql-core's own executor."""
    asyncio.run(execution_benchmark.measure())


@app.command()
def breaker() -> None:
    """What a guarded call costs beside purgatory's own guard."""
    asyncio.run(breaker_benchmark.measure())


@app.command()
def peers() -> None:
    """Success and p99 with slow, failing and restarted instances, and what a balanced call costs beside httpx."""
    peers_benchmark.measure()


@app.command()
def outage() -> None:
    """A peer that is killed, hangs or fails as a whole: how soon it is refused, and asked again (about 2 minutes)."""
    outage_benchmark.measure()


def _engines(which: Which) -> tuple[bool, bool]:
    """Whether to measure the engines of the embedded mode, and those of the others."""
    return Mode.EMBEDDED in which.modes, which is not Which.EMBEDDED


if __name__ == "__main__":
    app(prog_name="python -m benchmarks")
