"""The order of faults: every kind, as many as asked for, the same from the same seed."""

from collections import Counter

import pytest

from tests.chaos.plan import COUNTED, Kind, plan

TARGETS = ["API", "MongoDB", "Kafka"]
EXTRAS = [Kind.REFUSED_REQUESTS, Kind.REFUSED_ITEMS, Kind.POISON]


@pytest.mark.parametrize("count", [6, 13, 50])
def test_every_target_is_hit_each_way_and_every_extra_comes(count: int) -> None:
    faults = list(plan(count, TARGETS, EXTRAS, seed=1))
    hits = Counter((fault.kind, fault.target) for fault in faults if fault.kind in COUNTED)
    assert hits.total() == count
    assert len(hits) == 2 * len(TARGETS)
    assert max(hits.values()) - min(hits.values()) <= 1
    assert {fault.kind for fault in faults} - COUNTED == set(EXTRAS)


def test_without_a_proxy_there_are_only_kills_and_pauses() -> None:
    assert {fault.kind for fault in plan(10, TARGETS, [], seed=1)} == {Kind.KILL, Kind.PAUSE}


def test_a_seed_is_an_order() -> None:
    first, same, other = (list(plan(20, TARGETS, EXTRAS, seed)) for seed in (1, 1, 2))
    assert first == same
    assert first != other
