"""What every test may use, and how tests are shared out where several processes run them."""

from collections.abc import Iterator

import pytest

pytest_plugins = ["tests.servers.fixtures"]

GROUPS = {
    "engines": (
        "tests/integration/indexer",
        "tests/contract/search",
        "tests/integration/search",
        "tests/contract/indexer",
        "tests/integration/test_servers.py::test_shared_servers_answer",
    ),
    "resilience": ("tests/integration/resilience",),
    "servers": ("tests/integration/test_servers.py",),
    "users": ("tests/contract/users",),
    "api": ("tests/integration",),
    "browser": ("tests/browser",),
}
"""The tests of a group run in one process, so that they share its servers; the longest group begins first. What is in
no group, the unit tests, goes to whichever process is free."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {name: place for place, name in enumerate(GROUPS)}
    for item in items:
        for name in _groups(item):
            item.add_marker(pytest.mark.xdist_group(name))
            break
    items.sort(key=lambda item: min((order[name] for name in _groups(item)), default=len(order)))


def _groups(item: pytest.Item) -> Iterator[str]:
    return (name for name, places in GROUPS.items() if item.nodeid.startswith(places))


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests have recorded as `show`: tables that are worth reading although all is well."""
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties:
            if name == "show":
                terminalreporter.section(report.nodeid.partition("@")[0], sep="-")
                terminalreporter.write_line(str(text))
