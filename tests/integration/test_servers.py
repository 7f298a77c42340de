"""The real servers themselves: they answer, they die when told to, and what was acknowledged survives.

That Elasticsearch keeps what it acknowledged is seen where the service is killed under load (tests/chaos).
"""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from elasticsearch import AsyncElasticsearch
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from tests.servers import cache, fixtures, java
from tests.servers.kafka import KafkaServer
from tests.servers.mongodb import MongoServer
from tests.servers.ports import free_port
from tests.servers.server import InstallError, NotRunningError, StartError

CHECKOUT = Path(__file__).parents[2]


async def test_mongodb_keeps_what_it_acknowledged_and_resumes_its_stream(mongodb_server: MongoServer) -> None:
    url = mongodb_server.url
    async with AsyncMongoClient[dict[str, Any]](url) as client:
        users = client.test.users
        async with await users.watch() as changes:
            await users.insert_one({"_id": "a"})
            token = (await changes.next())["_id"]
        await users.insert_one({"_id": "b"})
    await mongodb_server.kill()
    await mongodb_server.start()
    assert mongodb_server.url == url
    async with AsyncMongoClient[dict[str, Any]](url) as client:
        assert [user["_id"] async for user in client.test.users.find().sort("_id")] == ["a", "b"]
        async with await client.test.users.watch(resume_after=token) as changes:
            assert (await changes.next())["fullDocument"] == {"_id": "b"}


async def test_kafka_keeps_what_it_acknowledged(kafka_server: KafkaServer) -> None:
    url = kafka_server.url
    producer = AIOKafkaProducer(bootstrap_servers=url, enable_idempotence=True, acks="all")
    async with producer:
        await producer.send_and_wait("users", key=b"a", value=b"1")
    await kafka_server.kill()
    await kafka_server.start()
    assert kafka_server.url == url
    consumer = AIOKafkaConsumer("users", bootstrap_servers=url, group_id="test", auto_offset_reset="earliest")
    async with consumer, asyncio.timeout(30):
        record = await consumer.getone()
    assert (record.key, record.value) == (b"a", b"1")


async def test_shared_servers_answer(mongodb_url: str, elasticsearch_url: str, kafka_bootstrap_servers: str) -> None:
    async with AsyncMongoClient[dict[str, Any]](mongodb_url) as mongodb:
        assert (await mongodb.admin.command("ping"))["ok"] == 1
    async with AsyncElasticsearch(elasticsearch_url) as elasticsearch:
        assert (await elasticsearch.cluster.health())["status"] in ("green", "yellow")
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap_servers)
    async with producer:
        assert await producer.partitions_for("test-shared-servers") == {0}


async def test_a_paused_server_answers_nobody_until_it_is_resumed(mongodb_server: MongoServer) -> None:
    async with AsyncMongoClient[dict[str, Any]](mongodb_server.url, socketTimeoutMS=500, timeoutMS=500) as client:
        await client.admin.command("ping")
        await mongodb_server.pause()
        with pytest.raises(PyMongoError):
            await client.admin.command("ping")
        await mongodb_server.resume()
    async with AsyncMongoClient[dict[str, Any]](mongodb_server.url) as client:
        assert (await client.admin.command("ping"))["ok"] == 1


async def test_a_paused_server_can_be_stopped(mongodb_server: MongoServer) -> None:
    await mongodb_server.pause()
    async with asyncio.timeout(mongodb_server.stop_timeout / 2):
        await mongodb_server.stop()
    assert not is_listening(mongodb_server.port)


async def test_a_server_that_ends_at_its_start_says_why(mongodb_server: MongoServer) -> None:
    second = MongoServer(mongodb_server.data_dir, free_port())
    with pytest.raises(StartError, match=r"mongodb ended with \d+; the end of .*\n.+"):
        await second.start()


async def test_a_server_that_was_never_started_has_no_process(tmp_path: Path) -> None:
    server = MongoServer(tmp_path)
    await server.stop()
    await server.kill()
    with pytest.raises(NotRunningError, match="mongodb was never started"):
        await server.pause()


