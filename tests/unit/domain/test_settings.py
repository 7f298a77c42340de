"""Durations of settings: what they may be, and what is said of one that is refused."""

from datetime import timedelta

import pytest

from domain.errors import SettingsError
from domain.settings import load_settings


def refusal(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> str:
    """What is said of settings of which one has that value."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    return str(raised.value)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("STORE_TIMEOUT", "0", "give 0.001 to 86400 s"),
        ("SEARCH_TIMEOUT", "-5", "give 0.001 to 86400 s"),
        ("REQUEST_TIMEOUT", "P2D", "give 0.001 to 86400 s"),
        ("SHUTDOWN_TIMEOUT", "inf", "there is no duration as long as that"),
        ("SEARCH_REFRESH_INTERVAL", "0.0001", "give 0.001 to 86400 s"),
        ("BATCH_MAX_AGE", "301", "give 0.001 to 300 s"),
        ("BATCH_WAIT", "-1", "give 0 to 60 s"),
        ("LEASE_DURATION", "0", "give 1 to 3600 s"),
        ("JWT_LEEWAY", "-1", "give 0 to 3600 s"),
        ("TOMBSTONE_RETENTION", "1e10", "give 0 to 315360000 s"),
    ],
)
def test_a_duration_that_cannot_work_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    assert refusal(monkeypatch, name, value) == f"Settings are refused: {name}: {told}"


def test_a_duration_is_seconds_or_iso_8601(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_TIMEOUT", "1.5")
    monkeypatch.setenv("TOMBSTONE_RETENTION", "P90D")
    settings = load_settings()
    assert (settings.store_timeout, settings.tombstone_retention) == (timedelta(seconds=1.5), timedelta(days=90))


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("ROLE_SCOPES", "{bad", "this is not JSON: "),
        ("PEERS", "x", "this is not JSON: "),
        ("CIRCUITS", "open", "this is not JSON: "),
        ("ROLE_SCOPES", "[]", "Input should be a valid dictionary"),
    ],
)
def test_a_mistake_in_json_is_told_like_any_other(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    said = refusal(monkeypatch, name, value)
    assert said.startswith(f"Settings are refused: {name}: {told}")
    assert "\n" not in said


def test_json_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLE_SCOPES", '{"support": ["user:read"]}')
    monkeypatch.setenv("CIRCUITS", "")
    settings = load_settings()
    assert (settings.role_scopes, settings.circuits) == ({"support": ["user:read"]}, {})
