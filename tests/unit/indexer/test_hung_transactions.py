"""Which transactions hang: those that hold readers up at the same place for longer than any of ours lives."""

from indexer.hung_transactions import LOOK_SECONDS, Ends, hung
from indexer.sinks.kafka import TRANSACTION_MILLISECONDS


def test_readers_held_up_at_the_same_place_twice() -> None:
    assert hung({0: Ends(5, 9)}, {0: Ends(5, 9)}) == [0]
    assert hung({0: Ends(5, 9)}, {0: Ends(5, 20)}) == [0]


def test_whatever_moves_does_not_hang() -> None:
    assert hung({0: Ends(5, 9)}, {0: Ends(6, 9)}) == []
    assert hung({0: Ends(5, 9)}, {0: Ends(9, 9)}) == []
    assert hung({0: Ends(5, 5)}, {0: Ends(5, 9)}) == []
    assert hung({}, {0: Ends(5, 9)}) == []


def test_no_transaction_of_ours_lives_as_long_as_between_two_looks() -> None:
    assert TRANSACTION_MILLISECONDS / 1000 < LOOK_SECONDS
