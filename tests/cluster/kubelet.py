"""What a scheduler and a kubelet would report of pods: that they run somewhere and are ready."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.cluster.kubectl import Kubectl, KubectlError

NODE = "node-1"
_POLL = 0.3  # seconds
_READY_SINCE = timedelta(minutes=1)  # longer than any `minReadySeconds`, so that roll-outs go on at once


class Kubelet:
    """Makes pods ready, each at an address of its own; nothing is run in them."""

    def __init__(self, kubectl: Kubectl, addresses: Iterator[str]) -> None:
        self._kubectl = kubectl
        self._addresses = addresses

    async def run(self, pod: dict[str, Any]) -> str:
        """Where that pod is from now on."""
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        if not pod["spec"].get("nodeName"):
            await self._bind(name, namespace)
        address = next(self._addresses)
        await self._report(name, namespace, _ready(pod, address))
        return address

    async def fail(self, pod: dict[str, Any]) -> None:
        """It runs on, but is not ready any more."""
        conditions = [{"type": kind, "status": "False"} for kind in ("ContainersReady", "Ready")]
        await self._report(pod["metadata"]["name"], pod["metadata"]["namespace"], {"conditions": conditions})

    @asynccontextmanager
    async def running(self, namespace: str) -> AsyncIterator[None]:
        """Run every pod of that namespace as it appears."""
        task = asyncio.create_task(self._run_all(namespace))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run_all(self, namespace: str) -> None:
        while True:
            pending = await self._kubectl.items(
                "pods", "--namespace", namespace, "--field-selector=status.phase=Pending"
            )
            for pod in pending:
                with suppress(KubectlError):  # replaced in the meantime
                    await self.run(pod)
            await asyncio.sleep(_POLL)

    async def _bind(self, name: str, namespace: str) -> None:
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name},
            "target": {"apiVersion": "v1", "kind": "Node", "name": NODE},
        }
        path = f"/api/v1/namespaces/{namespace}/pods/{name}/binding"
        await self._kubectl("create", f"--raw={path}", "-f", "-", stdin=json.dumps(binding))

    async def _report(self, name: str, namespace: str, status: dict[str, Any]) -> None:
        patch = json.dumps({"status": status})
        await self._kubectl(
            "patch", "pod", name, f"--namespace={namespace}", "--subresource=status", f"--patch={patch}"
        )


def _ready(pod: dict[str, Any], address: str) -> dict[str, Any]:
    """The status of a pod all of whose containers have started."""
    now = (datetime.now(UTC) - _READY_SINCE).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "phase": "Running",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": now,
        "conditions": [
            {"type": kind, "status": "True", "lastTransitionTime": now}
            for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
        ],
        "containerStatuses": [
            {
                "name": container["name"],
                "image": container["image"],
                "imageID": "",
                "ready": True,
                "started": True,
                "restartCount": 0,
                "state": {"running": {"startedAt": now}},
            }
            for container in pod["spec"]["containers"]
        ],
    }
