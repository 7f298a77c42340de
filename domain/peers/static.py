"""Adapter: instances that never change, for development and tests."""

from collections.abc import Iterable

from domain.peers.address import parse_address
from domain.peers.instance import Instance
from domain.peers.resolver import Resolution


class StaticResolver:
    def __init__(self, instances: Iterable[Instance]) -> None:
        self._resolution = Resolution(frozenset(instances))

    async def resolve(self) -> Resolution:
        return self._resolution


def parse_list(text: str) -> list[Instance]:
    """`host:port,host:port`. Raises ValueError that says what is wrong."""
    instances = [Instance(*parse_address(entry.strip())) for entry in text.split(",")]
    if len(set(instances)) < len(instances):
        raise ValueError(f"{text!r} names an instance twice")
    return instances