@pytest.fixture
def foreground(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`python -m tests.servers run mongodb`, ready, and its port."""
    if reason := fixtures.why_not(MongoServer):
        fixtures.refuse("mongodb", reason)
    port = free_port()
    command = [sys.executable, "-m", "tests.servers", "run", "mongodb", "--port", str(port), "--data", str(tmp_path)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any("ready at" in line for line in process.stdout)
        yield process, port
        process.kill()


async def test_run_ends_its_server_on_sigterm(foreground: tuple[subprocess.Popen[str], int]) -> None:
    process, port = foreground
    assert is_listening(port)
    process.terminate()
    assert await asyncio.to_thread(process.wait, 20) == 0
    assert not is_listening(port)


async def test_a_server_does_not_outlive_a_killed_parent(foreground: tuple[subprocess.Popen[str], int]) -> None:
    process, port = foreground
    process.kill()
    for _ in range(200):
        if not is_listening(port):
            return
        await asyncio.sleep(0.05)
    pytest.fail("the server is still there after 10 s")


def is_listening(port: int) -> bool:
    """Asked of the system, so that nothing has to be connected."""
    wanted = f"0100007F:{port:04X}"
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return any(row[1] == wanted and row[3] == "0A" for row in rows)


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "user-service"


def test_an_installation_that_fails_leaves_nothing(own_cache: Path) -> None:
    def half(folder: Path) -> None:
        (folder / "half").touch()
        cache.run("thing", ["sh", "-c", "echo no room >&2; exit 3"])

    with pytest.raises(InstallError, match="thing could not be installed: sh ended with 3:\nno room"):
        cache.install("thing", "1", half)
    assert [path.name for path in own_cache.iterdir()] == ["thing-1.lock"]


def test_two_installations_at_once_do_the_work_once(own_cache: Path) -> None:
    done: list[Path] = []
    begun = threading.Event()

    def fill(folder: Path) -> None:
        done.append(folder)
        begun.set()
        (folder / "content").touch()
        second.join(0.2)

    def install_second() -> None:
        begun.wait(5)
        cache.install("thing", "1", fill)

    second = threading.Thread(target=install_second)
    second.start()
    cache.install("thing", "1", fill)
    second.join()
    assert len(done) == 1
    assert (own_cache / "thing-1" / "content").exists()


def make_jdk(home: Path, version: str) -> Path:
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "java").touch()
    (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
    return home


@pytest.mark.parametrize(("version", "major"), [("1.8.0_402", 8), ("17.0.15", 17), ("25", 25)])
def test_the_version_of_a_jdk(tmp_path: Path, version: str, major: int) -> None:
    assert java.major_version(make_jdk(tmp_path, version)) == major


def test_an_old_java_home_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ES_JAVA_HOME", str(make_jdk(tmp_path / "old", "17.0.1")))
    monkeypatch.setenv("JAVA_HOME", str(make_jdk(tmp_path / "new", "21.0.1")))
    assert java.find_jdk(21) == tmp_path / "new"
    assert java.find_jdk(17) == tmp_path / "old"
    assert java.missing_java(999) == "no JDK 999 or newer: install one or set JAVA_HOME"


def raised(call: Callable[[], None]) -> str:
    with pytest.raises((pytest.skip.Exception, pytest.fail.Exception)) as caught:
        call()
    return f"{caught.typename}: {caught.value}"


def test_a_missing_server_skips_unless_it_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUIRE_SERVERS", raising=False)
    assert raised(lambda: fixtures.refuse("kafka", "no\nmvn")) == "Skipped: no server: kafka (no mvn)"
    monkeypatch.setenv("REQUIRE_SERVERS", "1")
    assert raised(lambda: fixtures.refuse("kafka", "no mvn")) == "Failed: no server: kafka (no mvn)"


def test_the_last_line_counts_the_tests_that_wanted_a_server() -> None:
    assert fixtures.missed(["Skipped: only on Windows"]) is None
    assert fixtures.missed(["Skipped: no server: kafka (no mvn)"]) == "1 test skipped for want of: kafka (no mvn)"
    skips = ["Skipped: no server: kafka (no mvn)", "Skipped: no server: elasticsearch (no JDK)"] * 2
    assert fixtures.missed(skips) == "4 tests skipped for want of: elasticsearch (no JDK), kafka (no mvn)"


def test_the_last_line_is_printed_after_all_others(tmp_path: Path) -> None:
    test = tmp_path / "test_wanting.py"
    test.write_text("from tests.servers import fixtures\n\ndef test_one():\n    fixtures.refuse('kafka', 'no mvn')\n")
    options = ["-ra", "-q", "-p", "no:cacheprovider", "-p", "tests.servers.fixtures", "-c", os.devnull]
    command = [sys.executable, "-m", "pytest", *options, "--rootdir", str(tmp_path), str(test)]
    environment = {**os.environ, "REQUIRE_SERVERS": ""}
    done = subprocess.run(
        command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    said = done.stdout.splitlines()
    assert "1 test skipped for want of: kafka (no mvn)" in said[-2:], done.stderr
    assert said.index("1 test skipped for want of: kafka (no mvn)") > said.index(
        next(x for x in said if "SKIPPED" in x)
    )
