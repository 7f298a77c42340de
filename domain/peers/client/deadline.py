"""How much time a call has, and how the peer is told."""

HEADER = "x-request-timeout"
"""In whole milliseconds, from when the request arrives: clocks need not agree."""


_DIGITS = 12


def seconds_left(due: float, now: float) -> float:
    """Never below 0."""
    return max(due - now, 0.0)


def due(timeout: float, deadline: float | None, now: float) -> float:
    """When a call has to be over that may take `timeout` seconds and not go beyond `deadline` (the same clock's)."""
    return now + timeout if deadline is None else min(now + timeout, deadline)


def header(seconds: float) -> str:
    return str(max(1, int(seconds * 1000)))


def allowed(text: str | None, at_most: float) -> float:
    """The seconds that a caller of ours gives by this header, and no more than `at_most`; what is no number is none."""
    if text is None or not (text.isascii() and text.isdecimal()) or len(text) > _DIGITS:
        return at_most
    return min(int(text) / 1000, at_most)
