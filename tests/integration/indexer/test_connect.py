"""A real worker of Kafka Connect between a real broker and a real Elasticsearch: it makes what the indexer makes."""

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from elasticsearch import AsyncElasticsearch

from domain.backends import open_index_catalog, open_index_writer
from domain.search.document import IndexEntry, search_document
from domain.settings import Settings
from domain.users.editing import new_user
from domain.users.sample import sample_users
from indexer import record
from indexer.connectors.apply import apply
from indexer.connectors.errors import ConnectorRefused
from indexer.connectors.file import ConnectorFile
from indexer.connectors.health import Health, Verdict
from indexer.connectors.progress import open_progress_reader, watch
from indexer.connectors.worker import ConnectWorker
from indexer.kafka import connection
from indexer.sinks.kafka import open_kafka_sink
from tests.integration.indexer.command import command
from tests.integration.indexer.connect import SECONDS, level, shipped, worker_for
from tests.integration.indexer.process import Environment, indexer, settings_of, until
from tests.servers.ports import free_port
from tests.unit.indexer.fakes import NOON, user_id

USERS = 300

Documents = Mapping[str, Any]


@pytest.fixture
def environment(cluster: Environment, connect_url: str) -> Environment:
    return {**cluster, "CONNECT_URL": connect_url}


@pytest.fixture
def settings(environment: Environment) -> Settings:
    """Topic and alias are of one name."""
    return settings_of(environment)


@pytest.fixture
def file(settings: Settings) -> ConnectorFile:
    """What is shipped, for this test's topic and index."""
    return shipped(settings.kafka_topic)


@pytest.fixture
async def worker(settings: Settings) -> AsyncIterator[ConnectWorker]:
    async with worker_for(settings) as opened:
        yield opened


def _changed(file: ConnectorFile, **options: str) -> ConnectorFile:
    config = {**file.config, **{key.replace("__", "."): value for key, value in options.items()}}
    return dataclasses.replace(file, config=config)


async def _prepare(settings: Settings) -> None:
    async with open_index_writer(settings) as writer:
        await writer.prepare()


async def _empty(settings: Settings) -> None:
    """A new index behind the alias."""
    async with open_index_catalog(settings) as catalog:
        old = [index.name for index in await catalog.indexes()]
        await catalog.serve(await catalog.create())
        for name in old:
            await catalog.drop(name)


async def _relay(settings: Settings, entries: Sequence[IndexEntry]) -> None:
    """As the relay writes: in transactions, with its records' headers."""
    async with open_kafka_sink(settings, f"{settings.kafka_topic}.relay", set()) as sink:
        for start in range(0, len(entries), 100):
            await sink.write(entries[start : start + 100])


async def _take_back(settings: Settings, entry: IndexEntry) -> None:
    """A record of a transaction that is aborted: it is in the topic and never happened."""
    made = record.encode(entry)
    producer = AIOKafkaProducer(**connection(settings), transactional_id=f"{settings.kafka_topic}.aborted")
    async with producer:
        await producer.begin_transaction()
        await producer.send_and_wait(settings.kafka_topic, made.value, made.key, headers=list(made.headers))
        await producer.abort_transaction()


def _entries() -> tuple[Sequence[IndexEntry], set[str]]:
    """A history of users, and which of them are deleted at its end; one of whom nothing else is told."""
    rows = sample_users(USERS)
    users = [new_user(row, id=user_id(n), write_id="0" * 16, at=NOON, phone_region="US") for n, row in enumerate(rows)]
    first = [IndexEntry(user.id, 1, search_document(user)) for user in users]
    renamed = [dataclasses.replace(user, display_name=f"Anna {user.id}", version=2) for user in users[::3]]
    second = [IndexEntry(user.id, 2, search_document(user)) for user in renamed]
    deleted = [IndexEntry(user.id, 3, None) for user in users[::10]]
    unknown = IndexEntry(user_id(USERS), 2, None)
    return [*first, *second, unknown, *deleted], {entry.id for entry in deleted}


