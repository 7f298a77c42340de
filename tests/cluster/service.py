"""The service itself as the API's pod runs it, but for its stores: behind the sidecar, with the ConfigMap's keys."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.cluster.kubectl import Kubectl
from tests.cluster.manifests import Manifests, documents
from tests.cluster.mesh import NAMESPACE, Mesh
from tests.cluster.waiting import until
from tests.integration.graph.process import start, stopped

_KEYS = "user-service-jwks"


@asynccontextmanager
async def service_on(mesh: Mesh, manifests: Manifests, folder: Path) -> AsyncIterator[Path]:
    """In the embedded mode, trusting what the manifests trust and nobody else; where its keys are mounted."""
    keys = folder / "jwks.json"
    await mount_keys(mesh.cluster.kubectl, keys)
    (rule,) = next(documents(manifests.request_auth))["spec"]["jwtRules"]
    process = await start(
        folder / "data",
        mesh.API_PORT,
        ENVIRONMENT="production",
        JWT_ISSUER=rule["issuer"],
        JWT_AUDIENCE=rule["audiences"][0],
        JWT_JWKS=str(keys),
        CHANGE_TOKEN_SECRET="a secret of these tests alone",
        APP_VERSION="1.2.3",
    )
    try:
        await until(lambda: _ready(f"http://127.0.0.1:{mesh.API_PORT}/readyz"), "the service is ready")
        yield keys
    finally:
        if process.returncode is None:
            process.terminate()
        await stopped(process)


async def mount_keys(kubectl: Kubectl, path: Path) -> None:
    """What a kubelet does a while after a ConfigMap has changed: the file is another one at once."""
    published = await kubectl.get("configmap", _KEYS, f"--namespace={NAMESPACE}")
    new = path.with_suffix(".new")
    new.write_text(published["data"]["jwks.json"])
    new.replace(path)


async def _ready(url: str) -> bool:
    async with httpx.AsyncClient(trust_env=False) as client:
        try:
            return (await client.get(url)).is_success
        except httpx.TransportError:
            return False
