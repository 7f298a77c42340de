"""Durations as an operator types them: seconds, or ISO 8601."""

from datetime import timedelta

from pydantic import TypeAdapter, ValidationError

from keytool.errors import ClaimRefused

_ISO_8601 = TypeAdapter(timedelta)


def duration(name: str, text: str, *, least: timedelta, most: timedelta) -> timedelta:
    """`900`, `PT15M`, `P1D`. Raises ClaimRefused, naming the option, for anything else or out of bounds."""
    parsed = _parsed(text)
    if parsed is None:
        raise ClaimRefused(name, f"is no duration: {text!r}; give seconds (900) or ISO 8601 (PT15M)")
    if not least <= parsed <= most:
        raise ClaimRefused(name, f"is out of bounds: give {least.total_seconds():.0f} seconds to {most.days} days")
    return parsed


def _parsed(text: str) -> timedelta | None:
    try:
        return timedelta(seconds=float(text)) if _is_number(text) else _ISO_8601.validate_python(text)
    except (OverflowError, ValidationError):
        return None


def _is_number(text: str) -> bool:
    return text.strip().replace(".", "", 1).isascii() and text.strip().replace(".", "", 1).isdigit()
