"""What the scripts share at the terminal: errors as one line and an exit code, the time, passwords, keys."""

import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from getpass import getpass
from pathlib import Path

import typer

from keytool.errors import KeyRefused, Refused
from keytool.loading import AskPassword
from keytool.paths import shown

EXIT_REFUSED = 1
TERMINAL = {"max_content_width": 120}
"""How wide the help may be."""


@contextmanager
def refusals() -> Iterator[None]:
    """A refusal is one line on standard error, and exit code 1."""
    try:
        yield
    except Refused as exc:
        typer.echo(f"Refused: {exc}", err=True)
        raise typer.Exit(EXIT_REFUSED) from None


def now() -> datetime:
    return datetime.now(UTC)


def password_source(path: Path | None) -> AskPassword:
    """The first line of that file or, without one, what is typed; asked only when it is needed."""

    def ask() -> bytes:
        if path is not None:
            return _first_line(path)
        if not sys.stdin.isatty():
            raise KeyRefused("is encrypted", "give its password with --password-file, or run this at a terminal")
        return getpass("Password of the key: ").encode()

    return ask


def read_key(path: Path) -> bytes:
    """The file's content; a private key that others can read is worth a warning. Raises KeyRefused."""
    try:
        content = path.read_bytes()
        open_to_others = stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO)
    except OSError as exc:
        raise KeyRefused(f"{shown(path)} cannot be read", exc.strerror or "look at the file") from exc
    if open_to_others:
        typer.echo(f"Warning: others can read {shown(path)}: chmod 600 {shown(path)}", err=True)
    return content


def _first_line(path: Path) -> bytes:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as exc:
        raise KeyRefused(f"is encrypted, and {shown(path)} cannot be read", exc.strerror or "look at the file") from exc
    if not lines or not lines[0]:
        raise KeyRefused(f"is encrypted, and {shown(path)} is empty", "put the password on its first line")
    return lines[0]
