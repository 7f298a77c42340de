"""Peers in a terminal."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from graph.peers.asking import is_well
from graph.peers.table import NOTHING, headline, show

INSTANCE = {
    "address": "10.0.0.7:8001",
    "state": "ACTIVE",
    "priority": 0,
    "weight": 1,
    "latency": 0.0123,
    "inFlight": 2,
    "requests": 40,
    "failures": 1,
}
PEER: dict[str, Any] = {
    "name": "posts",
    "url": "srv://_graphql._tcp.posts",
    "circuit": "CLOSED",
    "retryAfter": None,
    "lookupAge": 1.0,
    "lookupError": None,
    "panic": False,
    "instances": [INSTANCE],
}


def _shown(*peers: dict[str, Any]) -> str:
    out = StringIO()
    show(Console(file=out, width=100), peers)
    return " ".join(out.getvalue().split())


def test_an_instance_is_a_line() -> None:
    assert _shown(PEER) == (
        "posts (srv://_graphql._tcp.posts): circuit closed instance state latency in flight requests failed "
        "10.0.0.7:8001 active 12.3 ms 2 40 1"
    )


def test_one_that_has_not_answered_has_no_latency() -> None:
    assert "active - 2" in _shown(PEER | {"instances": [INSTANCE | {"latency": None}]})


def test_no_peers_are_said_to_be_none() -> None:
    assert _shown() == NOTHING


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"circuit": "HALF_OPEN"}, "circuit half open"),
        ({"circuit": "OPEN", "retryAfter": 2.04}, "circuit open; asked again in 2.0 s"),
        ({"instances": []}, "circuit closed; no instance is known"),
        ({"panic": True}, "circuit closed; too few instances are well, all are asked"),
        ({"lookupError": "SERVFAIL [x]"}, "circuit closed; the last look failed: SERVFAIL [x]"),
    ],
)
def test_the_headline_says_what_is_wrong(changes: dict[str, Any], told: str) -> None:
    assert headline(PEER | changes) == f"posts (srv://_graphql._tcp.posts): {told}"


@pytest.mark.parametrize(
    ("changes", "well"),
    [
        ({}, True),
        ({"circuit": "OPEN"}, False),
        ({"circuit": "HALF_OPEN"}, False),
        ({"instances": []}, False),
        ({"instances": [INSTANCE | {"state": "EJECTED"}, INSTANCE | {"state": "RESTING"}]}, False),
        ({"instances": [INSTANCE | {"state": "EJECTED"}, INSTANCE | {"state": "SLOW_START"}]}, True),
    ],
)
def test_a_peer_is_well_if_it_is_asked_and_an_instance_is(changes: dict[str, Any], well: bool) -> None:
    assert is_well(PEER | changes) is well
