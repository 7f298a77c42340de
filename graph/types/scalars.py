"""The scalars that GraphQL itself does not have: DateTime and JSON."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.scalars import JSON
from strawberry.types.scalar import ScalarDefinition

from domain.clock import to_text, whole_milliseconds

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_FRACTION = re.compile(r"\.(\d+)")


def parse_time(value: Any) -> datetime:
    """The instant of an RFC 3339 text, cut to whole milliseconds. Raises GraphQLError for anything else."""
    if isinstance(value, str) and _RFC_3339.fullmatch(value):
        # The standard library reads three or six digits, and no lower case letters.
        text = _FRACTION.sub(lambda found: f".{found[1][:6]:0<6}", value.upper())
        try:
            return whole_milliseconds(datetime.fromisoformat(text))
        except (ValueError, OverflowError):
            pass
    raise GraphQLError("A DateTime is written by RFC 3339, with its offset from UTC: 2026-01-31T23:59:59.123Z.")


def _plain(value: Any) -> Any:
    """Mappings of the domain may be read-only views, which no JSON encoder takes."""
    return dict(value) if isinstance(value, Mapping) else value


_DATE_TIME: ScalarDefinition = strawberry.scalar(
    name="DateTime",
    description="An instant in UTC by RFC 3339, to the millisecond: `2026-01-31T23:59:59.123Z`.",
    specified_by_url="https://scalars.graphql.org/andimarek/date-time.html",
    serialize=to_text,
    parse_value=parse_time,
)
_JSON: ScalarDefinition = strawberry.scalar(
    name="JSON",
    description="Any JSON value.",
    specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
    serialize=_plain,
    parse_value=lambda value: value,
)

SCALARS: Mapping[object, ScalarDefinition] = {datetime: _DATE_TIME, JSON: _JSON}
"""Python type → the scalar it is in the schema."""
