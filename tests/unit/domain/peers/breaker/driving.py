"""A clock that tests turn, and guards used step by step: a guard never waits, so no event loop is needed."""

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TypeVar

from domain.peers.breaker.breaker import Guard

T = TypeVar("T")


@dataclass
class Clock:
    """Seconds; set them or add to them."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def at_once(coroutine: Coroutine[object, object, T]) -> T:
    """What it returns or raises, if it never waits."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise AssertionError("It waits.")


def enter(guard: Guard) -> Guard:
    return at_once(guard.__aenter__())


def leave(guard: Guard, error: BaseException | None = None) -> None:
    at_once(guard.__aexit__(type(error) if error else None, error, None))


def call(guard: Guard, error: BaseException | None = None) -> None:
    """One call that ends at once, well or by `error`."""
    leave(enter(guard), error)
