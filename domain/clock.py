"""The one source of time: UTC in whole milliseconds, which every store can hold exactly."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def now() -> datetime:
    """The time in UTC, cut to whole milliseconds."""
    return whole_milliseconds(datetime.now(UTC))


def whole_milliseconds(time: datetime) -> datetime:
    """The same instant in UTC, cut to whole milliseconds."""
    time = time.astimezone(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def to_milliseconds(time: datetime) -> int:
    """Milliseconds since 1970-01-01T00:00:00Z."""
    return (time - _EPOCH) // _MILLISECOND


def from_milliseconds(milliseconds: int) -> datetime:
    """The inverse of `to_milliseconds`."""
    return _EPOCH + milliseconds * _MILLISECOND


def to_text(time: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as every document and API shows a time: `2026-01-31T23:59:59.123Z`."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
