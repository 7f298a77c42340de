"""The generated users that every benchmark works on: the same ones for a count."""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from ulid import ULID

from domain.clock import now, to_milliseconds
from domain.users.bulk import Report, import_all
from domain.users.editing import new_user
from domain.users.model import User
from domain.users.rows import read_rows
from domain.users.sample import sample_users
from domain.users.service import UserService
from domain.users.store import UserStore

RawRow = Mapping[str, Any]


def raw_rows(count: int) -> Sequence[RawRow]:
    """Rows as a client sends them."""
    return list(sample_users(count))


def ready_users(rows: Sequence[RawRow]) -> Sequence[User]:
    """Validated users, as the import makes them of rows."""
    at = now()
    milliseconds = to_milliseconds(at)
    return [
        new_user(
            row, id=str(ULID.from_timestamp(milliseconds)), write_id=secrets.token_hex(8), at=at, phone_region="US"
        )
        for row in rows
    ]


def write_ndjson(path: Path, rows: Sequence[RawRow]) -> None:
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))


async def import_file(store: UserStore, path: Path) -> Report:
    """Import the file as `python -m domain import` does; a rejected row ends the benchmark."""
    rejected: list[bytes] = []
    with path.open("rb") as file:
        report = await import_all(UserService(store), read_rows(file, path.name), by=None, reject=rejected.append)
    if rejected:
        raise SystemExit(f"{len(rejected)} rows were rejected, the first: {rejected[0].decode()}")
    return report
