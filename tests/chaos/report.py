"""What a run found, as a table; the last line says it all. Pure."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.chaos.faults import Recovery
from tests.chaos.plan import Fault, Kind


@dataclass(frozen=True, slots=True)
class Drift:
    """How many documents of the index are not as the store says."""

    missing: int = 0
    stale: int = 0
    orphaned: int = 0
    different: int = 0
    ahead: int = 0

    def __str__(self) -> str:
        return " ".join(f"{name} {getattr(self, name)}" for name in self.__slots__)


@dataclass(slots=True)
class Findings:
    """`wanted`: how many faults were asked for. `poison`: the keys of the dead letters that there must be.

    `problems`: whatever else must not be, one line each.
    """

    seed: int
    wanted: int
    recoveries: list[Recovery] = field(default_factory=list)
    extras: Counter[Kind] = field(default_factory=Counter)
    poison: set[str] = field(default_factory=set)
    acknowledged: int = 0
    unknown: int = 0
    redelivered: dict[str, int] = field(default_factory=dict)
    history: str = "not judged"
    drift: Drift = field(default_factory=Drift)
    lost: Sequence[str] = ()
    problems: list[str] = field(default_factory=list)

    @property
    def faults(self) -> int:
        """Those that stopped a process while writes were acknowledged."""
        return sum(recovery.before > 0 for recovery in self.recoveries)

    @property
    def good(self) -> bool:
        return self.faults >= self.wanted and self.drift == Drift() and not self.lost and not self.problems

    @property
    def last_line(self) -> str:
        return f"faults {self.faults} {self.drift} lost {len(self.lost)}"

    def table(self) -> str:
        """Faults by kind with recovery times, the counts, what went wrong, and the last line."""
        return "\n".join([*_faults(self.recoveries), *self._counts(), *self._wrong(), self.last_line])

    def _counts(self) -> Iterator[str]:
        for kind in Kind:
            if kind in self.extras:
                yield f"{kind.value}: {self.extras[kind]}"
        sent = ", ".join(f"{count} {where}" for where, count in self.redelivered.items())
        yield f"writes: {self.acknowledged} acknowledged, {self.unknown} of unknown outcome"
        yield f"redelivered: {sent or 'not counted'}"
        yield f"history: {self.history}"
        yield f"seed {self.seed}"

    def _wrong(self) -> Iterator[str]:
        yield from (f"LOST {line}" for line in self.lost)
        yield from (f"WRONG {line}" for line in self.problems)


def _faults(recoveries: Sequence[Recovery]) -> Iterator[str]:
    yield f"{'fault':<28}{'count':>6}{'acknowledged again':>22}{'indexed again':>22}"
    yield f"{'':<34}{'p50 s':>14}{'max s':>8}{'p50 s':>14}{'max s':>8}"
    groups: dict[str, list[Recovery]] = defaultdict(list)
    for recovery in recoveries:
        groups[_label(recovery.fault)].append(recovery)
    for label, group in [*sorted(groups.items()), ("all", list(recoveries))]:
        yield f"{label:<28}{len(group):>6}{_times([r.written for r in group])}{_times([r.indexed for r in group])}"


def _label(fault: Fault) -> str:
    return f"{fault.kind.value} {fault.target.rstrip(' 12')}"


def _times(seconds: Sequence[float]) -> str:
    if not seconds:
        return f"{'-':>14}{'-':>8}"
    return f"{statistics.median(seconds):>14.2f}{max(seconds):>8.2f}"
