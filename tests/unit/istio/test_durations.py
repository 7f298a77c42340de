"""Durations as typed."""

from datetime import timedelta

import pytest

from keytool.durations import duration
from keytool.errors import ClaimRefused


def parsed(text: str) -> timedelta:
    return duration("--ttl", text, least=timedelta(seconds=1), most=timedelta(days=366))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("900", 900), (" 900 ", 900), ("1.5", 1.5), ("PT15M", 900), ("P1D", 86_400), ("P366D", 31_622_400)],
)
def test_seconds_and_iso_8601(text: str, seconds: float) -> None:
    assert parsed(text).total_seconds() == seconds


@pytest.mark.parametrize(
    "text", ["", "soon", "1e5", "nan", "inf", "-5", "٣", "1.2.3", "P", "9" * 400, "P" + "9" * 30 + "D"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ClaimRefused, match=r"^--ttl is no duration: "):
        parsed(text)


@pytest.mark.parametrize("text", ["0", "0.5", "PT0S", "-PT1M", "P367D", "31622401"])
def test_bounds_are_kept(text: str) -> None:
    with pytest.raises(ClaimRefused, match=r"^--ttl is out of bounds: give 1 seconds to 366 days\.$"):
        parsed(text)
