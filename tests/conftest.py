"""What every test may use, and how tests are shared out where several processes run them."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

pytest_plugins = ["tests.servers.fixtures"]

GROUPS = {
    "kafka": (
        "tests/integration/indexer/test_accounts",
        "tests/integration/indexer/test_connect",
        "tests/integration/indexer/test_kafka",
        "tests/integration/indexer/test_relay",
    ),
    "engines": (
        "tests/integration/indexer",
        "tests/contract/indexer",
        "tests/integration/test_servers.py::test_shared_servers_answer",
    ),
    "resilience": ("tests/integration/resilience",),
    "search": ("tests/contract/search", "tests/integration/search"),
    "servers": ("tests/integration/test_servers.py",),
    "users": ("tests/contract/users",),
    "api": ("tests/integration",),
    "browser": ("tests/browser",),
}
"""The tests of a group run in one process, so that they share its servers; the longest group begins first. Of two
groups that claim a test the first has it. What is in no group, the unit tests, goes to whichever process is free."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {name: place for place, name in enumerate(GROUPS)}
    items.sort(key=lambda item: order.get(group_of(item.nodeid), len(order)))


def group_of(nodeid: str) -> str:
    """The group of a test; that of a unit test is its file."""
    return next((name for name, places in GROUPS.items() if nodeid.startswith(places)), nodeid.partition("::")[0])


class GroupScheduling(LoadScopeScheduling):
    """Gives each group to one process. xdist's own groups are marks that it writes where pytest 9.2 does not look."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    return GroupScheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests have recorded as `show`: tables that are worth reading although all is well."""
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties:
            if name == "show":
                terminalreporter.section(report.nodeid.partition("@")[0], sep="-")
                terminalreporter.write_line(str(text))
