"""Which transactions hang: those that hold readers up at the same place for longer than any of ours lives."""

from collections.abc import Mapping
from unittest.mock import Mock

import pytest

from domain.settings import Settings
from indexer.hung_transactions import LOOK_SECONDS, Ends, HungTransactions, hung
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


class Enough(Exception):
    """No more looks."""


class Watched(HungTransactions):
    """Sees `looks`, one after the other, and notes what it ends at which of them."""

    def __init__(self, *looks: Mapping[int, Ends]) -> None:
        super().__init__(Settings(), Mock())
        self.looks = looks
        self.looked = 0
        self.ended: list[tuple[int, list[int]]] = []

    async def _ends(self) -> Mapping[int, Ends]:
        self.looked += 1
        return self.looks[self.looked - 1]

    async def _end(self, numbers: list[int], ends: Mapping[int, Ends]) -> None:
        assert ends is self.looks[self.looked - 1]
        self.ended.append((self.looked, numbers))

    async def pause(self, seconds: float) -> None:
        assert seconds == LOOK_SECONDS
        if self.looked == len(self.looks):
            raise Enough


async def test_each_look_is_compared_with_the_one_before() -> None:
    held, gone_on = {0: Ends(5, 9), 1: Ends(3, 3)}, {0: Ends(9, 9), 1: Ends(3, 4)}
    watched = Watched(held, held, gone_on, held, {0: Ends(5, 9), 1: Ends(3, 4)})
    with pytest.raises(Enough):
        await watched.run(watched.pause)
    assert watched.ended == [(2, [0]), (5, [0])]
