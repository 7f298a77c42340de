from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import NewerSchema
from domain.search.document import IndexEntry
from domain.users.model import SCHEMA
from indexer.errors import NotOurs
from indexer.record import AnyHeaders, decode, encode, written_at
from tests.unit.indexer.fakes import deletion, entry, user_id

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.integers(0, 10**9), st.integers(1, 10**18 - 1), st.none() | st.dictionaries(st.text(), VALUES, max_size=5))
def test_what_is_encoded_is_decoded(number: int, version: int, fields: dict[str, object] | None) -> None:
    id = user_id(number)
    document = None if fields is None else {**fields, "id": id, "version": version}
    made = encode(IndexEntry(id, version, document))
    assert decode(made.key, made.value, made.headers) == IndexEntry(id, version, document)


def test_the_format() -> None:
    made = encode(entry(1, 7))
    assert made.key == user_id(1).encode()
    assert made.value == b'{"id":"%s","version":7,"displayName":""}' % made.key
    assert list(made.headers) == [("version", b"7"), ("schema", b"%d" % SCHEMA)]
    assert encode(deletion(1, 8)).value is None


KEY = user_id(1).encode()
GOOD: AnyHeaders = [("version", b"7"), ("schema", b"1")]


@pytest.mark.parametrize(
    ("key", "value", "headers", "reason"),
    [
        (None, b"{}", GOOD, "the key is not the id of a user"),
        (b"\xff", b"{}", GOOD, "the key is not the id of a user"),
        (b"somebody", b"{}", GOOD, "the key is not the id of a user"),
        (KEY, None, [("schema", b"1")], "the header version is not one positive decimal number"),
        (KEY, None, [("version", b"7")], "the header schema is not one positive decimal number"),
        (KEY, None, [*GOOD, ("version", b"8")], "the header version is not one positive decimal number"),
        (KEY, None, [("version", b"-1"), ("schema", b"1")], "the header version is not one positive decimal number"),
        (KEY, None, [("version", b"0"), ("schema", b"1")], "the header version is not one positive decimal number"),
        (
            KEY,
            None,
            [("version", b"9" * 19), ("schema", b"1")],
            "the header version is not one positive decimal number",
        ),
        (KEY, None, [("version", b""), ("schema", b"1")], "the header version is not one positive decimal number"),
        (KEY, None, [("version", None), ("schema", b"1")], "the header version is not one positive decimal number"),
        (KEY, None, [("version", b"7"), ("schema", None)], "the header schema is not one positive decimal number"),
        (KEY, b"{", GOOD, "the value is not JSON"),
        (KEY, b"[]", GOOD, "the value is not the document of its key and version"),
        (KEY, b'{"id":"x","version":7}', GOOD, "the value is not the document of its key and version"),
        (KEY, b'{"id":"%s","version":6}' % KEY, GOOD, "the value is not the document of its key and version"),
    ],
)
def test_what_is_not_ours_is_refused_without_its_value(
    key: bytes | None, value: bytes | None, headers: AnyHeaders, reason: str
) -> None:
    with pytest.raises(NotOurs) as caught:
        decode(key, value, headers)
    assert caught.value.message == reason


def test_a_newer_schema_is_not_poison() -> None:
    with pytest.raises(NewerSchema):
        decode(KEY, None, [("version", b"7"), ("schema", b"%d" % (SCHEMA + 1))])


@pytest.mark.parametrize(
    ("timestamp", "time"),
    [
        (1_769_860_800_000, datetime(2026, 1, 31, 12, tzinfo=UTC)),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (-1, None),
        (2**63 - 1, None),
        (253_402_300_800_000, None),  # the year 10000
    ],
)
def test_a_record_without_a_date_has_none(timestamp: int, time: datetime | None) -> None:
    assert written_at(timestamp) == time
