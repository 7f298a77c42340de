"""deploy/minikube.sh with a real kubectl and API server: only `minikube` itself is a stand-in."""

import asyncio
import os
from asyncio.subprocess import PIPE
from pathlib import Path

from tests.cluster.cluster import Cluster
from tests.cluster.manifests import ROOT
from tests.servers.tools import KUBERNETES

_TIMEOUT = 120  # seconds for the whole roll-out
_ADDRESS = "192.0.2.7"  # for documentation (RFC 5737): nobody's
_STAND_IN = f"""#!/bin/sh
case "$*" in
*" image ls") echo "docker.io/library/user-service:$TAG" ;;
*" ip") echo {_ADDRESS} ;;
esac
"""


class Minikube:
    """A cluster that the script takes for minikube."""

    address = _ADDRESS

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster = cluster
        self._tools = folder
        (folder / "minikube").write_text(_STAND_IN)
        (folder / "minikube").chmod(0o755)
        (folder / "kubectl").symlink_to(KUBERNETES.path("kubectl"))

    async def deploy(self, tag: str = "1.2.3") -> str:
        """What the script says; it has to succeed."""
        environment = {
            "PATH": f"{self._tools}:{os.environ['PATH']}",
            "KUBECONFIG": str(self.cluster.kubeconfig),
            "MINIKUBE_PROFILE": "tests",  # the name of the kubeconfig's context
            "TAG": tag,
            "TIMEOUT": str(_TIMEOUT),
            "HOME": str(self._tools),
        }
        script = str(ROOT / "deploy" / "minikube.sh")
        process = await asyncio.create_subprocess_exec(script, env=environment, stdout=PIPE, stderr=PIPE)
        async with asyncio.timeout(_TIMEOUT + 30):
            out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        return out.decode()