async def _documents(settings: Settings) -> Documents:
    """All that the alias leads to, by id."""
    async with AsyncElasticsearch(_url(settings)) as client:
        if not await client.indices.exists_alias(name=settings.search_alias):
            return {}
        await client.indices.refresh(index=settings.search_alias)
        found = await client.search(index=settings.search_alias, size=10_000)
    return {hit["_id"]: hit["_source"] for hit in found["hits"]["hits"]}


def _url(settings: Settings) -> str:
    assert settings.elasticsearch_url is not None
    return settings.elasticsearch_url.get_secret_value()


async def _health(settings: Settings, worker: ConnectWorker, name: str, seconds: float = 0) -> Health:
    async with open_progress_reader(settings) as reader:
        (found,) = await watch(worker, reader, seconds, name=name)
    return found


async def _reached(settings: Settings, count: int) -> None:
    """Wait until the index has `count` documents."""

    async def there() -> bool:
        await asyncio.sleep(0.3)  # servers that share two processors with this test are asked seldom
        return len(await _documents(settings)) == count

    await until(there, f"{count} documents are there", SECONDS)


async def _names(settings: Settings, worker: ConnectWorker) -> set[str]:
    return {found.name for found in await worker.connectors() if settings.kafka_topic in found.topics}


async def _command(environment: Environment, *arguments: str) -> tuple[int, str, str]:
    """`python -m indexer connectors`: its exit code, output and errors."""
    ended = await command({**environment, "COLUMNS": "200"}, "connectors", *arguments)
    return ended.exit_code, ended.out, ended.err


async def test_a_connector_makes_the_index_that_the_indexer_makes(
    environment: Environment, worker: ConnectWorker, file: ConnectorFile, tmp_path: Path, record_property: Any
) -> None:
    settings = settings_of(environment)
    other = {**environment, "SEARCH_ALIAS": f"{settings.search_alias}-indexer"}
    entries, deleted = _entries()
    await _prepare(settings)
    await _relay(settings, entries)
    await _take_back(settings, IndexEntry(user_id(7), 9, {"id": user_id(7), "version": 9}))
    path = tmp_path / "sink.json"
    path.write_text(json.dumps({"name": file.base, "config": file.config}))

    async with indexer(other, tmp_path / "indexer.log", "--from", "kafka", "--to", "elasticsearch"):
        code, out, err = await _command(environment, "apply", str(path))
        assert (code, out, err) == (0, f"{file.name}: runs now\n", "")

        await _reached(settings_of(other), USERS - len(deleted))
        await _reached(settings, USERS - len(deleted))
        await level(settings, worker, file.name)
    ours, theirs = await _documents(settings_of(other)), await _documents(settings)
    assert theirs == ours
    assert {document["version"] for document in ours.values()} == {1, 2}
    assert not ours.keys() & deleted

    code, out, _ = await _command(environment, "status", file.base, "--json")
    assert code == 0
    (told,) = json.loads(out)
    assert (told["connector"], told["verdict"], told["lag"]) == (file.name, "level", 0)
    record_property(
        "show",
        f"one topic, {len(entries)} records: the indexer's index and Connect's hold the same {len(ours)} live users, "
        f"document by document, and none of the {len(deleted)} deleted ones",
    )

    assert await _command(environment, "apply", str(path)) == (0, f"{file.name}: runs already, nothing to do\n", "")


async def test_a_changed_configuration_is_a_new_connector_that_begins_anew(
    settings: Settings, worker: ConnectWorker, file: ConnectorFile
) -> None:
    """So is an earlier one that comes again, although its group had read everything: each fills an empty index."""
    await _prepare(settings)
    await _relay(settings, _entries()[0][:20])
    changed = _changed(file, camel__error__handler__redelivery__delay="400")
    for number, wanted in enumerate((file, changed, file)):
        applied = await apply(wanted, settings, worker)
        assert applied.created
        assert await _names(settings, worker) == {wanted.name}
        assert len(applied.removed) == min(number, 1)
        await _reached(settings, 20)
        await _empty(settings)


