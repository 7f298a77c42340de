"""The image's health check believes a 200 of /livez, on the API's port or the indexer's, and nothing else."""

import runpy
import socket
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from domain.settings import Settings
from tests.unit.deploy.project import ROOT

SCRIPT: Mapping[str, Any] = runpy.run_path(str(ROOT / "deploy/healthcheck.py"))
DEFAULTS = {
    "PORT": Settings.model_fields["port"].default,
    "INDEXER_PORT": Settings.model_fields["indexer_port"].default,
}


class End(socket.socket):
    """A local socket that, as one of TCP does, takes TCP's options."""

    def setsockopt(self, *_: object) -> None: ...


class Network:
    """This container's ports: what each one answers, and what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[int, bytes] = {}
        self.asked: list[int] = []
        self._ends: list[socket.socket] = []

    def connect(self, address: tuple[str, int], *_: object) -> socket.socket:
        host, port = address
        assert host == "127.0.0.1"
        self.asked.append(port)
        if port not in self.answers:
            raise ConnectionRefusedError
        near, far = socket.socketpair(socket.AF_UNIX)
        far.sendall(self.answers[port])
        far.shutdown(socket.SHUT_WR)
        self._ends.append(far)
        return End(fileno=near.detach())

    def requests(self) -> list[bytes]:
        return [end.recv(1000).splitlines()[0] for end in self._ends]

    def close(self) -> None:
        for end in self._ends:
            end.close()


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    """Without a port that answers, and without a variable that names one."""
    for name in DEFAULTS:
        monkeypatch.delenv(name, raising=False)
    network = Network()
    monkeypatch.setattr(socket, "create_connection", network.connect)
    yield network
    network.close()


ALIVE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
STUCK = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\n{}"


def test_its_ports_are_those_of_the_settings() -> None:
    assert SCRIPT["PORTS"] == DEFAULTS


@pytest.mark.parametrize("name", list(DEFAULTS))
def test_either_process_is_found_at_its_port(name: str, network: Network) -> None:
    network.answers[DEFAULTS[name]] = ALIVE
    assert SCRIPT["main"]() == 0
    assert network.requests() == [b"GET /livez HTTP/1.1"]


@pytest.mark.parametrize("name", list(DEFAULTS))
def test_a_port_may_be_another_one(name: str, network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "7000")
    network.answers[7000] = ALIVE
    assert SCRIPT["main"]() == 0


def test_an_empty_variable_is_none(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "")
    network.answers[DEFAULTS["PORT"]] = ALIVE
    assert SCRIPT["main"]() == 0


@pytest.mark.parametrize("answer", [STUCK, b"", b"SSH-2.0-OpenSSH_9.2\r\n"], ids=["stuck", "hung up", "another server"])
def test_anything_but_alive_is_not(answer: bytes, network: Network) -> None:
    network.answers[DEFAULTS["INDEXER_PORT"]] = answer
    assert SCRIPT["main"]() == 1


def test_nobody_there_is_not_alive(network: Network) -> None:
    assert SCRIPT["main"]() == 1
    assert network.asked == list(DEFAULTS.values())
