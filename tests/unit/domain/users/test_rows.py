"""Import files: what is read, and what one broken row costs."""

import io

import pytest

from domain.errors import BadInput
from domain.users.rows import MAX_LINE, Row, read_rows

HEADER = "externalId,username,roles,emailVerified,attributes\n"


def rows(text: str | bytes, name: str = "x.csv", delimiter: str = ",") -> list[Row]:
    content = text.encode() if isinstance(text, str) else text
    return list(read_rows(io.BytesIO(content), name, delimiter=delimiter))


def shown(found: list[Row]) -> list[tuple[int, object]]:
    return [(row.line, row.error.message if row.error else row.values) for row in found]


def test_csv_cells_become_values() -> None:
    found = rows("\ufeff" + HEADER + '1,ann,a|b, TRUE ,"{""k"": ""v, w""}"\r\n2,bob,,,\n\n')
    assert shown(found) == [
        (
            2,
            {
                "externalId": "1",
                "username": "ann",
                "roles": ["a", "b"],
                "emailVerified": True,
                "attributes": {"k": "v, w"},
            },
        ),
        (3, {"externalId": "2", "username": "bob", "roles": None, "emailVerified": None, "attributes": None}),
    ]


def test_a_quoted_cell_may_hold_lines_and_quotes() -> None:
    found = rows('username,displayName\nann,"Ann ""A""\nLee"\nbob,B\n')
    assert shown(found) == [
        (2, {"username": "ann", "displayName": 'Ann "A"\nLee'}),
        (4, {"username": "bob", "displayName": "B"}),
    ]


def test_columns_that_the_service_sets_are_not_imported() -> None:
    found = rows("id,username,version,status,createdAt\n01ARZ3NDEKTSV4RRFFQ69G5FAV,ann,7,ACTIVE,x\n")
    assert shown(found) == [(2, {"username": "ann", "status": "ACTIVE"})]
    assert sorted(found[0].ignored) == ["createdAt", "id", "version"]
    assert rows('{"username": "ann", "version": 7}', "x.ndjson")[0].ignored == ("version",)


@pytest.mark.parametrize("name", ["x.csv", "x.ndjson"])
def test_a_byte_order_mark_is_no_part_of_the_first_row(name: str) -> None:
    text = '{"username": "ann"}\n' if name.endswith("ndjson") else "username\nann\n"
    assert [row.values for row in rows("\ufeff" + text, name)] == [{"username": "ann"}]


def test_blank_lines_before_the_header_are_passed_over() -> None:
    assert shown(rows("\r\n\nusername\nann\n")) == [(4, {"username": "ann"})]


def test_roles_that_hold_the_separator_are_a_json_list() -> None:
    found = rows('username,roles\nann,"[""a|b"", ""[c]""]"\nbob,[x\n')
    assert found[0].values["roles"] == ["a|b", "[c]"]
    assert found[1].error is not None
    assert found[1].error.message == "roles is not a list separated by |, nor a JSON list."


def test_a_row_is_kept_as_read_so_that_it_can_be_corrected() -> None:
    attributes = '"{""k"": ""' + "x" * 1000 + '""}"'
    [broken, several] = rows(f'username,emailVerified,attributes\nann,maybe,{attributes}\nbob,,"\n{{}}"\n')
    assert broken.text == f"ann,maybe,{attributes}"
    assert several.text == 'bob,,"\n{}"'


def test_one_long_cell_is_no_open_quote() -> None:
    [row] = rows("username\n" + "x" * 140_000 + "\n")
    assert row.error is not None
    assert row.error.message == "A cell is longer than 131072 characters."


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1,ann", "The row has 2 cells, the header has 5."),
        ("1,ann,,maybe,", "emailVerified is not true or false."),
        ("1,ann,,,{", "attributes is not a JSON object."),
        ('1,"ann', "A quote is opened and not closed."),
        ('1,a"n,,,', None),
        ('1,"an"n,,,', "The row is not CSV: ',' expected after '\"'."),
        ("x" * (MAX_LINE + 5), f"The row is longer than {MAX_LINE} bytes."),
    ],
)
def test_a_broken_row_costs_itself_only(row: str, reason: str | None) -> None:
    found = rows(HEADER + row + "\n2,bob,,,\n")
    assert [entry.line for entry in found] == [2, 3]
    assert (found[0].error.message if found[0].error else None) == reason
    assert found[1].values["username"] == "bob"


def test_an_open_quote_in_a_long_file_costs_one_row() -> None:
    following = "".join(f"{n},user{n},,,\n" for n in range(100_000))
    found = rows(HEADER + '0,"open,,,\n' + following)
    assert len(found) == 100_001
    assert [row.line for row in found if row.error] == [2]


def test_bytes_that_are_not_utf8_cost_one_row() -> None:
    found = rows(b"username\n\xff\xfe\nbob\n")
    assert shown(found) == [(2, "The row is not UTF-8 (byte 0)."), (3, {"username": "bob"})]


@pytest.mark.parametrize(
    ("text", "delimiter", "message"),
    [
        ("", ",", "The file is empty: its first line must name the columns."),
        ("username;email\nann;x\n", ",", "There is no field 'username;email': the columns are id, externalId, "),
        ("username,nickname\n", ",", "There is no field 'nickname': the columns are id, "),
        ("username,username\n", ",", "The header names a column twice."),
        ('"username\n', ",", "The header cannot be read. A quote is opened and not closed"),
    ],
)
def test_a_file_that_is_not_of_users_is_refused(text: str, delimiter: str, message: str) -> None:
    with pytest.raises(BadInput) as refused:
        rows(text, delimiter=delimiter)
    assert str(refused.value).startswith(message)


def test_a_wrong_delimiter_is_named() -> None:
    with pytest.raises(BadInput, match="Is the delimiter ';'\\? Then give --delimiter"):
        rows("username;email\nann;x\n")
    assert rows("username;email\nann;x\n", delimiter=";")[0].values == {"username": "ann", "email": "x"}


def test_ndjson() -> None:
    found = rows('{"username": "ann", "givenName": null, "version": 3}\n\n[1]\n{"nickname": 1}\n{\n', "x.ndjson")
    assert [(row.line, row.values, row.error is None) for row in found] == [
        (1, {"username": "ann", "givenName": None}, True),
        (3, {}, False),
        (4, {}, False),
        (5, {}, False),
    ]
    assert [row.error.message[:30] for row in found if row.error] == [
        "The line is not a JSON object.", "There is no field 'nickname': ", "The line is not JSON: unexpect",
    ]  # fmt: skip


def test_a_long_line_of_ndjson_is_one_rejected_row() -> None:
    long = '{"username": "' + "x" * (3 * MAX_LINE) + '"}\n'
    found = rows(long + '{"username": "bob"}\n', "x.jsonl")
    assert [(row.line, row.error is None) for row in found] == [(1, False), (2, True)]
    assert len(found[0].text) <= 200
