"""One request that an instance was chosen for, from then until it has ended."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from domain.peers.balancer.member import Member
from domain.peers.instance import Instance

Ended = Callable[["Pick", bool], None]
"""Told when it has ended in any way that says something, and whether that counts as a failure of the instance."""


class Pick:
    """`with pick: ...`, and within it one of `succeed`, `fail` and `throttle`. Left without, it is released: whoever
    was cancelled knows nothing of the instance but that it took at least that long.
    """

    __slots__ = ("_ended", "_monotonic", "_started", "member")

    def __init__(self, member: Member, monotonic: Callable[[], float], ended: Ended) -> None:
        self.member = member
        self._monotonic = monotonic
        self._ended = ended
        self._started = member.open[self] = monotonic()

    @property
    def instance(self) -> Instance:
        return self.member.instance

    def succeed(self) -> None:
        if (seconds := self._close()) is not None:
            self.member.answered(seconds, self._started + seconds)
            self._ended(self, False)

    def fail(self, *, rest: float = 0.0) -> None:
        """`rest`: for so many seconds others are asked instead, while there are enough."""
        self._fail(rest, counts=True)

    def throttle(self, *, rest: float) -> None:
        """It lives, and has asked for `rest` seconds: to eject it would be to load the others for longer."""
        self._fail(rest, counts=False)

    def release(self) -> None:
        if (seconds := self._close()) is not None:
            self.member.waited(seconds, self._started + seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.release()

    def _fail(self, rest: float, *, counts: bool) -> None:
        if (seconds := self._close()) is not None:
            now = self._started + seconds
            self.member.failed(seconds, now)
            self.member.health.rest(now + rest)
            self._ended(self, counts)

    def _close(self) -> float | None:
        """Seconds since it began; None: it has ended before."""
        if self.member.open.pop(self, None) is None:
            return None
        return self._monotonic() - self._started
