"""What a circuit breaker does, told as plainly as possible: every call is remembered, and everything is counted anew.

Written from the rules, not from the code, for the code to be compared with:

1. Closed: every call passes. When one has failed or was slow, and at least `minimum_calls` have ended in the window,
   the circuit opens if the share of failed ones, or that of slow ones, is at least its threshold. A call is slow if it
   took longer than `slow_after`, failed or not. The window is the current bucket of time and the `buckets - 1` before.
2. Opened: no call passes for `open_for`, less up to `jitter` of it. Each time in a row doubles it, up to `longest`;
   a circuit that was closed for `healthy_after` begins anew.
3. Then half-opened: calls pass as long as results and outstanding probes are fewer than `probes`. A probe that has not
   ended within `probe_lease`, or was abandoned, is no longer outstanding and will have no result. Once the failed (or
   slow) results are at least the threshold's share of `probes` the circuit opens; else with the last result it closes.
4. A call that was abandoned has no result. A call that began before the circuit last changed has none either.
5. Forced: an operator's word holds until the operator takes it back, whereupon the circuit is closed and has seen
   nothing. Forced closed, it counts and never opens; forced open, nothing passes and `longest` is the time to wait.
"""

from dataclasses import dataclass, field
from enum import Enum, auto

from domain.peers.breaker.breaker import Mode
from domain.peers.breaker.policy import BreakerPolicy


class How(Enum):
    """How a call ends."""

    WELL = auto()
    FAILED = auto()
    ABANDONED = auto()


@dataclass(eq=False)
class ModelCall:
    began: float
    period: int
    """Which of the circuit's states, counted from the first, it began in."""


@dataclass
class Result:
    at: float
    failed: bool
    slow: bool


@dataclass
class Model:
    policy: BreakerPolicy
    state: str = "closed"
    mode: Mode = Mode.AUTO
    period: int = 0
    since: float = 0.0
    until: float = 0.0
    times_opened: int = 0
    results: list[Result] = field(default_factory=list)
    outstanding: list[ModelCall] = field(default_factory=list)
    events: list[str] = field(default_factory=list)

    def begin(self, now: float) -> ModelCall | None:
        """None: it is refused."""
        if self.mode is Mode.AUTO and self.state == "opened" and now >= self.until:
            self.change("half-opened", now)
        if not self.passes(now):
            self.events.append("refused")
            return None
        call = ModelCall(now, self.period)
        if self.state == "half-opened":
            self.outstanding.append(call)
        return call

    def passes(self, now: float) -> bool:
        if self.state == "half-opened":
            return len(self.results) + len(self.probing(now)) < self.policy.probes
        return self.state == "closed"

    def probing(self, now: float) -> list[ModelCall]:
        lease = self.policy.probe_lease.total_seconds()
        return [call for call in self.outstanding if now - call.began < lease]

    def end(self, call: ModelCall, how: How, now: float) -> None:
        if call.period != self.period:
            return
        counts = self.state == "closed" or call in self.probing(now)
        if call in self.outstanding:
            self.outstanding.remove(call)
        if how is How.ABANDONED or not counts:
            return
        result = Result(now, how is How.FAILED, now - call.began > self.policy.slow_after.total_seconds())
        self.results.append(result)
        self.events += ["slow"] * result.slow + ["failed"] * result.failed
        if self.mode is Mode.AUTO:
            self.judge(now, well=not (result.failed or result.slow))

    def judge(self, now: float, *, well: bool) -> None:
        seen = self.seen(now)
        if self.state == "closed" and well:
            return
        if self.state == "closed" and len(seen) >= self.policy.minimum_calls and self.bad(seen, len(seen)):
            if now - self.since >= self.policy.healthy_after.total_seconds():
                self.times_opened = 0
            self.open(now)
        elif self.state == "half-opened" and self.bad(seen, self.policy.probes):
            self.open(now)
        elif self.state == "half-opened" and len(seen) == self.policy.probes:
            self.events.append("recovered")
            self.change("closed", now)

    def seen(self, now: float) -> list[Result]:
        """The results that the state rests on."""
        if self.state != "closed":
            return self.results
        width = self.policy.window.total_seconds() / self.policy.buckets
        return [result for result in self.results if now // width - result.at // width < self.policy.buckets]

    def bad(self, results: list[Result], of: int) -> bool:
        failed, slow = sum(result.failed for result in results), sum(result.slow for result in results)
        return failed / of >= self.policy.failure_rate or slow / of >= self.policy.slow_rate

    def open(self, now: float) -> None:
        self.change("opened", now)
        self.events.append("why")
        self.times_opened += 1

    def longest_open(self) -> float:
        """Seconds that the circuit now stays open at most."""
        doubled = self.policy.open_for.total_seconds() * 2.0 ** (self.times_opened - 1)
        return min(doubled, self.policy.longest.total_seconds())

    def change(self, state: str, now: float) -> None:
        self.state, self.since = state, now
        self.period += 1
        self.results, self.outstanding = [], []
        self.events.append(state)

    def force(self, mode: Mode, now: float) -> None:
        if mode is not self.mode:
            self.mode = mode
            self.times_opened = 0
            self.change("opened" if mode is Mode.OPEN else "closed", now)

    def retry_after(self, now: float) -> float:
        if self.mode is Mode.OPEN:
            return self.policy.longest.total_seconds()
        if self.state == "opened":
            return max(0.0, self.until - now)
        if self.state == "half-opened" and not self.passes(now):
            return min(call.began for call in self.probing(now)) + self.policy.probe_lease.total_seconds() - now
        return 0.0
