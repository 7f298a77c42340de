"""A deleted user is looked for everywhere, in every mode, while the real processes run."""

import json
from pathlib import Path
from typing import Any

from domain.backends import Backends, open_backends, open_index_catalog
from domain.clock import now
from domain.errors import SearchUnavailable
from domain.search.document import IndexEntry, search_document
from indexer.dead_letters import DeadLetter
from indexer.kafka_dead_letters import dead_letters
from indexer.pairs import EMBEDDED
from indexer.requests import is_answered
from tests.integration.indexer.command import command
from tests.integration.indexer.process import Environment, indexer, settings_of, until

SECRET = "Zaphod Beeblebrox the Unforgettable"


async def _receipt(environment: Environment, id: str) -> tuple[int, dict[str, Any]]:
    ended = await command(environment, "erasure-receipt", id, "--json")
    assert SECRET not in ended.out + ended.err
    assert ended.out, ended.err
    return ended.exit_code, json.loads(ended.out)


async def _count(backends: Backends, id: str) -> int:
    try:
        return len(await backends.index.versions([id]))
    except SearchUnavailable:
        return 0


async def test_a_deleted_user_is_gone_everywhere_or_by_a_time(environment: Environment, tmp_path: Path) -> None:
    settings = settings_of(environment)
    is_embedded, is_cluster = "MONGODB_URL" not in environment, "KAFKA_TOPIC" in environment
    async with open_backends(settings) as backends:
        user = await backends.users.create({"username": "zaphod", "displayName": SECRET})

        async def indexed() -> bool:
            return await _count(backends, user.id) == 1

        async def unindexed() -> bool:
            return await _count(backends, user.id) == 0

        async with indexer(environment, tmp_path / "indexer.log") as process:
            await until(indexed, "the user is indexed")
            assert await _receipt(environment, user.id) == (1, {"id": user.id, "live": True})
            async with open_index_catalog(settings) as catalog:
                spare = await catalog.create()
                async with catalog.writer(spare) as writer:
                    await writer.write([IndexEntry(user.id, 1, search_document(user))])
            await backends.users.delete(user.id)
            await until(unindexed, "the deletion is indexed")
            await process.end()
        letter = DeadLetter(user.id, 1, "a-to-b", "too long", 1, now())
        await dead_letters(settings, backends.ledger).add([letter])

        exit_code, told = await _receipt(environment, user.id)
        verdicts = {place["place"]: place["verdict"] for place in told["places"]}
        indexes = {place: verdict for place, verdict in verdicts.items() if place.startswith("index ")}
        assert (len(indexes), set(indexes.values())) == (2, {"gone"})
        assert (verdicts["store"], verdicts["dead letters"]) == ("gone by", "gone by")
        assert verdicts.get("topic " + environment.get("KAFKA_TOPIC", "")) == ("gone by" if is_cluster else None)
        assert verdicts.get("store's journal") == ("gone by" if is_embedded else None)
        assert verdicts.get("store's write-ahead log") == ("still there" if is_embedded else None)  # no indexer runs
        assert (exit_code, told["complete"]) == ((1, False) if is_embedded else (0, True))
        assert any("backups" in place for place in told["cannotSee"])

        environment = {**environment, "TOMBSTONE_RETENTION": "0"}
        async with indexer(environment, tmp_path / "indexer.log"):

            async def swept() -> bool:
                letters = await dead_letters(settings, backends.ledger).get([user.id])
                return not letters and not await backends.store.get([user.id])

            async def runs() -> bool:
                return not is_embedded or await is_answered(backends.ledger, EMBEDDED.name)

            await until(swept, "tombstone and dead letter are gone")
            await until(runs, "the indexer has told that it runs")
            exit_code, told = await _receipt(environment, user.id)
        verdicts = {place["place"]: place["verdict"] for place in told["places"]}
        assert (exit_code, verdicts["store"], verdicts["dead letters"]) == (0, "gone", "gone")
        async with open_index_catalog(settings) as catalog, catalog.writer(spare) as writer:
            await writer.write([IndexEntry(user.id, 7, search_document(user))])
        exit_code, told = await _receipt(environment, user.id)
        assert (exit_code, told["complete"]) == (1, False)
    if is_embedded:
        assert SECRET.encode() not in (settings.data_dir / "users.db").read_bytes()
