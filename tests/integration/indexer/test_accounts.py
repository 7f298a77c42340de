"""MongoDB and Elasticsearch ask for an account: the right one works, a wrong one is a setting to look at."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from domain.backends import Backends, open_backends
from tests.integration.indexer.command import command
from tests.integration.indexer.guard import Guard, guarding
from tests.integration.indexer.process import Environment, indexer, settings_of
from tests.integration.indexer.waiting import in_backoff, in_the_index
from tests.servers.fixtures import own_server
from tests.servers.mongodb import MongoServer
from tests.servers.ports import free_port

NAME, PASSWORD, WRONG = "pipelines", "right-and-long-enough", "nobody-may-read-this"

NO_SEARCH = "The search engine refuses our credentials. Check ELASTICSEARCH_URL."
NO_STORE = "MONGODB_URL: its user may not use the database"


class MongoWithAccounts(MongoServer):
    """Anybody may make the first account; once `closed`, nobody gets in without one."""

    closed = False

    def _command(self) -> Sequence[str]:
        return [*super()._command(), *(["--auth"] if self.closed else [])]

    def url_for(self, name: str, password: str) -> str:
        return self.url.replace("mongodb://", f"mongodb://{name}:{password}@") + "&authSource=admin"

    async def close(self) -> None:
        """Make the account, and start again."""
        async with AsyncMongoClient[dict[str, Any]](self.url) as client:
            roles = [{"role": "root", "db": "admin"}]
            await client.admin.command("createUser", NAME, pwd=PASSWORD, roles=roles)
        await self.stop()
        self.closed = True
        await self.start()


@pytest.fixture
async def guard(elasticsearch_url: str) -> AsyncIterator[Guard]:
    async with guarding(elasticsearch_url, PASSWORD) as standing:
        yield standing


async def _create(backends: Backends, name: str) -> str:
    return (await backends.users.create({"username": name})).id


async def test_what_is_written_while_elasticsearch_refuses_arrives_afterwards(
    without_kafka: Environment, guard: Guard, tmp_path: Path
) -> None:
    """At the start, and again when the password is changed under a pipeline that runs."""
    log = tmp_path / "indexer.log"
    environment = {**without_kafka, "ELASTICSEARCH_URL": guard.url(PASSWORD), "INDEXER_PORT": str(free_port())}
    guard.password = "another"
    async with open_backends(settings_of(without_kafka)) as backends, indexer(environment, log) as process:
        ids = [await _create(backends, "before")]
        await in_backoff(environment, {"mongo-to-elasticsearch": NO_SEARCH})
        guard.password = PASSWORD
        await in_the_index(backends, ids)
        guard.password = "another"
        ids.append(await _create(backends, "meanwhile"))
        await in_backoff(environment, {"mongo-to-elasticsearch": NO_SEARCH})
        ended = await command(environment, "verify")
        assert (ended.exit_code, ended.err.splitlines()[-1]) == (2, NO_SEARCH)
        guard.password = PASSWORD
        await in_the_index(backends, ids)
        assert await process.end() == 0
    told = log.read_text()
    assert NO_SEARCH in told
    assert PASSWORD not in told + ended.err
    assert '"trace"' not in told


async def test_an_account_that_mongodb_refuses_is_one_line(without_kafka: Environment, tmp_path: Path) -> None:
    async with own_server(MongoWithAccounts, tmp_path) as server:
        await server.close()
        right = {**without_kafka, "MONGODB_URL": server.url_for(NAME, PASSWORD)}
        wrong = [
            ({**right, "MONGODB_URL": server.url_for(NAME, WRONG)}, "run"),
            ({**right, "MONGODB_URL": server.url_for("somebody", PASSWORD)}, "verify"),
            ({**right, "MONGODB_URL": server.url}, "status"),
        ]
        ended = await asyncio.gather(*(command(*one) for one in wrong), command(right, "status"))
        for one in ended[:-1]:
            assert (one.exit_code, one.err.count("\n")) == (2, 1), one.err
            assert one.err.startswith(NO_STORE)
            assert WRONG not in one.err
        assert (ended[-1].exit_code, ended[-1].err) == (1, "")  # it shows that no pipeline runs
