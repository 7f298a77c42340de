"""The breaker against a plain model of its rules: whatever is done to both, they say the same."""

import asyncio
from datetime import timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from purgatory.domain.messages.base import Event
from purgatory.domain.messages.events import CircuitBreakerFailed, CircuitBreakerRecovered, ContextChanged

from domain.errors import NotUnique, StoreUnavailable
from domain.peers.breaker.breaker import Guard, Mode
from domain.peers.breaker.breakers import Breakers
from domain.peers.breaker.errors import CircuitOpen
from domain.peers.breaker.events import CallRefused, CallSlow, CircuitOpened
from domain.peers.breaker.policy import BreakerPolicy
from tests.unit.domain.peers.breaker.driving import Clock, at_once, enter, leave
from tests.unit.domain.peers.breaker.model import How, Model, ModelCall

NAME = "store"
ERRORS: dict[How, tuple[BaseException | None, ...]] = {
    How.WELL: (None, NotUnique("email")),
    How.FAILED: (StoreUnavailable(), OSError(), TimeoutError()),
    How.ABANDONED: (asyncio.CancelledError(), GeneratorExit(), KeyboardInterrupt()),
}
WORDS: dict[type[Event], str] = {
    CircuitBreakerFailed: "failed",
    CircuitBreakerRecovered: "recovered",
    CircuitOpened: "why",
    CallRefused: "refused",
    CallSlow: "slow",
}
ENDS = st.sampled_from([(how, error) for how, errors in ERRORS.items() for error in errors])
End = tuple[How, BaseException | None]
SECONDS = st.sampled_from([0.25, 0.5, 1.0, 1.25, 2.0, 4.0, 7.0])


def seconds(least: int, most: int) -> st.SearchStrategy[timedelta]:
    return st.integers(least, most).map(lambda whole: timedelta(seconds=whole))


POLICIES = st.builds(
    BreakerPolicy,
    failure_rate=st.sampled_from([0.3, 0.5, 0.7, 1.0]),
    slow_rate=st.sampled_from([0.4, 0.8, 1.0]),
    slow_after=seconds(1, 2),
    window=st.just(timedelta(seconds=4)),
    buckets=st.sampled_from([1, 2, 4]),
    minimum_calls=st.integers(1, 4),
    probes=st.integers(1, 4),
    probe_lease=seconds(1, 4),
    open_for=st.just(timedelta(seconds=1)),
    longest=seconds(1, 8),
    jitter=st.sampled_from([0.0, 0.25]),
    healthy_after=seconds(1, 6),
)


class Halves(Random):
    """Eighths and quarters of seconds come out of it, which floats hold exactly."""

    def random(self) -> float:
        return round(super().random()) / 2


