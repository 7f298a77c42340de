"""GraphQL over HTTP: what is answered to requests that are none, and in which form to those that are."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.unit.graph.api import Api, open_api

GRAPHQL_JSON = "application/graphql-response+json"
ULID_OF_NOBODY = "01J00000000000000000000000"
QUERY = "{ serviceInfo { mode } }"
ANSWER = {"data": {"serviceInfo": {"mode": "EMBEDDED"}}}


async def send(api: Api, content: bytes, **headers: str) -> tuple[int, str | None]:
    """The status and the code of the error of a POST."""
    all_headers = (
        api.headers() | {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
    )
    response = await api.client.post("/graphql", content=content, headers=all_headers)
    assert response.headers["content-type"].endswith("charset=utf-8")
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    return response.status_code, body["errors"][0]["extensions"]["code"] if "errors" in body else None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"1",
        b'"text"',
        b"{}",
        b'{"query": null}',
        b'{"query": ""}',
        b'{"query": 1}',
        b'{"query": "{ me { id } }", "variables": []}',
        b'{"query": "{ me { id } }", "variables": "x"}',
        b'{"query": "{ me { id } }", "operationName": 1}',
        b'{"query": "{ me { id } }", "extensions": 1}',
        b'{"query": "{ me { id } }", "variables": {"a": NaN}}',
        b'{"query": "{ me { id } }", "variables": {"a": Infinity}}',
        b'[{"query": "{ me { id } }"}]',
        b'{"query": "\xff"}',
        b'{"query": "{ me { id } }"'.decode().encode("utf-16"),
        b"[" * 100_000,
        b'{"variables": ' + b'{"a":' * 50_000,
    ],
    ids=lambda content: str(content[:40]),
)
async def test_bodies_that_are_no_request(api: Api, content: bytes) -> None:
    assert await send(api, content) == (400, "BAD_USER_INPUT")


@pytest.mark.parametrize("kind", ["", "text/plain", "application/graphql", "application/json; charset=latin-1"])
async def test_other_content_types(api: Api, kind: str) -> None:
    assert await send(api, b'{"query": "{ me { id } }"}', Content_Type=kind) == (415, "BAD_USER_INPUT")


@pytest.mark.parametrize(
    "kind",
    ["application/json", "Application/JSON", "application/json; charset=UTF-8", 'application/json;charset="utf-8"'],
)
async def test_the_content_type_in_every_spelling(api: Api, kind: str) -> None:
    assert await send(api, b'{"query": "{ me { id } }"}', Content_Type=kind) == (200, None)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        (GRAPHQL_JSON, GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, application/json;q=0.9", GRAPHQL_JSON),
        (f"text/html, {GRAPHQL_JSON};q=0.5", GRAPHQL_JSON),
        (f"application/json;q=0.1, {GRAPHQL_JSON}", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON};q=0, application/json", "application/json"),
        (f"{GRAPHQL_JSON};q=high", GRAPHQL_JSON),
    ],
)
async def test_the_media_type_that_is_asked_for(api: Api, accept: str | None, kind: str) -> None:
    headers = api.headers() | ({"Accept": accept} if accept else {})
    response = await api.client.post("/graphql", json={"query": QUERY}, headers=headers)
    assert response.headers["content-type"] == f"{kind}; charset=utf-8"
    assert (response.status_code, response.json()) == (200, ANSWER)


async def test_another_media_type(api: Api) -> None:
    for accepted in ("text/plain", f"{GRAPHQL_JSON};q=0"):
        assert await send(api, b"{}", Accept=accepted) == (406, "BAD_USER_INPUT")


async def test_an_operation_name_that_is_empty_is_none_by_get(api: Api) -> None:
    parameters = {"query": QUERY, "operationName": ""}
    response = await api.client.get("/graphql", params=parameters, headers=api.headers())
    assert (response.status_code, response.json()) == (200, ANSWER)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("query($id: ID!) { user(id: $id) { id } }", "BAD_USER_INPUT"),
        ("query A { me { id } } query B { me { id } }", "BAD_USER_INPUT"),
        ("subscription { userChanged { id } }", "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_documents_that_do_not_run(api: Api, query: str, code: str) -> None:
    for accept, status in ((GRAPHQL_JSON, 400), ("application/json", 200)):
        response = await api.client.post("/graphql", json={"query": query}, headers=api.headers() | {"Accept": accept})
        assert response.status_code == status
        assert "data" not in response.json()
        assert {error["extensions"]["code"] for error in response.json()["errors"]} == {code}


async def test_a_document_without_an_operation(api: Api) -> None:
    assert await send(api, b'{"query": "type T { a: Int }"}') == (400, "BAD_USER_INPUT")


async def test_the_named_operation_runs(api: Api) -> None:
    query = "query A { serviceInfo { mode } } query B { me { id } }"
    assert await api.data(query, operationName="A") == ANSWER["data"]
    response = await api.client.post(
        "/graphql", json={"query": query, "operationName": "C"}, headers=api.headers() | {"Accept": GRAPHQL_JSON}
    )
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_queries_by_get(api: Api) -> None:
    parameters = {
        "query": "query($id: ID!) { user(id: $id) { id } }",
        "variables": '{"id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}',
    }
    response = await api.client.get("/graphql", params=parameters, headers=api.headers())
    assert (response.status_code, response.json()) == (200, {"data": {"user": None}})


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({}, 400),
        ({"query": "{ me { id } }", "variables": "{"}, 400),
        ({"query": "{ me { id } }", "variables": "[]"}, 400),
    ],
)
async def test_gets_that_are_no_request(api: Api, parameters: dict[str, str], status: int) -> None:
    response = await api.client.get("/graphql", params=parameters, headers=api.headers())
    assert response.status_code == status
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_nothing_is_changed_by_get(api: Api) -> None:
    parameters = {"query": 'mutation { createUser(input: {username: "a"}) { user { id } } }'}
    response = await api.client.get("/graphql", params=parameters, headers=api.headers())
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert api.database.documents == {}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods(api: Api, method: str) -> None:
    response = await api.client.request(method, "/graphql", headers=api.headers())
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST"


async def test_bodies_over_the_limit(tmp_path: Path) -> None:
    async with open_api(tmp_path, max_body_bytes=2_000) as api:

        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(10):
                yield b" " * 1_000

        assert await send(api, b" " * 2_001) == (413, "LIMIT_EXCEEDED")
        assert await send(api, b" " * 2_000) == (400, "BAD_USER_INPUT")
        headers = api.headers() | {"Content-Type": "application/json"}
        response = await api.client.post("/graphql", content=chunks(), headers=headers)
        assert response.status_code == 413


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer no.such.token"},
    ],
)
async def test_requests_without_a_token_that_holds(api: Api, headers: dict[str, str]) -> None:
    for content in ({"query": QUERY}, {"query": "{ __schema { types { name } } }"}, {"query": "{"}):
        response = await api.client.post("/graphql", json=content, headers=headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        (error,) = response.json()["errors"]
        assert error["extensions"] == {"code": "UNAUTHENTICATED"}
        assert "no.such.token" not in response.text


async def test_what_was_echoed_may_hold_lone_surrogates(api: Api) -> None:
    content = b'{"query": "{ me { id } }", "operationName": "\\ud800"}'
    assert await send(api, content) == (400, "BAD_USER_INPUT")


async def test_the_page_is_for_browsers_only_and_can_be_switched_off(api: Api, tmp_path: Path) -> None:
    response = await api.client.get("/graphql", headers={"Accept": "text/html"})
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    async with open_api(tmp_path / "off", graphiql=False) as off:
        response = await off.client.get("/graphql", headers={"Accept": "text/html"})
        assert response.status_code == 406


def _count(metrics: str, **labels: Any) -> float:
    wanted = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
    lines = [line for line in metrics.splitlines() if line.startswith(f"graphql_requests_total{{{wanted}}}")]
    return float(lines[0].split()[-1]) if lines else 0


async def test_requests_are_counted_by_kind_and_outcome(api: Api) -> None:
    await api.data(QUERY)
    await api.data('mutation { createUser(input: {username: "a"}) { user { id } } }')
    await api.errors("{ users(first: 0) { totalCount } }")
    await api.errors("{")
    await api.client.post("/graphql", json={"query": QUERY})
    metrics = (await api.client.get("/metrics")).text
    assert _count(metrics, operation="query", outcome="ok") == 1
    assert _count(metrics, operation="mutation", outcome="ok") == 1
    assert _count(metrics, operation="query", outcome="refused") == 1
    assert _count(metrics, operation="none", outcome="refused") == 2
    assert "graphql_requests_in_flight 0.0" in metrics


async def test_a_request_that_takes_too_long_is_our_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_api(tmp_path, request_timeout="0.05") as api:
        monkeypatch.setattr(api.store, "get", lambda _: asyncio.Event().wait())
        response = await api.client.post("/graphql", json={"query": QUERY}, headers=api.headers(subject=ULID_OF_NOBODY))
        late = await api.client.post(
            "/graphql", json={"query": f'{{ user(id: "{ULID_OF_NOBODY}") {{ id }} }}'}, headers=api.headers()
        )
        metrics = (await api.client.get("/metrics")).text
    assert [each.status_code for each in (response, late)] == [503, 503]
    assert _count(metrics, operation="none", outcome="failed") == 1  # while the caller's own status was read
    assert _count(metrics, operation="query", outcome="failed") == 1


async def test_a_client_that_leaves_while_it_sends_is_no_failure_of_ours(api: Api) -> None:
    app = api.client._transport.app  # type: ignore[attr-defined]
    parts: Iterator[dict[str, Any]] = iter(
        [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    )
    headers = api.headers() | {"content-type": "application/json"}
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
    }

    async def receive() -> dict[str, Any]:
        return next(parts)

    async def drop(_: object) -> None:
        pass

    with capture_logs() as logs:
        await app(scope, receive, drop)
    assert logs == []
    metrics = (await api.client.get("/metrics")).text
    assert _count(metrics, operation="none", outcome="refused") == 1


async def test_what_the_index_lags_is_read_only_where_it_is_asked_for(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.ledger, "entries", None)
    assert await api.data("{ serviceInfo { version mode } }")
