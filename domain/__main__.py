"""Users from and to a terminal: import, export, sample.

Exit codes: 0 all is done; 1 some rows were rejected; 2 the command, the file or the settings are refused;
3 the user store does not answer: run the same command again, what is there already is not written twice.
"""

import asyncio
import os
import sys
import time
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, BinaryIO, TypeVar

import typer

from domain import logs
from domain.backends import open_store
from domain.errors import BadInput, OutOfReach, SettingsError, StoreUnavailable
from domain.progress import CountedLines, progress
from domain.settings import Settings, load_settings
from domain.users import exporting
from domain.users.bulk import Report, import_all
from domain.users.filter import EVERYONE
from domain.users.importing import RowOutcome
from domain.users.rows import Row, read_rows
from domain.users.sample import sample_users

# Rich's own markup would swallow the brackets of `[default: …]`.
app = typer.Typer(
    help=__doc__,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
T = TypeVar("T")
REASONS_SHOWN = 5


class By(StrEnum):
    EXTERNAL_ID = "externalId"
    USERNAME = "username"


class Format(StrEnum):
    CSV = "csv"
    NDJSON = "ndjson"


@app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="CSV with a header, or .ndjson/.jsonl with one user a line.")],
    by: Annotated[
        By | None, typer.Option(help="The field that finds the user of a row [default: externalId where there is one]")
    ] = None,
    delimiter: Annotated[str, typer.Option(help="What separates the cells of CSV.")] = ",",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every row, write nothing.")] = False,
    rejected: Annotated[
        Path | None, typer.Option(help="Where rejected rows go [default: FILE.rejected.ndjson]")
    ] = None,
) -> None:
    """Create or update a user for each row; rejected rows go to a file, with line number and reason.

    An empty cell leaves a field as it is; roles are separated by |; attributes are a JSON object; of rows with the
    same key the later wins. An interrupted import is resumed by repeating it.
    """
    delimiter = "\t" if delimiter == r"\t" else delimiter
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise typer.BadParameter("give one character", param_hint="--delimiter")
    target = rejected or _beside(file)
    if target.exists() and file.exists() and target.samefile(file):
        raise typer.BadParameter("this is the file to import", param_hint="--rejected")
    report = _run(_import(file, target, by, delimiter, dry_run=dry_run))
    if report.rejected:
        for reason, count in report.reasons.most_common(REASONS_SHOWN):
            typer.echo(f"  {count} × {reason}", err=True)
        typer.echo(f"The rejected rows are in {target}.", err=True)
        raise typer.Exit(1)


@app.command("export")
def export_command(
    file: Annotated[Path, typer.Argument(help="Where to; - is standard output.")],
    format: Annotated[Format | None, typer.Option(help="[default: by the file's name, else csv]")] = None,
) -> None:
    """Write all users in a form that `import` reads back. The file appears when it is complete."""
    chosen = format or (Format.NDJSON if file.suffix in {".ndjson", ".jsonl"} else Format.CSV)
    typer.echo(f"{_run(_export(file, chosen))} users exported.", err=True)


@app.command("sample")
def sample_command(
    count: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many users.")] = 1_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same users.")] = 1,
    if_empty: Annotated[bool, typer.Option("--if-empty", help="Only where there is no user yet.")] = False,
) -> None:
    """Fill the store with generated users of many languages."""
    _run(_sample(count, seed, if_empty=if_empty))


async def _import(file: Path, rejected: Path, by: By | None, delimiter: str, *, dry_run: bool) -> Report:
    async with open_store(_settings()) as backend:
        with (
            file.open("rb") as source,
            _RejectedRows(rejected) as rejects,
            progress(f"import {file.name}", _size(file)) as advance,
        ):
            counted = CountedLines(source)
            started = time.monotonic()
            report = await import_all(
                backend.users,
                read_rows(counted, file.name, delimiter=delimiter),
                by=by.value if by else None,
                reject=rejects.write,
                advance=lambda report: advance(counted.done, report.rows),
                dry_run=dry_run,
            )
    _show(report, time.monotonic() - started, dry_run=dry_run)
    return report


