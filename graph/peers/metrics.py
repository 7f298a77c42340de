"""What Prometheus is told of peers and their instances."""

from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from domain.peers.balancer.status import State
from domain.peers.peers import PeerFields
from domain.peers.status import PeerStatus


class PeerMetrics(Collector):
    """Of the instances that are there now: one that has left is told no more."""

    def __init__(self, peers: PeerFields) -> None:
        self._peers = peers

    def collect(self) -> Iterator[Metric]:
        peers = self._peers.status()
        yield from _of_peers(peers)
        yield from _of_instances(peers)


def _of_peers(peers: Sequence[PeerStatus]) -> Iterator[Metric]:
    age = GaugeMetricFamily("peer_lookup_age_seconds", "Since its instances were last named.", labels=["peer"])
    stale = GaugeMetricFamily("peer_lookup_stale", "1: the last look failed, what is known stands.", labels=["peer"])
    panic = GaugeMetricFamily("peer_panic", "1: too few instances are well, so all are asked.", labels=["peer"])
    attempts = CounterMetricFamily("peer_attempts", "Requests sent to instances.", labels=["peer", "outcome"])
    retries = CounterMetricFamily("peer_retries", "Attempts after a call's first.", labels=["peer"])
    refused = CounterMetricFamily("peer_retries_refused", "Retries that the budget refused.", labels=["peer"])
    for peer in peers:
        if peer.registry.age is not None:
            age.add_metric([peer.name], peer.registry.age.total_seconds())
        stale.add_metric([peer.name], peer.registry.stale)
        panic.add_metric([peer.name], peer.client.panic)
        for outcome, count in peer.client.outcomes.items():
            attempts.add_metric([peer.name, outcome], count)
        retries.add_metric([peer.name], peer.client.retries)
        refused.add_metric([peer.name], peer.client.retries_refused)
    yield from (age, stale, panic, attempts, retries, refused)


def _of_instances(peers: Sequence[PeerStatus]) -> Iterator[Metric]:
    instances = GaugeMetricFamily("peer_instances", "By their state.", labels=["peer", "state"])
    latency = GaugeMetricFamily("peer_instance_latency_seconds", "Peak EWMA.", labels=["peer", "instance"])
    in_flight = GaugeMetricFamily("peer_instance_in_flight", "Requests under way.", labels=["peer", "instance"])
    requests = CounterMetricFamily("peer_instance_requests", "Requests that ended.", labels=["peer", "instance"])
    failures = CounterMetricFamily("peer_instance_failures", "Of these, failed.", labels=["peer", "instance"])
    for peer in peers:
        for state in State:
            count = sum(instance.state is state for instance in peer.client.instances)
            instances.add_metric([peer.name, state], count)
        for instance in peer.client.instances:
            labels = [peer.name, instance.address]
            if instance.latency is not None:
                latency.add_metric(labels, instance.latency.total_seconds())
            in_flight.add_metric(labels, instance.in_flight)
            requests.add_metric(labels, instance.requests)
            failures.add_metric(labels, instance.failures)
    yield from (instances, latency, in_flight, requests, failures)
