"""What went wrong inside: masked, logged under the same id, and only in the fields that need what is broken."""

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from domain.errors import NewerSchema, OutcomeUnknown, SearchUnavailable, StoreUnavailable
from domain.logs import trace
from graph.errors import present_service_error
from tests.unit.graph.api import Api, open_api

SECRET = "ada@example.org"


@pytest.mark.parametrize("error", [ValueError(SECRET), NewerSchema("01ARZ3NDEKTSV4RRFFQ69G5FAV", schema=2, known=1)])
async def test_what_is_not_the_clients_doing_is_masked(
    api: Api, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(api.store, "page", fail)
    with capture_logs() as logs:
        body = await api.post("{ users { edges { cursor } } serviceInfo { version } }")
    assert body["data"] == {"users": None, "serviceInfo": {"version": "0.0.0-dev"}}
    (told,) = body["errors"]
    (logged,) = logs
    assert told["extensions"]["code"] == "INTERNAL"
    assert told["extensions"]["correlationId"] == logged["correlation_id"]
    assert logged["correlation_id"] in told["message"]
    assert str(error) not in str(body)
    assert str(error) not in str(logs)
    assert any(" page" in line or " fail" in line for line in logged["trace"])


async def test_an_exception_outside_of_resolvers_is_masked_too(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError(SECRET)

    monkeypatch.setattr("graph.endpoint.read_parameters", fail)
    with capture_logs() as logs:
        response = await api.client.post("/graphql", json={"query": "{ me { id } }"}, headers=api.headers())
    assert response.status_code == 500
    assert response.json()["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert SECRET not in response.text + str(logs)
    assert "ValueError" in str(logs)


async def test_an_unavailable_store_fails_the_fields_that_need_it(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise StoreUnavailable

    for name in ("get", "find", "page", "count"):
        monkeypatch.setattr(api.store, name, fail)
    body = await api.post(
        """{
          user(id: "01ARZ3NDEKTSV4RRFFQ69G5FAV") { id }
          userBy(by: {username: "a"}) { id }
          users { totalCount }
          searchUsers(query: "a") { totalCount }
          serviceInfo { mode }
        }"""
    )
    assert body["data"] == {
        "user": None,
        "userBy": None,
        "users": None,
        "searchUsers": {"totalCount": 0},
        "serviceInfo": {"mode": "EMBEDDED"},
    }
    assert {error["extensions"]["code"] for error in body["errors"]} == {"STORE_UNAVAILABLE"}


async def test_a_count_that_fails_leaves_the_page(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await api.create(username="ada")

    async def fail(*_: object) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(api.store, "count", fail)
    body = await api.post("{ users { totalCount edges { node { username } } } }")
    assert body["data"] == {"users": {"totalCount": None, "edges": [{"node": {"username": "ada"}}]}}


async def test_a_request_that_takes_too_long_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_api(tmp_path, request_timeout=0.05) as api:

        async def hang(*_: object) -> None:
            await asyncio.sleep(30)

        monkeypatch.setattr(api.store, "page", hang)
        response = await api.client.post("/graphql", json={"query": "{ users { totalCount } }"}, headers=api.headers())
    assert response.status_code == 503
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "LIMIT_EXCEEDED"}
    assert "0.05 s" in error["message"]


async def test_a_caller_may_give_less_time(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(*_: object) -> None:
        await asyncio.sleep(30)

    monkeypatch.setattr(api.store, "page", hang)
    headers = api.headers() | {"x-request-timeout": "80"}
    response = await api.client.post("/graphql", json={"query": "{ users { totalCount } }"}, headers=headers)
    assert response.status_code == 503
    assert "0.08 s" in response.json()["errors"][0]["message"]


def test_an_unknown_outcome_says_so() -> None:
    told = present_service_error(OutcomeUnknown("01ARZ3NDEKTSV4RRFFQ69G5FAV"))
    assert told["extensions"] == {"code": "STORE_UNAVAILABLE"}
    assert "read it" in told["message"]


def test_a_trace_follows_causes_and_shows_no_message() -> None:
    def inner() -> None:
        raise ValueError(SECRET)

    def outer() -> None:
        try:
            inner()
        except ValueError as exc:
            raise StoreUnavailable(SECRET) from exc

    with pytest.raises(StoreUnavailable) as caught:
        outer()
    lines = trace(caught.value)
    assert [line for line in lines if not line.startswith(" ")] == ["StoreUnavailable", "ValueError"]
    assert any(line.endswith(" inner") for line in lines)
    assert SECRET not in str(lines)


def test_what_an_operator_may_look_at_is_not_told_to_a_client() -> None:
    error = SearchUnavailable(hint="See ELASTICSEARCH_URL.")
    assert str(error) == "The search engine did not answer: try again in a moment. See ELASTICSEARCH_URL."
    told = present_service_error(error)
    assert told["message"] == "The search engine did not answer: try again in a moment."
