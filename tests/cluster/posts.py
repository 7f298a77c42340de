"""The example peer in the cluster: its processes have addresses of pods, and a headless Service lists some of them."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.cluster.kubectl import Kubectl
from tests.integration.peers.posts import Posts

NAMESPACE = "discovery"
SRV = f"_graphql._tcp.posts.{NAMESPACE}.svc.cluster.local."
_PORT = 8001  # the mesh has 8000 and 9000 of the same addresses
_NAMED_PORTS = [{"name": "graphql", "port": _PORT, "protocol": "TCP"}]


class PostsService:
    """`listed` are the instances that its EndpointSlice names: it has no selector, so that a test says which."""

    def __init__(self, kubectl: Kubectl, addresses: Iterator[str], folder: Path) -> None:
        self._kubectl = kubectl
        self._addresses = addresses
        self._folder = folder
        self._started: list[Posts] = []
        self.listed: tuple[Posts, ...] = ()

    async def create(self) -> None:
        """The Service, without an instance."""
        await self._kubectl.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "posts", "namespace": NAMESPACE},
                "spec": {"clusterIP": "None", "ports": _NAMED_PORTS},
            },
        )

    async def start(self) -> Posts:
        """An instance at an address that had none before; it serves, and is not listed."""
        instance = Posts(self._folder, next(self._addresses), _PORT)
        self._started.append(instance)
        await instance.start()
        return instance

    async def list(self, *instances: Posts) -> None:
        """These and no others are ready, once the API server has heard so."""
        await self._kubectl.apply(_slice(instances))
        self.listed = instances

    async def end(self, *, but: tuple[Posts, ...] = ()) -> None:
        """Kill the processes that still run, except those."""
        ending = [each for each in self._started if each not in but]
        await asyncio.gather(*(each.kill() for each in ending))
        self._started = list(but)


def _slice(instances: tuple[Posts, ...]) -> dict[str, Any]:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "posts-1",
            "namespace": NAMESPACE,
            "labels": {"kubernetes.io/service-name": "posts"},
        },
        "addressType": "IPv4",
        "ports": _NAMED_PORTS,
        "endpoints": [{"addresses": [each.host], "conditions": {"ready": True}} for each in instances],
    }
