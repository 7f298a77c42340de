"""The store and the index behind their breakers: every call is guarded, and a rest is told as what it is."""

import inspect
from datetime import timedelta
from typing import Any, cast

import pytest

from domain.errors import (
    BadInput,
    IndexMissing,
    OutcomeUnknown,
    SearchUnavailable,
    ServiceError,
    SettingsError,
    StoreUnavailable,
)
from domain.guards import SEARCH, STORE, GuardedIndex, GuardedStore, api_breakers, force_circuits, guarded_load
from domain.identity.keys import KeysUnavailable
from domain.peers.breaker.breakers import Breakers
from domain.peers.breaker.errors import CircuitOpen
from domain.peers.breaker.policy import BreakerPolicy
from domain.search.index import SearchIndex
from domain.users.store import UserStore

KINDS = {
    STORE: (GuardedStore, UserStore, StoreUnavailable),
    SEARCH: (GuardedIndex, SearchIndex, SearchUnavailable),
}
CALLS = [
    (name, method)
    for name, (_, port, _) in KINDS.items()
    for method, _ in inspect.getmembers(port, inspect.iscoroutinefunction)
]
guarded_calls = pytest.mark.parametrize(("name", "method"), [call for call in CALLS if call[1] != "ping"])


class Dependency:
    """Every method of every port: it counts its calls, and fails with `error` if there is one."""

    def __init__(self) -> None:
        self.error: ServiceError | None = None
        self.calls = 0

    def __getattr__(self, method: str) -> Any:
        async def call(*arguments: object) -> object:
            self.calls += 1
            if self.error is not None:
                raise self.error
            return method, arguments

        return call


def _guarded(name: str) -> tuple[Dependency, Any, type[ServiceError]]:
    guard, _, error = KINDS[name]
    dependency = Dependency()
    policy = BreakerPolicy(minimum_calls=3, open_for=timedelta(hours=1), longest=timedelta(hours=1))
    guarded = guard(cast("Any", dependency), Breakers([name], policy=policy))
    return dependency, guarded, error


async def _call(guarded: Any, method: str) -> Any:
    call = getattr(guarded, method)
    return await call(*(f"argument{number}" for number in range(len(inspect.signature(call).parameters))))


@guarded_calls
async def test_what_is_asked_and_answered_is_passed_on(name: str, method: str) -> None:
    _, guarded, _ = _guarded(name)
    given = len(inspect.signature(getattr(guarded, method)).parameters)
    assert await _call(guarded, method) == (method, tuple(f"argument{number}" for number in range(given)))


@guarded_calls
async def test_what_does_not_answer_is_not_asked_for_a_while(name: str, method: str) -> None:
    dependency, guarded, unavailable = _guarded(name)
    dependency.error = unavailable()  # type: ignore[call-arg]
    for _ in range(3):
        with pytest.raises(unavailable):
            await _call(guarded, method)
    with pytest.raises(unavailable, match=r"has not been answering and is not asked: try again in \d+\.\d s\."):
        await _call(guarded, method)
    assert dependency.calls == 3


@guarded_calls
async def test_a_refusal_is_an_answer(name: str, method: str) -> None:
    dependency, guarded, _ = _guarded(name)
    dependency.error = BadInput("no")
    for _ in range(10):
        with pytest.raises(BadInput):
            await _call(guarded, method)
    assert dependency.calls == 10


async def test_writes_that_fail_one_by_one_count_as_a_failed_call() -> None:
    dependency, guarded, _ = _guarded(STORE)
    results = [True, OutcomeUnknown("x")]

    async def write_many(_: object) -> list[object]:
        dependency.calls += 1
        return results

    dependency.write_many = write_many  # type: ignore[attr-defined]
    for _ in range(3):
        assert await guarded.write_many([]) == results
    with pytest.raises(StoreUnavailable, match="is not asked"):
        await guarded.write_many([])
    assert dependency.calls == 3


async def test_a_missing_index_is_told_again_and_again() -> None:
    dependency = Dependency()
    dependency.error = IndexMissing("start the indexer")
    guarded = GuardedIndex(cast("Any", dependency), api_breakers())
    for _ in range(50):
        with pytest.raises(SearchUnavailable, match="start the indexer"):
            await guarded.versions([])
    assert dependency.calls == 50


@pytest.mark.parametrize("name", KINDS)
async def test_health_checks_always_ask(name: str) -> None:
    dependency, guarded, unavailable = _guarded(name)
    dependency.error = unavailable()  # type: ignore[call-arg]
    for _ in range(10):
        with pytest.raises(unavailable):
            await guarded.ping()
    assert dependency.calls == 10


async def test_an_issuer_that_does_not_answer_is_given_a_rest() -> None:
    attempts = 0

    async def load() -> bytes:
        nonlocal attempts
        attempts += 1
        raise KeysUnavailable("the JWKS URL answered 503")

    guarded = guarded_load(load, api_breakers())
    for _ in range(3):
        with pytest.raises(KeysUnavailable, match="answered 503"):
            await guarded()
    with pytest.raises(KeysUnavailable, match="given a rest"):
        await guarded()
    assert attempts == 3


async def test_an_operator_holds_a_circuit_open_or_closed() -> None:
    breakers = api_breakers()
    await force_circuits(breakers, {"search": "open", "store": "closed"})
    with pytest.raises(CircuitOpen):
        async with breakers.get(SEARCH):
            pass
    for _ in range(50):
        with pytest.raises(StoreUnavailable):
            async with breakers.get(STORE):
                raise StoreUnavailable
    assert {status.name: status.state for status in breakers.status()}[STORE] == "closed"


async def test_a_circuit_that_is_not_there_is_a_wrong_setting() -> None:
    with pytest.raises(SettingsError, match=r"CIRCUITS: there is no circuit 'x', only: search, store, token keys\."):
        await force_circuits(api_breakers(), {"x": "open"})
