import pytest

from domain.errors import IndexMismatch, PositionLost, SearchUnavailable, SettingsError, StoreUnavailable
from indexer.errors import BatchExpired, KafkaUnavailable, LeaseLost
from indexer.retry import MOST_SECONDS, Remedy, delay, remedy


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (SearchUnavailable(), Remedy.AGAIN),
        (StoreUnavailable(), Remedy.ANEW),
        (KafkaUnavailable("x"), Remedy.ANEW),
        (LeaseLost("x"), Remedy.ANEW),
        (BatchExpired(301), Remedy.ANEW),
        (PositionLost("x"), Remedy.ANEW),
        (ZeroDivisionError(), Remedy.ANEW),
        (SettingsError("x"), Remedy.GIVE_UP),
        (IndexMismatch("x"), Remedy.GIVE_UP),
    ],
)
def test_remedy(error: Exception, expected: Remedy) -> None:
    assert remedy(error) is expected


def test_delays_double_up_to_a_bound_well_below_a_stuck_loop() -> None:
    longest = [delay(attempt, lambda: 1.0) for attempt in range(1, 12)]
    assert longest[:4] == [0.1, 0.2, 0.4, 0.8]
    assert longest[-1] == MOST_SECONDS < 60
    assert delay(10_000, lambda: 1.0) == MOST_SECONDS


def test_delays_have_full_jitter() -> None:
    assert delay(5, lambda: 0.0) == 0
    assert delay(5, lambda: 0.5) == pytest.approx(0.8)
