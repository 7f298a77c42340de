"""python -m graph serve as a real process: it serves, stops when told, and says in one line why it cannot start."""

import asyncio
import json
import signal
from pathlib import Path

import pytest

from domain.backends import open_index_writer
from domain.settings import load_settings
from tests.integration.graph.process import serving, start, stopped
from tests.servers.ports import free_port


async def test_it_serves_what_it_stored_and_keeps_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as (process, client):
        query = 'mutation { createUser(input: {username: "ada"}) { user { id } changeToken } }'
        created = (await client.post("/graphql", json={"query": query})).json()["data"]["createUser"]
        assert created["changeToken"]
        ready = (await client.get("/readyz")).json()
        assert ready["dependencies"]["store"]["state"] == "up"
        process.send_signal(signal.SIGTERM)
        code, out, err = await stopped(process)
        assert (code, out) == (0, "")
        assert all(json.loads(line)["event"] for line in err.splitlines())

    async with serving(tmp_path) as (process, client):
        query = f'{{ user(id: "{created["user"]["id"]}") {{ username }} serviceInfo {{ mode }} }}'
        answer = (await client.post("/graphql", json={"query": query})).json()
        assert answer == {"data": {"user": {"username": "ada"}, "serviceInfo": {"mode": "EMBEDDED"}}}
        process.send_signal(signal.SIGINT)
        assert (await stopped(process))[0] == 0


async def test_a_request_in_flight_is_answered_before_it_stops(tmp_path: Path) -> None:
    async with open_index_writer(load_settings(environment="development", data_dir=tmp_path)) as writer:
        await writer.prepare()
    async with serving(tmp_path) as (process, client):
        create = 'mutation { createUser(input: {username: "ada"}) { changeToken } }'
        token = (await client.post("/graphql", json={"query": create})).json()["data"]["createUser"]["changeToken"]
        # Nothing indexes here, so this search waits for as long as it is told to.
        search = f'{{ searchUsers(query: "ada", waitFor: ["{token}"], timeout: 5) {{ fresh }} }}'
        request = asyncio.create_task(client.post("/graphql", json={"query": search}, timeout=20))
        await asyncio.sleep(0.5)
        assert not request.done()
        process.send_signal(signal.SIGTERM)
        response = await request
        assert response.json() == {"data": {"searchUsers": {"fresh": False}}}
        assert (await stopped(process))[0] == 0


@pytest.mark.parametrize(
    ("environment", "code", "message"),
    [
        ({"MONGODB_URL": "mongodb://127.0.0.1:1/"}, 2, "ELASTICSEARCH_URL"),
        ({"ENVIRONMENT": "production"}, 2, "JWT_ISSUER"),
        ({"DATA_DIR": "/dev/null/data"}, 2, "DATA_DIR"),
        ({"MAX_BODY_BYTES": "lots"}, 2, "MAX_BODY_BYTES"),
    ],
)
async def test_what_keeps_it_from_starting_is_one_line(
    tmp_path: Path, environment: dict[str, str], code: int, message: str
) -> None:
    found, _, err = await stopped(await start(tmp_path, free_port(), **environment))
    assert found == code, err
    assert message in err
    assert len(err.splitlines()) == 1


async def test_a_store_out_of_reach_is_one_line_and_no_long_wait(tmp_path: Path) -> None:
    found, _, err = await stopped(
        await start(
            tmp_path,
            free_port(),
            MONGODB_URL=f"mongodb://127.0.0.1:{free_port()}/?replicaSet=none",
            ELASTICSEARCH_URL=f"http://127.0.0.1:{free_port()}",
            CHANGE_TOKEN_SECRET="0123456789abcdef",
            STORE_TIMEOUT="1",
        )
    )
    assert found in {2, 3}, err
    assert "MONGODB_URL" in err
    assert len(err.splitlines()) == 1


async def test_an_index_out_of_reach_does_not_keep_it_from_starting(tmp_path: Path, mongodb_url: str) -> None:
    environment = {
        "MONGODB_URL": mongodb_url,
        "MONGODB_DATABASE": f"graph-{free_port()}",
        "ELASTICSEARCH_URL": f"http://127.0.0.1:{free_port()}",
        "CHANGE_TOKEN_SECRET": "0123456789abcdef",
        "SEARCH_TIMEOUT": "1",
    }
    async with serving(tmp_path, **environment) as (_, client):
        ready = await client.get("/readyz")
        assert ready.status_code == 200
        assert ready.json()["dependencies"]["search"]["state"] == "down"
        query = '{ searchUsers(query: "ada") { totalCount } users { totalCount } serviceInfo { mode } }'
        body = (await client.post("/graphql", json={"query": query}, timeout=20)).json()
        assert body["data"] == {
            "searchUsers": None,
            "users": {"totalCount": 0},
            "serviceInfo": {"mode": "WITHOUT_KAFKA"},
        }
        assert [error["extensions"]["code"] for error in body["errors"]] == ["SEARCH_UNAVAILABLE"]
