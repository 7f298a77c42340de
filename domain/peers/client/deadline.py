"""How much time a call has, and how the peer is told."""

HEADER = "x-request-timeout"
"""In whole milliseconds, from when the request arrives: clocks need not agree."""


def seconds_left(due: float, now: float) -> float:
    """Never below 0."""
    return max(due - now, 0.0)


def due(timeout: float, deadline: float | None, now: float) -> float:
    """When a call has to be over that may take `timeout` seconds and not go beyond `deadline` (the same clock's)."""
    return now + timeout if deadline is None else min(now + timeout, deadline)


def header(seconds: float) -> str:
    return str(max(1, int(seconds * 1000)))
