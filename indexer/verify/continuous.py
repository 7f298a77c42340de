"""The process that watches for drift: it samples until it is told to stop, and shows what it knows on /metrics."""

import asyncio
from collections.abc import Iterable

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.backends import open_index_catalog, open_store
from domain.errors import ServiceError
from domain.settings import Settings
from domain.users.store import UserStore
from indexer.health import serve_health
from indexer.signals import told_to_stop
from indexer.tasks import unless
from indexer.verify.watch import Watch

EVERY_SECONDS = 10.0
SAMPLE = 1_000

log = structlog.get_logger()


async def verify_continuously(settings: Settings, *, every: float, sample: int, patience: float) -> None:
    """Until SIGTERM or SIGINT. Raises SettingsError if the store or INDEXER_PORT cannot be had at the start."""
    stop = asyncio.Event()
    with told_to_stop(stop):
        async with open_store(settings) as store, open_index_catalog(settings) as catalog:
            watch = Watch(store.store, catalog, sample=sample, patience=patience)
            async with serve_health(watch_app(store.store, watch), settings):
                log.info("verify watches", mode=settings.mode.value, sample=sample, every=every)
                await unless(stop, watch.run(every))
    log.info("verify stopped")


def watch_app(store: UserStore, watch: Watch) -> Starlette:
    """/livez, /readyz and /metrics of `watch`: alive as long as it moves, ready while `store` answers."""
    registry = CollectorRegistry()
    registry.register(WatchCollector(watch))

    async def livez(_: Request) -> Response:
        return JSONResponse({"status": "stuck" if watch.stuck else "ok"}, status_code=503 if watch.stuck else 200)

    async def readyz(_: Request) -> Response:
        try:
            await store.ping()
        except ServiceError as exc:
            return JSONResponse({"store": exc.message}, status_code=503)
        return JSONResponse({"store": "ok"})

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return Starlette(routes=[Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)])


class WatchCollector(Collector):
    """Prometheus' view of `watch`, computed when it is asked for."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def collect(self) -> Iterable[Metric]:
        watch = self._watch
        drift = GaugeMetricFamily("indexer_drift", "Users known to differ in the index now.", labels=["kind"])
        for kind, count in watch.drift.items():
            drift.add_metric([kind.value], count)
        yield drift
        yield CounterMetricFamily("indexer_verified_users", "Users compared with the index.", value=watch.verified)
        yield CounterMetricFamily("indexer_verify_passes", "Times all users were compared.", value=watch.passes)
        yield CounterMetricFamily("indexer_verify_failures", "Samples not compared.", value=watch.failures)
        if watch.pass_age_seconds is not None:
            yield GaugeMetricFamily(
                "indexer_verify_pass_age_seconds", "Since all users were last compared.", value=watch.pass_age_seconds
            )
