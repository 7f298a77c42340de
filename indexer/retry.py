"""Permanent or transient, and the next delay: decided without waiting."""

import random
from collections.abc import Callable
from enum import Enum

from domain.errors import IndexMismatch, SearchUnavailable, SettingsError

BASE_SECONDS = 0.1
MOST_SECONDS = 15.0
"""Well below the 60 s without a turn after which a pipeline counts as stuck."""


class Remedy(Enum):
    """What to do about an error."""

    AGAIN = "send the same batch again"
    ANEW = "drop everything in memory and start anew from the lease on"
    GIVE_UP = "end the process: only an operator can help"


def remedy(error: BaseException) -> Remedy:
    """What to do about `error`. Only a search index takes a batch twice without harm to what was read since."""
    match error:
        case SearchUnavailable():
            return Remedy.AGAIN
        case SettingsError() | IndexMismatch():
            return Remedy.GIVE_UP
    return Remedy.ANEW


def delay(attempt: int, draw: Callable[[], float] = random.random) -> float:
    """Seconds to wait after the failed attempt number `attempt` (from 1): exponential with full jitter.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    return draw() * min(MOST_SECONDS, BASE_SECONDS * 2.0 ** min(attempt - 1, 30))
