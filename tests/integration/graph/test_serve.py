"""python -m graph serve as a real process: it serves, stops when told, and says in one line why it cannot start."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from domain.identity.verifier import development_token
from domain.settings import load_settings
from tests.servers.ports import free_port

ROOT = Path(__file__).parents[3]
START_TIMEOUT = 60


async def start(folder: Path, port: int, **environment: str) -> Process:
    """A process that serves on `port`, with its data in `folder`."""
    base = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    mine = {"ENVIRONMENT": "development", "DATA_DIR": str(folder), "HOST": "127.0.0.1", "PORT": str(port)}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "graph", "serve", cwd=ROOT, env=base | mine | environment, stderr=PIPE, stdout=PIPE
    )


async def stopped(process: Process) -> tuple[int, str, str]:
    """The exit code and what was written, once the process ends."""
    async with asyncio.timeout(START_TIMEOUT):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@asynccontextmanager
async def serving(folder: Path, **environment: str) -> AsyncIterator[tuple[Process, httpx.AsyncClient]]:
    """A process that answers, and a client of it with an administrator's token."""
    port = free_port()
    process = await start(folder, port, **environment)
    token = development_token(
        load_settings(environment="development", data_dir=folder), "tester", ["user:admin"], timedelta(hours=1)
    )
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as client:
            async with asyncio.timeout(START_TIMEOUT):
                while True:
                    assert process.returncode is None, (await stopped(process))[2]
                    try:
                        await client.get("/livez")
                        break
                    except httpx.TransportError:
                        await asyncio.sleep(0.1)
            yield process, client
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


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
    async with serving(tmp_path) as (process, client):
        create = 'mutation { createUser(input: {username: "ada"}) { changeToken } }'
        token = (await client.post("/graphql", json={"query": create})).json()["data"]["createUser"]["changeToken"]
        # Nothing indexes here, so this search waits for as long as it is told to.
        search = f'{{ searchUsers(query: "ada", waitFor: ["{token}"], timeout: 1.5) {{ fresh }} }}'
        request = asyncio.create_task(client.post("/graphql", json={"query": search}, timeout=20))
        await asyncio.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        response = await request
        assert response.status_code == 200
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
