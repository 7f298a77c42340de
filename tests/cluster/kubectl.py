"""kubectl, and its answers as Python values."""

import asyncio
import json
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

from tests.servers.tools import KUBERNETES

_TIMEOUT = 60.0  # seconds for one command


class KubectlError(Exception):
    """A command that the API server, or kubectl itself, refused."""

    def __init__(self, arguments: tuple[str, ...], said: str) -> None:
        self.said = said
        super().__init__(f"kubectl {' '.join(arguments)}: {said}")


class Kubectl:
    """kubectl for one cluster."""

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig

    async def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """What it says; raises KubectlError."""
        command = [str(KUBERNETES.path("kubectl")), f"--kubeconfig={self._kubeconfig}", *arguments]
        process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        async with asyncio.timeout(_TIMEOUT):
            out, err = await process.communicate(stdin.encode() if stdin is not None else None)
        if process.returncode:
            raise KubectlError(arguments, err.decode().strip())
        return out.decode() + err.decode()

    async def apply(self, *documents: dict[str, Any]) -> None:
        """Apply objects made here."""
        await self("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=_list(documents))

    async def get(self, *arguments: str) -> dict[str, Any]:
        """One object, or the list of them."""
        found: dict[str, Any] = json.loads(await self("get", "--output=json", *arguments))
        return found

    async def items(self, *arguments: str) -> list[dict[str, Any]]:
        """The objects that match."""
        found: list[dict[str, Any]] = (await self.get(*arguments))["items"]
        return found


def _list(documents: tuple[dict[str, Any], ...]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})
