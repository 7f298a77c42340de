"""Where there can be no network of one's own, the tests say so, and are not collected at all unless asked for."""

import ipaddress

import pytest

from tests.cluster import network


def test_the_tests_are_asked_for_by_their_own_command_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLUSTER_NETWORK", raising=False)
    assert not network.asked()
    assert network.missing() == "run them by `make test-cluster`"
    monkeypatch.setenv("CLUSTER_NETWORK", "own")
    assert network.asked()
    assert network.missing() is None


def test_a_missing_tool_is_named_and_the_command_runs_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("CLUSTER_NETWORK", "")
    monkeypatch.setattr("os.execvp", lambda _, arguments: ran.append(arguments))
    network.enter(["pytest", "tests/cluster"])
    assert ran == [["pytest", "tests/cluster"]]
    assert network.missing() == "no unshare on the PATH: Linux with util-linux and iproute2 is needed"


def test_pods_get_addresses_that_an_endpoint_may_have() -> None:
    given = [ipaddress.ip_address(address) for address in network.addresses()]
    assert len(set(given)) == len(given) >= 20
    assert all(address in network.PODS and not address.is_loopback for address in given)