async def _export(file: Path, format: Format) -> int:
    count = 0
    async with open_store(_settings()) as backend:
        total = await backend.users.count(EVERYONE)
        with _complete_file(file) as target, progress(f"export {file.name}", total) as advance:
            if format is Format.CSV:
                target.write(exporting.csv_header())
            line = exporting.to_csv if format is Format.CSV else exporting.to_ndjson
            async for users in exporting.in_batches(backend.store):
                target.writelines(map(line, users))
                count += len(users)
                advance(count, count)
    return count


async def _sample(count: int, seed: int, *, if_empty: bool) -> None:
    async with open_store(_settings()) as backend:
        if if_empty and await backend.users.count(EVERYONE):
            return
        rows = (Row(number, "", values) for number, values in enumerate(sample_users(count, seed=seed), 1))
        started = time.monotonic()
        with progress("sample users", count) as advance:
            report = await import_all(
                backend.users,
                rows,
                by=By.EXTERNAL_ID.value,
                reject=lambda line: typer.echo(line, err=True),
                advance=lambda report: advance(report.rows, report.rows),
            )
    _show(report, time.monotonic() - started, dry_run=False)


def _show(report: Report, seconds: float, *, dry_run: bool) -> None:
    counts = ", ".join(f"{report.outcomes[outcome]} {outcome.value}" for outcome in RowOutcome)
    rate = report.rows / seconds if seconds else 0
    prefix = "dry run, nothing written: " if dry_run else ""
    typer.echo(f"{prefix}{report.rows} rows: {counts} ({seconds:.1f} s, {rate:,.0f} rows/s)", err=True)
    if report.ignored:
        names = ", ".join(sorted(report.ignored))
        typer.echo(f"Not imported, because the service sets them itself: {names}.", err=True)


def _size(file: Path) -> int | None:
    return file.stat().st_size or None


def _beside(file: Path) -> Path:
    """Where the rejected rows of `file` go; a pipe's into the working directory."""
    return file.with_name(f"{file.name}.rejected.ndjson") if file.is_file() else Path("import.rejected.ndjson")


class _RejectedRows(ExitStack):
    """The file of rejected rows, made only when there is one, and in the place of an older one only when complete."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._file: BinaryIO | None = None

    def write(self, line: bytes) -> None:
        if self._file is None:
            self._file = self.enter_context(_complete_file(self._path))
        self._file.write(line)


@contextmanager
def _complete_file(path: Path) -> Iterator[BinaryIO]:
    """A file, private (it holds personal data), that has its name only once it is complete."""
    if str(path) == "-":
        yield sys.stdout.buffer
        return
    if path.exists() and not path.is_file():  # a pipe or a device, such as /dev/null
        with path.open("wb") as file:
            yield file
        return
    partial = path.with_name(f".{path.name}.partial")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _settings() -> Settings:
    settings = load_settings()
    logs.set_up(settings.log_level)
    return settings


def _run(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`; a failure is one line on standard error and an exit code."""
    try:
        return asyncio.run(work)
    except OutOfReach as exc:
        typer.echo(f"Error: {exc}", err=True)
        raise typer.Exit(3) from None
    except (SettingsError, BadInput) as exc:
        typer.echo(f"Error: {exc}", err=True)
        raise typer.Exit(2) from None
    except OSError as exc:
        subject = f"{exc.filename}: " if exc.filename is not None else ""
        typer.echo(f"Error: {subject}{exc.strerror}.", err=True)
        raise typer.Exit(2) from None
    except StoreUnavailable as exc:
        typer.echo(f"Error: {exc} Run the same command again to go on.", err=True)
        raise typer.Exit(3) from None
    except KeyboardInterrupt:
        typer.echo("Interrupted: run the same command again to go on.", err=True)
        raise typer.Exit(130) from None


if __name__ == "__main__":
    app(prog_name="python -m domain")
