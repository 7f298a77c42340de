"""DateTime, as a client writes it."""

from datetime import UTC, datetime

import pytest
from graphql import GraphQLError

from graph.types.scalars import parse_time


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-01-31T23:59:59Z", datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)),
        ("2026-01-31t23:59:59.1z", datetime(2026, 1, 31, 23, 59, 59, 100_000, tzinfo=UTC)),
        ("2026-01-31T23:59:59.123999999Z", datetime(2026, 1, 31, 23, 59, 59, 123_000, tzinfo=UTC)),
        ("2026-01-31T23:59:59.123+05:30", datetime(2026, 1, 31, 18, 29, 59, 123_000, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_to_the_millisecond(text: str, time: datetime) -> None:
    assert parse_time(text) == time


@pytest.mark.parametrize(
    "text",
    [
        None,
        0,
        "",
        "2026-01-31",
        "2026-01-31T23:59Z",
        "2026-01-31T23:59:59",
        "2026-01-31 23:59:59Z",
        "2026-02-30T00:00:00Z",
        "2026-01-31T25:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-01:00",
        "2026-01-31T23:59:59Z\n",
    ],
)
def test_anything_else_is_refused(text: object) -> None:
    with pytest.raises(GraphQLError, match="RFC 3339"):
        parse_time(text)
