"""`python -m domain` as a process: import, export and sample in the embedded mode, whatever the file holds."""

import asyncio
import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest

from domain.backends import open_store
from domain.settings import load_settings
from domain.users.exporting import in_batches
from domain.users.model import User

ROOT = Path(__file__).parents[2]
TIMEOUT = 120
MAX_RESIDENT = 200_000_000
HUGE = 300_000_000
SETTINGS = ("MONGODB_URL", "ELASTICSEARCH_URL", "KAFKA_BOOTSTRAP_SERVERS")


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command left: exit code, standard error, and its largest resident set in bytes."""

    code: int
    error: str
    resident: int


_MEASURED = f"""
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:], timeout={TIMEOUT})
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""
"""Runs a command from a small process: on Linux a child's peak begins with that of the process that started it."""


@dataclass(frozen=True, slots=True)
class Commands:
    """Runs commands on the data in `folder`."""

    folder: Path

    def run(self, *arguments: str | Path, **variables: str) -> Ended:
        ended = subprocess.run(
            [sys.executable, "-c", _MEASURED, *self.line(*arguments)],
            cwd=ROOT,
            env=self.environment(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        resident = int(ended.stdout) * (1 if sys.platform == "darwin" else 1024)
        return Ended(ended.returncode, ended.stderr, resident)

    def line(self, *arguments: str | Path) -> list[str]:
        return [sys.executable, "-m", "domain", *map(str, arguments)]

    def environment(self, **variables: str) -> dict[str, str]:
        """This process's without settings of another mode."""
        inherited = {name: value for name, value in os.environ.items() if name not in SETTINGS}
        return {**inherited, "DATA_DIR": str(self.folder / "data"), **variables}

    def users(self) -> list[User]:
        """All users in the store."""
        return asyncio.run(self._users())

    async def _users(self) -> list[User]:
        async with open_store(load_settings(data_dir=self.folder / "data")) as backend:
            return [user async for users in in_batches(backend.store) for user in users]


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    return Commands(tmp_path)


def _csv(path: Path, rows: Sequence[Sequence[str]], delimiter: str = ",") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


HEADER = ("externalId", "username", "displayName", "email", "roles", "attributes")
PEOPLE = (
    HEADER,
    ("1", "nydia", "Nydia M. Velázquez", "nydia@example.org", "admin|viewer", '{"team": "House, NY", "level": 7}'),
    ("2", "chuy", 'Jesús G. "Chuy" García', "chuy@example.org", "", ""),
    ("3", "amy", "Amy Klobuchar", "", "viewer", ""),
)


def _one_line(ended: Ended) -> str:
    """A refusal: exit code 2 and one line that says why."""
    assert ended.code == 2, ended.error
    [line] = ended.error.splitlines()
    return line


def test_a_file_is_imported_once_and_again_changes_nothing(commands: Commands, tmp_path: Path) -> None:
    file = _csv(tmp_path / "people.csv", PEOPLE)
    first = commands.run("import", file)
    assert first.code == 0, first.error
    assert "3 rows: 3 created, 0 updated, 0 unchanged, 0 rejected" in first.error
    before = commands.users()
    assert {user.username: user.display_name for user in before} == {row[1]: row[2] for row in PEOPLE[1:]}
    again = commands.run("import", file)
    assert again.code == 0
    assert "3 rows: 0 created, 0 updated, 3 unchanged, 0 rejected" in again.error
    assert commands.users() == before
    assert not (tmp_path / "people.csv.rejected.ndjson").exists()


def test_a_changed_row_updates_and_an_empty_cell_leaves_what_is_there(commands: Commands, tmp_path: Path) -> None:
    assert commands.run("import", _csv(tmp_path / "people.csv", PEOPLE)).code == 0
    changes = _csv(
        tmp_path / "changes.csv",
        [("username", "displayName", "email"), ("nydia", "", "n.velazquez@example.org"), ("amy", "Amy K.", "")],
    )
    ended = commands.run("import", changes, "--by", "username")
    assert ended.code == 0, ended.error
    assert "2 rows: 0 created, 2 updated" in ended.error
    found = {user.username: user for user in commands.users()}
    assert (found["nydia"].display_name, found["nydia"].email) == ("Nydia M. Velázquez", "n.velazquez@example.org")
    assert found["amy"].display_name == "Amy K."


def test_rejected_rows_go_to_a_private_file_with_line_field_and_reason(commands: Commands, tmp_path: Path) -> None:
    file = _csv(
        tmp_path / "people.csv",
        [
            *PEOPLE[:2],
            ("4", "NYDIA", "Another", "", "", ""),
            ("5", "ben", "Two\nlines", "", "", ""),
            ("6", "eve", "Eve", "not an address", "", ""),
            ("7", "bob"),
            ("8", "good", "Good", "", "", ""),
        ],
    )
    ended = commands.run("import", file)
    assert ended.code == 1, ended.error
    assert "6 rows: 2 created, 0 updated, 0 unchanged, 4 rejected" in ended.error
    path = tmp_path / "people.csv.rejected.ndjson"
    assert str(path) in ended.error
    assert path.stat().st_mode & 0o777 == 0o600
    rejected = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [(row["line"], row["field"]) for row in sorted(rejected, key=lambda row: row["line"])] == [
        (3, "username"),
        (4, "displayName"),
        (6, "email"),
        (7, None),
    ]
    reasons = {row["line"]: row["reason"] for row in rejected}
    assert reasons[3] == "Another user has this username: choose another one."
    assert "U+000A" in reasons[4]
    assert reasons[7] == "The row has 2 cells, the header has 6."
    assert sorted(str(user.username) for user in commands.users()) == ["good", "nydia"]


def test_a_dry_run_judges_every_row_and_writes_nothing(commands: Commands, tmp_path: Path) -> None:
    file = _csv(tmp_path / "people.csv", [*PEOPLE, ("9", "eve", "Eve", "not an address", "", "")])
    ended = commands.run("import", file, "--dry-run")
    assert ended.code == 1
    assert "dry run, nothing written: 4 rows: 3 created, 0 updated, 0 unchanged, 1 rejected" in ended.error
    assert commands.users() == []


@pytest.mark.parametrize("suffix", ["csv", "ndjson"])
def test_what_is_exported_can_be_imported_elsewhere(tmp_path: Path, suffix: str) -> None:
    here, there = (Commands(tmp_path / name) for name in ("here", "there"))
    assert here.run("import", _csv(tmp_path / "people.csv", PEOPLE)).code == 0
    export = tmp_path / f"export.{suffix}"
    ended = here.run("export", export)
    assert (ended.code, ended.error) == (0, "3 users exported.\n")
    assert export.stat().st_mode & 0o777 == 0o600
    ended = there.run("import", export)
    assert ended.code == 0, ended.error
    assert "3 rows: 3 created" in ended.error
    assert "Not imported, because the service sets them itself: createdAt, id, " in ended.error
    assert _personal(there) == _personal(here)
    ended = here.run("import", export)
    assert "0 created, 0 updated, 3 unchanged, 0 rejected" in ended.error


def _personal(commands: Commands) -> list[User]:
    """The users without what the service itself sets."""
    at = datetime.fromtimestamp(0, UTC)
    users = commands.users()
    plain = [replace(u, id="", write_id="", created_at=at, updated_at=at, status_changed_at=at) for u in users]
    return sorted(plain, key=lambda user: str(user.username))


def test_generated_users_are_made_once(commands: Commands) -> None:
    assert "150 created" in commands.run("sample", "--count", "150", "--if-empty").error
    made = commands.users()
    assert len({user.username for user in made}) == 150
    assert commands.run("sample", "--count", "150", "--if-empty").code == 0
    assert commands.users() == made


def test_another_delimiter_is_found_out_and_named(commands: Commands, tmp_path: Path) -> None:
    file = _csv(tmp_path / "people.csv", PEOPLE, delimiter=";")
    assert "Is the delimiter ';'? Then give --delimiter." in _one_line(commands.run("import", file))
    assert commands.run("import", file, "--delimiter", ";").code == 0
    assert len(commands.users()) == 3


def test_a_tab_may_be_typed_as_it_is_shown(commands: Commands, tmp_path: Path) -> None:
    file = _csv(tmp_path / "people.tsv", PEOPLE, delimiter="\t")
    assert r"Is the delimiter '\t'?" in _one_line(commands.run("import", file))
    assert commands.run("import", file, "--delimiter", r"\t").code == 0


def test_the_file_to_import_is_no_place_for_rejected_rows(commands: Commands, tmp_path: Path) -> None:
    file = _csv(tmp_path / "people.csv", [*PEOPLE, ("9", "eve", "Eve", "not an address", "", "")])
    before = file.read_bytes()
    link = tmp_path / "link.ndjson"
    link.symlink_to(file)
    for target in (file, link):
        assert commands.run("import", file, "--rejected", target, "--dry-run").code == 2
    assert file.read_bytes() == before


def test_an_older_file_of_rejected_rows_is_replaced_by_a_complete_one_only(commands: Commands, tmp_path: Path) -> None:
    older = tmp_path / "older.ndjson"
    older.write_text("older")
    good = _csv(tmp_path / "good.csv", PEOPLE)
    assert commands.run("import", good, "--rejected", older).code == 0
    assert commands.run("import", tmp_path / "none.csv", "--rejected", older).code == 2
    assert older.read_text() == "older"
    bad = _csv(tmp_path / "bad.csv", [HEADER, ("9", "eve", "Eve", "not an address", "", "")])
    assert commands.run("import", bad, "--rejected", older).code == 1
    assert json.loads(older.read_text())["row"] == "9,eve,Eve,not an address,,"
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


def test_a_pipe_is_imported_too(commands: Commands, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    rows = "username\n" + "".join(f"user{n}\n" for n in range(1_500))
    Thread(target=pipe.write_text, args=[rows], daemon=True).start()
    ended = commands.run("import", pipe)
    assert ended.code == 0, ended.error
    assert "1500 rows: 1500 created" in ended.error


def test_a_file_that_is_not_there_is_one_line(commands: Commands, tmp_path: Path) -> None:
    missing = tmp_path / "none.csv"
    assert _one_line(commands.run("import", missing)) == f"Error: {missing}: No such file or directory."


def test_settings_that_are_no_mode_are_one_line(commands: Commands, tmp_path: Path) -> None:
    file = _csv(tmp_path / "people.csv", PEOPLE)
    line = _one_line(commands.run("import", file, MONGODB_URL="mongodb://127.0.0.1:1/"))
    assert line.startswith("Error: MONGODB_URL without ELASTICSEARCH_URL")


def test_an_import_that_was_killed_goes_on_where_it_was(commands: Commands, tmp_path: Path) -> None:
    count = 6_000
    file = _csv(
        tmp_path / "many.csv", [("username", "displayName"), *((f"user{n}", f"User {n}") for n in range(count))]
    )
    process = subprocess.Popen(
        commands.line("import", file), cwd=ROOT, env=commands.environment(), stderr=subprocess.DEVNULL
    )
    journal = tmp_path / "data" / "users.db-wal"
    try:
        deadline = time.monotonic() + TIMEOUT
        while not (journal.exists() and journal.stat().st_size > 1_000_000):  # the first batches are there
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.005)
    finally:
        process.kill()
    assert process.wait() == -signal.SIGKILL
    kept = commands.users()
    assert 0 < len(kept) < count
    ended = commands.run("import", file)
    assert ended.code == 0, ended.error
    assert f"{count - len(kept)} created, 0 updated, {len(kept)} unchanged, 0 rejected" in ended.error
    users = commands.users()
    assert len(users) == count
    assert {user.version for user in users} == {1}


def _written(path: Path, chunks: Iterable[bytes]) -> Path:
    with path.open("wb") as file:
        file.writelines(chunks)
    return path


def test_one_line_of_300_megabytes_costs_one_row_and_little_memory(commands: Commands, tmp_path: Path) -> None:
    block = b"x" * 1_000_000
    chunks = (b"username\n", *(block for _ in range(HUGE // len(block))), b"\nada\n")
    ended = commands.run("import", _written(tmp_path / "huge.csv", chunks))
    assert ended.code == 1, ended.error
    assert "2 rows: 1 created, 0 updated, 0 unchanged, 1 rejected" in ended.error
    assert ended.resident < MAX_RESIDENT
    [rejected] = (tmp_path / "huge.csv.rejected.ndjson").read_text().splitlines()
    assert json.loads(rejected)["reason"] == "The row is longer than 1048576 bytes."
    assert len(rejected) < 1_000


def test_a_quote_that_is_never_closed_costs_little_memory(commands: Commands, tmp_path: Path) -> None:
    """The row with the quote is refused; the rest of the file, in which it lies open, is read on all the same."""
    filler = b"x" * 999_999 + b"\n"
    chunks = (b'username\n"ada\n', *(filler for _ in range(HUGE // len(filler))), b"bob\n")
    ended = commands.run("import", _written(tmp_path / "quote.csv", chunks))
    assert ended.code == 1, ended.error
    assert "1 created" in ended.error
    assert ended.resident < MAX_RESIDENT
    first = (tmp_path / "quote.csv.rejected.ndjson").read_text().partition("\n")[0]
    assert (json.loads(first)["line"], json.loads(first)["reason"]) == (2, "A quote is opened and not closed.")


def test_many_rows_cost_little_memory(commands: Commands, tmp_path: Path) -> None:
    """Rows are dropped once they are decided; the times of an export, which an import ignores, make these large."""
    count = 15_000
    ignored = "x" * (HUGE // count)
    rows = (json.dumps({"username": f"user{n}", "createdAt": ignored}).encode() + b"\n" for n in range(count))
    ended = commands.run("import", _written(tmp_path / "many.ndjson", rows), "--dry-run")
    assert ended.code == 0, ended.error
    assert f"{count} rows: {count} created" in ended.error
    assert ended.resident < MAX_RESIDENT


def test_large_rows_cost_little_memory(commands: Commands, tmp_path: Path) -> None:
    """The values of a row take many times what its text does."""
    count = 20
    nested = b"[" + b"[]," * 330_000 + b"[]]"
    rows = (b'{"username":"user%d","attributes":null,"createdAt":%b}\n' % (n, nested) for n in range(count))
    ended = commands.run("import", _written(tmp_path / "large.ndjson", rows), "--dry-run")
    assert ended.code == 0, ended.error
    assert f"{count} rows: {count} created" in ended.error
    assert ended.resident < MAX_RESIDENT


def test_reasons_that_quote_the_file_cost_little_memory(commands: Commands, tmp_path: Path) -> None:
    count = 150_000
    rows = (f'{{"{n:06}{"𠮷" * 190}":1}}\n'.encode() for n in range(count))
    ended = commands.run("import", _written(tmp_path / "reasons.ndjson", rows), "--dry-run")
    assert ended.code == 1, ended.error
    assert f"{count} rejected" in ended.error
    assert ended.resident < MAX_RESIDENT
