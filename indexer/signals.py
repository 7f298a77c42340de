"""SIGTERM and SIGINT as an event: the beginning of a graceful end."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator

NUMBERS = (signal.SIGTERM, signal.SIGINT)


@contextlib.contextmanager
def told_to_stop(stop: asyncio.Event) -> Iterator[None]:
    """While this is open, a signal sets `stop`."""
    loop = asyncio.get_running_loop()
    for number in NUMBERS:
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in NUMBERS:
            loop.remove_signal_handler(number)