async def test_what_cannot_work_changes_nothing(
    environment: Environment, settings: Settings, worker: ConnectWorker, file: ConnectorFile, tmp_path: Path
) -> None:
    with pytest.raises(ConnectorRefused, match="there is no search index behind the alias"):
        await apply(file, settings, worker)
    assert await _documents(settings) == {}
    await _prepare(settings)
    typo = {key.replace("sink.url", "sink.ulr"): value for key, value in file.config.items()}
    (tmp_path / "sink.json").write_text(json.dumps({"name": file.base, "config": typo}))
    code, _, err = await _command(environment, "apply", str(tmp_path / "sink.json"))
    assert code == 2
    assert "camel.sink.ulr: org.apache.camel.kafkaconnector.CamelSinkConnector has no such option" in err
    assert "did you mean camel.sink.url?" in err
    with pytest.raises(ConnectorRefused, match=r"tasks\.max: Invalid value many for configuration tasks\.max"):
        await apply(_changed(file, tasks__max="many"), settings, worker)
    with pytest.raises(ConnectorRefused, match=r"the worker has no plugin io\.confluent"):
        await apply(_changed(file, connector__class="io.confluent.Sink"), settings, worker)
    with pytest.raises(ConnectorRefused, match="it failed as soon as it ran: "):
        await apply(_changed(file, camel__sink__marshal="nothing"), settings, worker)
    assert await _names(settings, worker) == set()
    with pytest.raises(ConnectorRefused, match="Unknown connector"):
        await worker.restart(file.name)
    down = {**environment, "CONNECT_URL": f"http://u:secret@127.0.0.1:{free_port()}"}
    code, _, err = await _command(down, "list")
    assert code == 3
    assert "did not answer (ConnectError): see whether it runs" in err
    assert "secret" not in err


async def test_a_connector_that_runs_and_does_nothing_is_stalled(
    environment: Environment, settings: Settings, worker: ConnectWorker, file: ConnectorFile
) -> None:
    """Nothing listens where it writes to; its task goes on trying, and says RUNNING."""
    await _prepare(settings)
    await _relay(settings, _entries()[0][:20])
    nowhere = file.config["camel.sink.url"].replace("${env:ELASTICSEARCH_URL}", f"http://127.0.0.1:{free_port()}")
    stuck = _changed(file, camel__sink__url=nowhere, camel__error__handler__max__redeliveries="1000")
    await apply(stuck, settings, worker)
    health = await _health(settings, worker, stuck.name, seconds=3)
    assert {task.state for task in health.connector.tasks} == {"RUNNING"}
    assert health.verdict is Verdict.STALLED
    assert health.lag is not None
    assert health.lag >= 20
    code, out, _ = await _command(environment, "status", stuck.name, "--watch", "1")
    assert code == 1
    assert "stalled" in out
    assert (await _command(environment, "restart", stuck.base))[1] == f"{stuck.name}: restarted\n"
    assert (await _command(environment, "delete", stuck.base))[1] == f"{stuck.name}: removed\n"
    assert await _names(settings, worker) == set()


async def test_a_connector_whose_alias_is_gone_fails_and_makes_no_index(
    settings: Settings, worker: ConnectWorker, file: ConnectorFile
) -> None:
    await _prepare(settings)
    impatient = _changed(file, camel__error__handler__max__redeliveries="1")
    await apply(impatient, settings, worker)
    async with open_index_catalog(settings) as catalog, AsyncElasticsearch(_url(settings)) as client:
        (index,) = await catalog.indexes()
        await client.indices.delete(index=index.name)
        await _relay(settings, _entries()[0][:1])

        async def failed() -> bool:
            await asyncio.sleep(0.3)
            return (await _health(settings, worker, impatient.name)).verdict is Verdict.FAILED

        await until(failed, "the task has failed", SECONDS)
        assert not await client.indices.exists(index=settings.search_alias)
