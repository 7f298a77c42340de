"""Long imports: rows in batches through the use case, the rejected ones aside, the store's short outages waited out."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import orjson
import stamina

from domain.errors import BadInput, StoreUnavailable
from domain.users.importing import RowOutcome, RowResult
from domain.users.rows import Row
from domain.users.service import MAX_BATCH, UserService

ATTEMPTS = 6
"""Over about 15 seconds: longer outages end the import, which running it again resumes."""


@dataclass(slots=True)
class Report:
    """What became of an import so far; `reasons` counts the rejected rows by reason."""

    rows: int = 0
    outcomes: Counter[RowOutcome] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def rejected(self) -> int:
        return self.outcomes[RowOutcome.REJECTED]


async def import_all(
    users: UserService,
    rows: Iterable[Row],
    *,
    by: str | None,
    reject: Callable[[bytes], object],
    advance: Callable[[Report], object] = lambda _: None,
    dry_run: bool = False,
) -> Report:
    """Import `rows`, a batch at a time. `reject` takes one NDJSON line a rejected row: line, field, reason, row.

    `by` None: externalId if the first readable row has it, else username. Raises BadInput, StoreUnavailable.
    """
    report = Report()
    source = iter(rows)
    while batch := list(islice(source, MAX_BATCH)):
        by = by or _match(batch)
        for row, result in await _import_batch(users, batch, by, dry_run=dry_run):
            report.rows += 1
            report.outcomes[result.outcome] += 1
            if result.error is not None:
                report.reasons[result.error.message] += 1
                reject(_rejection(row, result))
        advance(report)
    return report


async def _import_batch(
    users: UserService, batch: list[Row], by: str, *, dry_run: bool
) -> Iterator[tuple[Row, RowResult]]:
    readable = [row for row in batch if row.error is None]
    async for attempt in stamina.retry_context(on=StoreUnavailable, attempts=ATTEMPTS, wait_initial=0.5, wait_max=5):
        with attempt:
            results = await users.import_rows([row.values for row in readable], by=by, dry_run=dry_run)
    settled = iter(results)
    return (
        (row, next(settled) if row.error is None else RowResult(RowOutcome.REJECTED, error=row.error)) for row in batch
    )


def _match(batch: list[Row]) -> str:
    first: Mapping[str, Any] = next((row.values for row in batch if row.error is None), {})
    return "externalId" if "externalId" in first else "username"


def _rejection(row: Row, result: RowResult) -> bytes:
    error = result.error or BadInput("rejected")
    entry = {"line": row.line, "field": error.field, "reason": error.message, "row": row.text}
    return orjson.dumps(entry) + b"\n"
