"""What a process tells while the servers around it are down: it is degraded, alive, and names what it waits for."""

import asyncio
from pathlib import Path

import httpx

from tests.integration.indexer.process import Environment, indexer, until
from tests.servers.ports import free_port


async def test_a_process_waits_for_its_servers_and_says_so(cluster: Environment, tmp_path: Path) -> None:
    """The store answers; neither Kafka nor Elasticsearch does."""
    kafka, elasticsearch, port = free_port(), free_port(), free_port()
    environment = {
        **cluster,
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{kafka}",
        "ELASTICSEARCH_URL": f"http://127.0.0.1:{elasticsearch}",
        "INDEXER_PORT": str(port),
    }
    async with (
        indexer(environment, tmp_path / "indexer.log") as process,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):

        async def waits() -> bool:
            try:
                pipelines = (await client.get("/readyz")).json()["pipelines"]
            except httpx.TransportError:
                return False
            return all(pipeline["state"] == "backoff" for pipeline in pipelines)

        await until(waits, "both pipelines are in backoff")
        live, ready = await asyncio.gather(client.get("/livez"), client.get("/readyz"))
        assert (live.status_code, live.json()) == (200, {"status": "degraded", "stuck": []})
        assert (ready.status_code, ready.json()["store"]) == (200, "ok")
        errors = {pipeline["pipeline"]: pipeline["error"] for pipeline in ready.json()["pipelines"]}
        assert "KAFKA_BOOTSTRAP_SERVERS" in errors["mongo-to-kafka"]
        assert "search engine" in errors["kafka-to-elasticsearch"]
        metrics = (await client.get("/metrics")).text
        assert 'indexer_restarts_total{pipeline="mongo-to-kafka"} 0.0' not in metrics
        assert 'indexer_restarts_total{pipeline="kafka-to-elasticsearch"} 0.0' not in metrics
        assert await process.end() == 0
