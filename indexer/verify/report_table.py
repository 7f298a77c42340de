"""A report as a person reads it, within 80 columns."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from indexer.verify.drift import Drift, Kind
from indexer.verify.report import Report
from indexer.verify.suspects import MOST

REPAIR_HINT = "`python -m indexer verify --repair` writes them again from the store."
LEFT_HINT = (
    "What a repair leaves was refused (see the dead letters and the log) or is newer to the engine than the store's: "
    "`python -m indexer rebuild` makes the index anew."
)
AHEAD_HINT = (
    "Ahead: the index has versions that the store does not know, as after the store was restored from a backup. "
    "No repair touches them; only `python -m indexer rebuild` makes the index anew."
)


def show(console: Console, report: Report) -> None:
    """Print `report`."""
    _line(
        console,
        f"{report.users:,} users of the store compared with {report.documents:,} documents of {report.index} "
        f"in {report.seconds:,.1f} s",
    )
    if not report.found:
        _line(console, "No drift.")
        return
    console.print(_counts(report))
    console.print(_examples(report))
    for line in _advice(report):
        _line(console, line)


def _line(console: Console, text: str) -> None:
    console.print(Text(text), soft_wrap=True)


def _counts(report: Report) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("drift")
    for name in ("found", "left after the repair") if report.repaired else ("found",):
        table.add_column(name, justify="right")
    for kind in Kind:
        counts = [report.found.get(kind, 0)] + ([report.remaining.get(kind, 0)] if report.repaired else [])
        table.add_row(kind.value, *(f"{count:,}" for count in counts))
    return table


def _examples(report: Report) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("for example")
    table.add_column("user")
    table.add_column("store", justify="right")
    table.add_column("index", justify="right")
    table.add_column("")
    for drift in report.examples:
        table.add_row(drift.kind.value, drift.id, *_versions(drift), _note(report, drift))
    return table


def _versions(drift: Drift) -> tuple[str, str]:
    stored, held = ("-" if version is None else f"v{version}" for version in (drift.stored, drift.held))
    return stored, held


def _note(report: Report, drift: Drift) -> str:
    return "dead letter" if drift.id in report.dead_letters else ""


def _advice(report: Report) -> list[str]:
    ahead = report.remaining.get(Kind.AHEAD, 0)
    lines = []
    if report.hurried:
        lines.append(f"After the first {MOST:,} the others were looked at again without waiting for the indexer.")
    if report.drift == 0:
        lines.append("All of it is repaired.")
    elif report.drift > ahead:
        lines.append(LEFT_HINT if report.repaired else REPAIR_HINT)
    if ahead:
        lines.append(AHEAD_HINT)
    return lines
