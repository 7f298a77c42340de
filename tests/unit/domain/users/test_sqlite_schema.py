"""SQLite's tables and rows."""

import sqlite3
from dataclasses import replace

from domain.users.fields import FIELDS
from domain.users.sqlite_schema import COLUMNS, create_schema, from_row, to_row
from tests.contract.users.users import T0, a_user


def columns(connection: sqlite3.Connection) -> list[str]:
    return [row[1] for row in connection.execute("PRAGMA table_info(users)")]


def test_each_field_and_each_key_is_a_column() -> None:
    assert {field.name for field in FIELDS} | {field.compared for field in FIELDS} <= set(COLUMNS)
    assert COLUMNS[len(FIELDS) :] == ("usernameKey", "emailKey", "schema", "writeId", "unknown")


def test_absent_values_are_null_and_false_is_not_absent() -> None:
    row = dict(zip(COLUMNS, to_row(a_user(email_verified=False)), strict=True))
    assert row["emailVerified"] == 0
    assert row["createdAt"] == 1767323045678
    assert [row[name] for name in ("givenName", "emailKey", "roles", "attributes", "unknown")] == [None] * 5
    assert from_row(tuple(row.values())).email_verified is False


def test_a_field_that_an_older_release_did_not_know_is_read_once_it_is_known() -> None:
    row = dict(zip(COLUMNS, to_row(a_user(unknown={"nextRelease": [1]})), strict=True))
    assert row["unknown"] == '{"nextRelease":[1]}'
    row |= {"unknown": '{"nickName":"x","locale":"de"}', "locale": None}
    user = from_row(tuple(row.values()))
    assert (user.locale, user.unknown) == ("de", {"nickName": "x"})


def test_a_table_of_an_older_release_gets_the_new_columns() -> None:
    connection = sqlite3.connect(":memory:")
    create_schema(connection)
    user = a_user(given_name="Ann", timezone="Europe/Berlin", created_at=T0)
    listed = ", ".join(f'"{name}"' for name in COLUMNS)
    insert = f"INSERT INTO users ({listed}) VALUES ({', '.join('?' * len(COLUMNS))})"
    connection.execute(insert, to_row(user))
    connection.execute('ALTER TABLE users DROP COLUMN "timezone"')
    connection.execute('DROP INDEX "by_givenName"')
    connection.execute('ALTER TABLE users DROP COLUMN "givenName"')
    create_schema(connection)
    create_schema(connection)
    assert sorted(columns(connection)) == sorted(COLUMNS)
    [row] = connection.execute(f"SELECT {listed} FROM users")
    assert from_row(row) == replace(user, given_name=None, timezone=None)
    indexes = {row[1] for row in connection.execute("PRAGMA index_list(users)")}
    assert {"by_givenName", "unique_usernameKey", "tombstones"} <= indexes
    connection.close()
