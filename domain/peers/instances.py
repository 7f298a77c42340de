"""Rules for a whole set of instances, whoever names them: each address once, and no more than are kept."""

from collections.abc import Iterable

from domain.peers.instance import Instance
from domain.peers.resolver import MAX_INSTANCES


def one_an_address(instances: Iterable[Instance]) -> list[Instance]:
    """An address that is named twice is one instance: at its first priority, and there with its largest weight."""
    best: dict[str, Instance] = {}
    for instance in instances:
        known = best.get(instance.address, instance)
        best[instance.address] = min(known, instance, key=lambda one: (one.priority, -one.weight))
    return list(best.values())


def bounded(instances: Iterable[Instance]) -> tuple[frozenset[Instance], tuple[str, ...]]:
    """At most MAX_INSTANCES, first priorities first; and the remark on what that left out."""
    ordered = sorted(instances, key=lambda one: (one.priority, one.host, one.port))
    kept = frozenset(ordered[:MAX_INSTANCES])
    if len(ordered) <= MAX_INSTANCES:
        return kept, ()
    return kept, (f"{len(ordered) - MAX_INSTANCES} of {len(ordered)} instances are beyond the {MAX_INSTANCES} kept",)