class BreakerComparison(RuleBasedStateMachine):
    @initialize(policy=POLICIES, seed=st.integers(0, 3))
    def begin_both(self, policy: BreakerPolicy, seed: int) -> None:
        self.policy = policy
        self.clock = Clock(1000.0)
        self.breakers = Breakers([NAME], policy=policy, monotonic=self.clock, random=Halves(seed))
        self.model = Model(policy, since=self.clock.now)
        self.heard: list[str] = []
        self.breakers.listen(self.hear)
        self.calls: list[tuple[Guard, ModelCall]] = []

    def hear(self, event: Event) -> None:
        self.heard.append(event.state if isinstance(event, ContextChanged) else WORDS[type(event)])

    @rule()
    def a_call_begins(self) -> None:
        expected = self.model.begin(self.clock.now)
        guard = self.breakers.get(NAME)
        if expected is not None:
            enter(guard)
            self.calls.append((guard, expected))
            return
        with pytest.raises(CircuitOpen) as refusal:
            enter(guard)
        assert refusal.value.name == NAME
        assert refusal.value.retry_after.total_seconds() == self.model.retry_after(self.clock.now)

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), end=ENDS)
    def a_call_ends(self, data: st.DataObject, end: End) -> None:
        which = data.draw(st.integers(0, len(self.calls) - 1))
        self.finish(*self.calls.pop(which), *end)

    @precondition(lambda self: self.calls)
    @rule(end=ENDS)
    def all_calls_end(self, end: End) -> None:
        while self.calls:
            self.finish(*self.calls.pop(), *end)

    @rule(count=st.integers(1, 4), end=ENDS)
    def calls_that_take_no_time(self, count: int, end: End) -> None:
        for _ in range(count):
            before = len(self.calls)
            self.a_call_begins()
            if len(self.calls) > before:
                self.finish(*self.calls.pop(), *end)

    @rule(more=st.sampled_from([0.0, 0.25]), end=ENDS)
    def a_call_is_just_slow_or_just_not(self, more: float, end: End) -> None:
        before = len(self.calls)
        self.a_call_begins()
        self.clock.now += self.policy.slow_after.total_seconds() + more
        if len(self.calls) > before:
            self.finish(*self.calls.pop(), *end)

    def finish(self, guard: Guard, model_call: ModelCall, how: How, error: BaseException | None) -> None:
        leave(guard, error)
        before = self.model.times_opened, self.model.period
        self.model.end(model_call, how, self.clock.now)
        if self.model.state == "opened" and before != (self.model.times_opened, self.model.period):
            self.take_over_the_open_time()

    def take_over_the_open_time(self) -> None:
        """Chance decides within bounds: the model checks the bounds and goes on with what came out."""
        actual = self.breakers.status()[0].retry_after.total_seconds()
        longest = self.model.longest_open()
        assert longest * (1 - self.policy.jitter) <= actual <= longest
        self.model.until = self.clock.now + actual

    @precondition(lambda self: self.calls)
    @rule()
    def a_call_is_lost(self) -> None:
        self.calls.pop(0)

    @rule(passed=SECONDS)
    def time_passes(self, passed: float) -> None:
        self.clock.now += passed

    @precondition(lambda self: self.model.mode is Mode.AUTO)
    @rule(probes=st.integers(0, 2))
    def an_outage_comes_and_probes_begin(self, probes: int) -> None:
        """What chance alone seldom leads to."""
        self.clock.now += self.policy.window.total_seconds()
        if self.model.state == "closed":
            self.calls_that_take_no_time(self.policy.minimum_calls, (How.FAILED, ERRORS[How.FAILED][0]))
        self.clock.now = max(self.clock.now, self.model.until)
        for _ in range(probes):
            self.a_call_begins()

    @precondition(lambda self: self.model.outstanding)
    @rule(returns=st.booleans(), end=ENDS)
    def a_lease_ends(self, returns: bool, end: End) -> None:
        """And its probe returns at this moment, or not yet."""
        oldest = self.model.outstanding[0]
        self.clock.now = max(self.clock.now, oldest.began + self.policy.probe_lease.total_seconds())
        for place, (_, model_call) in enumerate(self.calls):
            if returns and model_call is oldest:
                self.finish(*self.calls.pop(place), *end)
                break

    @rule(mode=st.sampled_from([Mode.AUTO, Mode.AUTO, Mode.OPEN, Mode.CLOSED]))
    def an_operator_forces(self, mode: Mode) -> None:
        self.model.force(mode, self.clock.now)
        at_once(self.breakers.force(NAME, mode))

    @invariant()
    def both_say_the_same(self) -> None:
        if not hasattr(self, "model"):
            return
        now, (status,) = self.clock.now, self.breakers.status()
        assert (status.state, status.mode) == (self.model.state, self.model.mode)
        assert status.retry_after.total_seconds() == self.model.retry_after(now)
        assert self.heard == self.model.events
        if self.model.state != "opened":
            seen = self.model.seen(now)
            expected = (len(seen), sum(result.failed for result in seen), sum(result.slow for result in seen))
            assert (status.tally.calls, status.tally.failed, status.tally.slow) == expected


TestBreakerComparison = BreakerComparison.TestCase
TestBreakerComparison.settings = settings(
    max_examples=200, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)
