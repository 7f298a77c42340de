"""Rates and latencies: two sides take turns on the same batches, so that a machine's moods meet both."""

import statistics
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
RowT = TypeVar("RowT")

BATCH = 1_000
"""Rows that each side is given at once."""


@dataclass(frozen=True, slots=True)
class Side(Generic[RowT]):
    """One contestant: the rows as it takes them, and how it writes a batch of them durably."""

    rows: Sequence[RowT]
    write: Callable[[Sequence[RowT]], Awaitable[None]]


@dataclass(slots=True)
class Race:
    """Seconds of each batch on both sides."""

    rows: int
    ours: list[float] = field(default_factory=list)
    raw: list[float] = field(default_factory=list)

    @property
    def our_rate(self) -> float:
        return self.rows / sum(self.ours)

    @property
    def raw_rate(self) -> float:
        return self.rows / sum(self.raw)

    @property
    def ratio(self) -> float:
        """Our rate as a share of the raw one, over all rows."""
        return sum(self.raw) / sum(self.ours)

    @property
    def median_ratio(self) -> float:
        """The same, batch by batch: one slow write to disk on either side does not move it."""
        return statistics.median(raw / ours for ours, raw in zip(self.ours, self.raw, strict=True))


async def race(ours: Side[T], raw: Side[RowT]) -> Race:
    """Batch after batch on both sides; who is first alternates."""
    result = Race(len(ours.rows))
    for number, (our_batch, raw_batch) in enumerate(zip(batches(ours.rows), batches(raw.rows), strict=True)):
        if number % 2:
            result.raw.append(await seconds(raw.write(raw_batch)))
            result.ours.append(await seconds(ours.write(our_batch)))
        else:
            result.ours.append(await seconds(ours.write(our_batch)))
            result.raw.append(await seconds(raw.write(raw_batch)))
    return result


def batches(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What `work` returns, and how many seconds it took."""
    begun = time.perf_counter()
    return work(), time.perf_counter() - begun


async def timed_async(work: Awaitable[T]) -> tuple[T, float]:
    """Likewise for what is awaited."""
    begun = time.perf_counter()
    return await work, time.perf_counter() - begun


async def seconds(work: Awaitable[object]) -> float:
    """How many seconds it took."""
    return (await timed_async(work))[1]


def percentile(values: Iterable[float], share: float) -> float:
    """The nearest-rank percentile: the smallest value that `share` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def rate(rows: int, seconds: float) -> str:
    return f"{rows / seconds:,.0f}/s"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A markdown table; the first column is text, the others are figures."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


RACE_HEADER = ("writer, batches of 1,000", "ours", "raw", "ours / raw", "median of batches")


def race_row(name: str, result: Race) -> Sequence[str]:
    rates = (f"{result.our_rate:,.0f}/s", f"{result.raw_rate:,.0f}/s")
    return (name, *rates, f"{result.ratio:.2f}", f"{result.median_ratio:.2f}")
