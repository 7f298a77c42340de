"""What Prometheus is told of requests: counts and durations by kind, nothing that grows with users or queries."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


@dataclass(slots=True)
class Measured:
    """One request: `operation` is query, mutation or none; `outcome` is ok, refused or failed."""

    operation: str = "none"
    outcome: str = "failed"


class Metrics:
    """The metrics of one application, in a registry of their own."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        GCCollector(self.registry)
        PlatformCollector(self.registry)
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "graphql_requests", "Requests answered.", ["operation", "outcome"], registry=self.registry
        )
        self._duration = Histogram(
            "graphql_request_duration_seconds",
            "Time from a request's headers to its response.",
            ["operation"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._in_flight = Gauge("graphql_requests_in_flight", "Requests being answered.", registry=self.registry)
        Gauge("service_version", "1, for the version that runs.", ["version"], registry=self.registry).labels(
            version
        ).set(1)

    @contextmanager
    def measure(self) -> Iterator[Measured]:
        """Count and time what happens inside; the caller fills in what it was."""
        measured, started = Measured(), time.perf_counter()
        self._in_flight.inc()
        try:
            yield measured
        finally:
            self._in_flight.dec()
            self._requests.labels(measured.operation, measured.outcome).inc()
            self._duration.labels(measured.operation).observe(time.perf_counter() - started)
