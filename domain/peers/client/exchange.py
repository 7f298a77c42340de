"""One request to one instance: whatever happens is an outcome, except that the caller gives up."""

import asyncio
import time
from collections.abc import Callable

import httpx

from domain.clock import Clock, now
from domain.peers.client import deadline
from domain.peers.client.answer import read
from domain.peers.client.call import Call, connect_timeout
from domain.peers.client.outcome import Kind, Outcome, outcome_of

MINE = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError)
"""What httpx raises, and what its sockets may."""


class Exchange:
    def __init__(
        self,
        path: str,
        *,
        authority: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Clock = now,
    ) -> None:
        """`authority` is the name by which the instance knows itself, where that is not its address."""
        self._path = path
        self._headers = {"host": authority} if authority else {}
        self._extensions = {"sni_hostname": authority} if authority else {}
        self._monotonic = monotonic
        self._clock = clock

    async def __call__(self, client: httpx.AsyncClient, call: Call) -> Outcome:
        left = deadline.seconds_left(call.due, self._monotonic())
        try:
            async with asyncio.timeout(left):  # of the whole; httpx's own is for each step of it
                return await self._send(client, call, left)
        except TimeoutError:
            outcome = Outcome(Kind.TIMED_OUT, "it did not answer in time")
        except MINE as exc:
            outcome = outcome_of(exc)
        if outcome.kind is Kind.TIMED_OUT and left < call.timeout * 0.9:
            return Outcome(Kind.OUT_OF_TIME, outcome.reason)
        return outcome

    async def _send(self, client: httpx.AsyncClient, call: Call, left: float) -> Outcome:
        soon = connect_timeout(left)
        async with client.stream(
            "POST",
            self._path,
            content=call.body,
            headers={**self._headers, **call.headers_with(left)},
            timeout=httpx.Timeout(left, connect=soon, pool=soon),
            extensions=dict(self._extensions),
        ) as response:
            return await read(response, self._clock)
