"""What Prometheus is told of tokens: how the issuer's keys are, and why callers were refused; never whose."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from domain.identity.jwks import KeyStatus
from domain.identity.refusals import Cause


class Checked(Protocol):
    @property
    def keys(self) -> KeyStatus: ...

    @property
    def refusals(self) -> Mapping[Cause, int]: ...


class TokenMetrics(Collector):
    """Every reason is told from the start, so that its first refusal is an increase."""

    def __init__(self, checked: Checked) -> None:
        self._checked = checked

    def collect(self) -> Iterator[Metric]:
        keys = self._checked.keys
        yield GaugeMetricFamily("token_keys", "Keys of the issuer that are held.", value=keys.count)
        age = GaugeMetricFamily("token_keys_age_seconds", "Since the keys were last read; absent before.", labels=[])
        if keys.age is not None:
            age.add_metric([], keys.age.total_seconds())
        yield age
        reads = CounterMetricFamily("token_key_reads", "Attempts to read the keys.", labels=["outcome"])
        reads.add_metric(["ok"], keys.reads)
        reads.add_metric(["failed"], keys.failures)
        yield reads
        refusals = CounterMetricFamily("token_refusals", "Requests without a token that holds.", labels=["reason"])
        for cause in Cause:
            refusals.add_metric([cause], self._checked.refusals.get(cause, 0))
        yield refusals
