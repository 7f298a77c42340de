"""Progress of long work on a terminal: a bar with rate and remaining time; nothing where there is no terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

Advance = Callable[[int, int], None]
"""Called with how far the work is (in the unit of `total`) and how many rows that is."""


class CountedLines:
    """A file's lines and how many bytes they were: a pipe has no position to ask for."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.done = 0

    def readline(self, limit: int, /) -> bytes:
        line = self._file.readline(limit)
        self.done += len(line)
        return line


class _RateColumn(ProgressColumn):
    """Rows a second since the start."""

    def render(self, task: Task) -> Text:
        rows = int(task.fields.get("rows", 0))
        rate = rows / task.elapsed if task.elapsed else 0.0
        return Text(f"{rows:,} rows  {rate:,.0f}/s")


@contextmanager
def progress(title: str, total: int | None) -> Iterator[Advance]:
    """Show `title` on standard error while the block runs; `total` is None where the end is not known."""
    console = Console(file=sys.stderr)
    columns = (TextColumn("{task.description}"), BarColumn(), _RateColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(title, total=total, rows=0)
        yield lambda done, rows: bar.update(task, completed=done, rows=rows)
