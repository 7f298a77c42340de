"""The pipelines' statuses as a person reads them: a table that fits 80 columns, and every error in full below it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

NOTHING = "No pipeline has told its status yet: is `python -m indexer run` running?"

_COUNTS = {
    "lag": "lagRecords",
    "lag s": "lagSeconds",
    "written": "written",
    "retries": "retries",
    "dead": "deadLetters",
}
UNKNOWN = "-"


def show(console: Console, statuses: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Print `statuses`, each as the ledger has it (see Status.dated); "told" is when, so a silent process shows."""
    if not statuses:
        console.print(NOTHING, markup=False, soft_wrap=True)
        return
    console.print(_table(statuses, now))
    for status in statuses:
        if status["error"]:
            text = Text(f"{status['pipeline']}: {status['error']}")  # Text: brackets in it are no markup
            console.print(text, soft_wrap=True)


def age(of: timedelta) -> str:
    """How long ago, in the largest unit of which there are two."""
    seconds = max(0, round(of.total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"


def _table(statuses: Iterable[Mapping[str, Any]], now: datetime) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("pipeline", overflow="fold")
    table.add_column("state", overflow="fold")
    for name in (*_COUNTS, "told"):
        table.add_column(name, justify="right", overflow="fold")
    for status in statuses:
        counts = (_text(status.get(name)) for name in _COUNTS.values())
        told = age(now - datetime.fromisoformat(status["at"]))
        table.add_row(*map(Text, (status["pipeline"], status["state"], *counts, told)))
    return table


def _text(value: Any) -> str:
    """A pipeline of an earlier release does not tell everything."""
    return UNKNOWN if value is None else str(value)
