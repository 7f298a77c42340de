"""/livez, /readyz and /metrics."""

import asyncio

import pytest

from domain.errors import SearchUnavailable, StoreUnavailable
from tests.unit.graph.api import Api


async def test_all_is_well(api: Api) -> None:
    live = await api.client.get("/livez")
    assert (live.status_code, live.json()) == (200, {"alive": True})
    ready = await api.client.get("/readyz")
    assert ready.status_code == 200
    body = ready.json()
    assert body["ready"] is True
    assert {name: state["state"] for name, state in body["dependencies"].items()} == {
        "store": "up",
        "search": "up",
        "tokenKeys": "up",
    }
    assert all(body["dependencies"][name]["latencyMs"] >= 0 for name in ("store", "search"))


async def test_search_down_does_not_take_the_api_out(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail() -> None:
        raise SearchUnavailable

    monkeypatch.setattr(api.index, "ping", fail)
    response = await api.client.get("/readyz")
    assert response.status_code == 200
    search = response.json()["dependencies"]["search"]
    assert search["state"] == "down"
    assert "did not answer" in search["error"]


async def test_the_store_decides(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail() -> None:
        raise StoreUnavailable

    monkeypatch.setattr(api.store, "ping", fail)
    response = await api.client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["ready"] is False
    assert (await api.client.get("/livez")).status_code == 200


async def test_a_dependency_that_hangs_is_down(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang() -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr("graph.health.PING_TIMEOUT", 0.02)
    monkeypatch.setattr(api.store, "ping", hang)
    response = await api.client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["dependencies"]["store"]["error"] == "no answer within 0.02 s"


async def test_metrics_tell_of_keys_and_refusals_without_whose(api: Api) -> None:
    user = await api.create(username="ada")
    token = api.headers(user.id)["Authorization"].removeprefix("Bearer ")
    for authorization in ("Bearer x", "Basic eDp5", f"Bearer {token[:-4]}AAAA"):
        refused = await api.client.post("/graphql", json={}, headers={"Authorization": authorization})
        assert refused.status_code == 401
    page = (await api.client.get("/metrics")).text
    lines = dict(line.rsplit(" ", 1) for line in page.splitlines() if line.startswith("token_"))
    assert lines.pop("token_keys") == "1.0"
    assert float(lines.pop("token_keys_age_seconds")) >= 0
    assert {name: float(value) for name, value in lines.items() if float(value)} == {
        'token_refusals_total{reason="malformed"}': 2.0,
        'token_refusals_total{reason="signature"}': 1.0,
    }
    assert 'token_key_reads_total{outcome="failed"}' in lines
    assert user.id not in page


async def test_metrics_name_the_version_and_no_user(api: Api) -> None:
    user = await api.create(username="ada-lovelace")
    await api.data('query Secret { userBy(by: {username: "ada-lovelace"}) { id } }', subject=user.id, scope="")
    response = await api.client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert 'service_version{version="0.0.0-dev"} 1.0' in response.text
    assert "graphql_request_duration_seconds_bucket" in response.text
    for personal in ("ada-lovelace", user.id, "Secret"):
        assert personal not in response.text
