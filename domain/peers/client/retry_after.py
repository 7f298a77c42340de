"""The Retry-After header (RFC 9110, 10.2.3): seconds, or a date."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST = 30.0
"""Seconds: nobody talks us out of asking again for longer."""


def seconds(header: str | None, now: datetime) -> float | None:
    """How long to wait; None: the header does not say."""
    if header is None:
        return None
    if header.isascii() and header.isdigit():
        return float(min(int(header[:9]), LONGEST))
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return min(max((date - now).total_seconds(), 0.0), LONGEST)
