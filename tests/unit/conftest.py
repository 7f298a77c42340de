"""Unit tests run with sockets closed: what needs a server belongs to the other tiers."""

import pytest
import pytest_socket


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup() -> None:
    pytest_socket.disable_socket(allow_unix_socket=True)


def pytest_runtest_teardown() -> None:
    pytest_socket.enable_socket()
