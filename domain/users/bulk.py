"""Long imports: rows in batches through the use case, the rejected ones aside, the store's short outages waited out."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import orjson
import stamina

from domain.errors import ServiceError, StoreUnavailable
from domain.users.importing import RowOutcome, RowResult
from domain.users.rows import MAX_LINE, Row
from domain.users.service import MAX_BATCH, UserService

ATTEMPTS = 6
"""Over about 15 seconds: longer outages end the import, which running it again resumes."""

BATCH_TEXT = 2 * MAX_LINE
"""Characters of a batch's rows: as values they may take twenty times as much memory."""

MAX_REASONS = 1_000
"""A reason may quote the file, and so every row may bring another one."""


@dataclass(slots=True)
class Report:
    """What became of an import so far.

    `reasons` counts the rejected rows by reason; `ignored` are the fields of the file that an import does not write.
    """

    rows: int = 0
    outcomes: Counter[RowOutcome] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    ignored: set[str] = field(default_factory=set)

    @property
    def rejected(self) -> int:
        return self.outcomes[RowOutcome.REJECTED]

    def add(self, row: Row, result: RowResult) -> None:
        self.rows += 1
        self.outcomes[result.outcome] += 1
        self.ignored.update(row.ignored)
        reason = result.error.message if result.error else None
        if reason is not None and (reason in self.reasons or len(self.reasons) < MAX_REASONS):
            self.reasons[reason] += 1


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

    `by`: see importing.import_rows. Raises BadInput, StoreUnavailable.
    """
    report = Report()
    for batch in _batches(rows):
        for row, result in await _import_batch(users, batch, by, dry_run=dry_run):
            report.add(row, result)
            if result.error is not None:
                reject(_rejection(row, result.error))
        advance(report)
    return report


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Batches that are bounded in rows and in text."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += len(row.text)
        if len(batch) == MAX_BATCH or size >= BATCH_TEXT:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


async def _import_batch(
    users: UserService, batch: list[Row], by: str | None, *, dry_run: bool
) -> Iterator[tuple[Row, RowResult]]:
    readable = [row for row in batch if row.error is None]
    async for attempt in stamina.retry_context(on=StoreUnavailable, attempts=ATTEMPTS, wait_initial=0.5, wait_max=5):
        with attempt:
            results = await users.import_rows([row.values for row in readable], by=by, dry_run=dry_run)
            for result in results:
                if isinstance(result.error, StoreUnavailable):  # the store's doing, not the row's
                    raise result.error
    settled = iter(results)
    return (
        (row, next(settled) if row.error is None else RowResult(RowOutcome.REJECTED, error=row.error)) for row in batch
    )


def _rejection(row: Row, error: ServiceError) -> bytes:
    return orjson.dumps({"line": row.line, "field": error.field, "reason": error.message, "row": row.text}) + b"\n"
