"""Headers, deadlines and the budget: pure rules of the client."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import httpx
import pytest

from domain.peers.client import deadline, retry_after, trace
from domain.peers.client.authority import authority
from domain.peers.client.outcome import Kind, outcome_of
from domain.peers.client.retry_budget import RetryBudget, RetryPolicy
from tests.unit.domain.peers.breaker.driving import Clock

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("3", 3.0),
        ("0", 0.0),
        ("86400", 30.0),
        ("9" * 5000, 30.0),
        ("Thu, 01 Jan 2026 12:00:07 GMT", 7.0),
        ("Thu, 01 Jan 2026 12:00:07 -0000", 7.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("Thu, 01 Jan 2099 11:00:00 GMT", 30.0),
        ("soon", None),
        ("-3", None),
        ("1.5", None),
        ("²", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after.seconds(header, NOW) == seconds


@pytest.mark.parametrize(
    "valid",
    [
        PARENT,
        PARENT[:-1] + "0",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
    ],
)
def test_a_trace_is_passed_on(valid: str) -> None:
    assert trace.headers({"traceparent": valid, "tracestate": "a=1"}, Random(1)) == {
        "traceparent": valid,
        "tracestate": "a=1",
    }


def test_a_state_that_is_too_long_is_left_behind() -> None:
    given = {"traceparent": PARENT, "tracestate": "a=" + "1" * 511}
    assert trace.headers(given, Random(1)) == {"traceparent": PARENT}


@pytest.mark.parametrize(
    "invalid",
    [
        None,
        "",
        "ff" + PARENT[2:],
        PARENT.upper(),
        PARENT + "-more",
        PARENT + " ",
        "00-" + "0" * 32 + "-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-" + "0" * 16 + "-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nevil: 1",
    ],
)
def test_another_one_is_begun(invalid: str | None) -> None:
    given = {"tracestate": "a=1"} | ({} if invalid is None else {"traceparent": invalid})
    begun = trace.headers(given, Random(1))
    assert begun.keys() == {"traceparent"}
    assert trace.is_valid(begun["traceparent"])
    assert begun["traceparent"] != invalid


@pytest.mark.parametrize(
    ("timeout", "asked_for", "expected"), [(2.0, None, 12.0), (2.0, 11.0, 11.0), (2.0, 99.0, 12.0), (2.0, 9.0, 9.0)]
)
def test_a_call_ends_by_its_timeout_and_by_its_deadline(
    timeout: float, asked_for: float | None, expected: float
) -> None:
    assert deadline.due(timeout, asked_for, now=10.0) == expected


def test_what_is_left_is_told_in_milliseconds() -> None:
    assert [deadline.header(seconds) for seconds in (2.0, 0.1234, 0.0001)] == ["2000", "123", "1"]
    assert deadline.seconds_left(9.0, now=10.0) == 0.0


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("srv://_graphql._tcp.posts.default.svc", "posts.default.svc"),
        ("srv://_graphql._tcp.posts.example.?nameserver=10.0.0.1:53", "posts.example"),
        ("srv://posts.example", "posts.example"),
        ("static://localhost:80", None),
        ("file:///peers", None),
    ],
)
def test_a_service_is_called_by_its_name(url: str, name: str | None) -> None:
    assert authority(url) == name


def _all_errors(kind: type[Exception]) -> Sequence[type[Exception]]:
    return [kind, *(one for child in kind.__subclasses__() for one in _all_errors(child))]


@pytest.mark.parametrize("error", _all_errors(httpx.HTTPError), ids=lambda error: error.__name__)
def test_every_exception_of_httpx_has_a_reason(error: type[Exception]) -> None:
    outcome = outcome_of(error.__new__(error))
    assert outcome.reason
    assert outcome.body is None


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectTimeout(""), Kind.UNREACHED),
        (httpx.ConnectError(""), Kind.UNREACHED),
        (httpx.PoolTimeout(""), Kind.BUSY),
        (httpx.ReadTimeout(""), Kind.TIMED_OUT),
        (httpx.ReadError(""), Kind.BROKEN),
        (httpx.RemoteProtocolError(""), Kind.BROKEN),
        (httpx.LocalProtocolError(""), Kind.REFUSED),
        (httpx.DecodingError(""), Kind.FAILED),
        (ConnectionResetError(), Kind.FAILED),
    ],
)
def test_exceptions_are_told_apart(error: Exception, kind: Kind) -> None:
    assert outcome_of(error).kind is kind


@pytest.mark.parametrize(
    ("kind", "query", "mutation"),
    [
        (Kind.UNREACHED, True, True),
        (Kind.THROTTLED, True, True),
        (Kind.BUSY, True, True),
        (Kind.BROKEN, True, False),
        (Kind.FAILED, True, False),
        (Kind.TIMED_OUT, False, False),
        (Kind.TOO_LARGE, False, False),
        (Kind.REFUSED, False, False),
    ],
)
def test_what_may_have_been_done_is_repeated_only_if_that_is_the_same(kind: Kind, query: bool, mutation: bool) -> None:
    outcome = outcome_of(httpx.ConnectError(""))
    outcome = type(outcome)(kind)
    assert (outcome.repeatable(idempotent=True), outcome.repeatable(idempotent=False)) == (query, mutation)


def test_a_fifth_of_the_requests_may_be_retries_and_ten_a_second() -> None:
    clock = Clock(now=1000.0)
    budget = RetryBudget(monotonic=clock)
    assert sum(budget.withdraw() for _ in range(500)) == 100  # ten for each of ten seconds
    for _ in range(1000):
        budget.deposit()
    assert sum(budget.withdraw() for _ in range(500)) == 200
    assert (budget.retries, budget.refused) == (300, 700)
    clock.now += 11
    assert sum(budget.withdraw() for _ in range(500)) == 100


def test_no_budget_is_no_retry() -> None:
    budget = RetryBudget(RetryPolicy(share=0, per_second=0), monotonic=Clock())
    budget.deposit()
    assert not budget.withdraw()


def test_what_is_older_than_the_window_counts_no_more() -> None:
    clock = Clock(now=0.5)
    budget = RetryBudget(RetryPolicy(share=0.5, per_second=0, window=timedelta(seconds=10)), monotonic=clock)
    for _ in range(10):
        budget.deposit()
    clock.now = 9.9
    assert budget.withdraw()
    clock.now = 10.1
    assert not budget.withdraw()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 30.0),
        ("250", 0.25),
        ("0", 0.0),
        ("60000", 30.0),
        ("9" * 400, 30.0),
        ("-1", 30.0),
        ("1.5", 30.0),
        ("²", 30.0),
        ("soon", 30.0),
        ("", 30.0),
    ],
)
def test_a_caller_s_time_counts_if_it_is_shorter(header: str | None, seconds: float) -> None:
    assert deadline.allowed(header, 30.0) == seconds
