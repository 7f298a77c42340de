"""The newest letters of a log: the same as those of a plain dictionary, in bounded memory."""

from hypothesis import given
from hypothesis import strategies as st

from indexer.dead_letters import DeadLetter
from indexer.newest import Newest
from tests.unit.indexer.fakes import NOON

KEYS = st.sampled_from([f"u{number}" for number in range(12)])
LOGS = st.lists(st.tuples(KEYS, st.one_of(st.none(), st.integers(1, 3))), max_size=60)

Log = list[tuple[str, int | None]]


def _letter(key: str, version: int | None) -> DeadLetter | None:
    return None if version is None else DeadLetter(key, version, "p", "too long", 1, NOON)


def _told(log: Log, after: str | None, limit: int) -> Newest:
    newest = Newest(after, limit)
    for key, version in log:
        newest.tell(key, _letter(key, version))
        assert len(newest._letters) <= 2 * limit
    return newest


@given(LOGS, st.integers(1, 5), st.none() | KEYS)
def test_up_to_its_end_nothing_is_missing_and_nothing_is_old(log: Log, limit: int, after: str | None) -> None:
    newest = _told(log, after, limit)
    wanted = {key: _letter(key, version) for key, version in dict(log).items() if version is not None}
    end = newest.end
    expected = [wanted[key] for key in sorted(wanted) if key > (after or "") and (end is None or key <= end)]
    assert list(newest.letters()) == expected[:limit]


@given(LOGS, st.integers(1, 5))
def test_page_by_page_all_are_found(log: Log, limit: int) -> None:
    found: list[str] = []
    after: str | None = None
    while True:
        newest = _told(log, after, limit)
        found.extend(letter.key for letter in newest.letters())
        if newest.letters():
            after = newest.letters()[-1].key
        elif newest.end is None:
            break
        else:
            after = newest.end
    assert found == sorted(key for key, version in dict(log).items() if version is not None)
