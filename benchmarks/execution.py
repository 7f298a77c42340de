"""What executing a query costs beside graphql-core's own executor, the store's read included."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from benchmarks.measure import percentile, table
from domain.backends import open_backends
from domain.identity.caller import Caller, Right
from domain.peers.peers import NoPeers
from domain.settings import Settings
from domain.users.bulk import import_all
from domain.users.rows import Row
from domain.users.sample import sample_users
from graph.context import Context, Services
from graph.lifespan import services
from graph.schema import Schema, build_schema

ROUNDS = 300
USERS = 1_000
FIELDS = "id givenName familyName email status createdAt version roles"
QUERIES = {
    "a page of 50 users, 8 fields each": f"{{ users(first: 50) {{ edges {{ cursor node {{ {FIELDS} }} }} }} }}",
    "a page of 100 users, 1 field each": "{ users(first: 100) { edges { node { id } } } }",
    "one user, 8 fields": f'{{ userBy(by: {{externalId: "sample-1"}}) {{ {FIELDS} }} }}',
}


async def measure() -> None:
    """Print a table: milliseconds a query, both executors in turn on the same documents and users."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        async with open_backends(settings) as backends:
            rows = (Row(number, "", values) for number, values in enumerate(sample_users(USERS), 1))
            await import_all(backends.users, rows, by="externalId", reject=_refuse)
            opened = services(settings, backends, NoPeers())
            ours, theirs = build_schema(settings), build_schema(settings)
            theirs.execution_context_class = StrawberryGraphQLCoreExecutionContext
            table_rows = [await _race(name, query, ours, theirs, opened) for name, query in QUERIES.items()]
    print(table(("one query", "ours", "ours, p99", "graphql-core", "graphql-core, p99", "times faster"), table_rows))


async def _race(name: str, query: str, ours: Schema, theirs: Schema, opened: Services) -> Sequence[str]:
    taken: dict[Schema, list[float]] = {ours: [], theirs: []}
    for number in range(ROUNDS):
        for schema in (ours, theirs) if number % 2 else (theirs, ours):
            begun = time.perf_counter()
            result = await schema.execute(
                query, context_value=Context(opened, Caller("benchmark", frozenset({Right.READ})))
            )
            taken[schema].append(time.perf_counter() - begun)
            if result.errors:
                raise SystemExit(str(result.errors[0]))
    figures = [percentile(taken[schema], share) for schema in (ours, theirs) for share in (0.5, 0.99)]
    return (name, *(f"{figure * 1000:.2f} ms" for figure in figures), f"{figures[2] / figures[0]:.1f}")


def _refuse(line: bytes) -> None:
    raise SystemExit(f"a generated user is rejected: {line.decode()}")
