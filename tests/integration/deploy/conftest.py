"""Renders the overlays with kubectl: the one on the PATH, or the one that the tests of the cluster have built."""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest

from tests.servers.fixtures import refuse
from tests.servers.tools import KUBERNETES
from tests.unit.deploy.manifests import Manifest, parse

Render = Callable[[Path], Sequence[Manifest]]


@pytest.fixture(scope="session")
def kubectl() -> str:
    """Its path; no cluster is asked for anything."""
    if found := shutil.which("kubectl"):
        return found
    if not KUBERNETES.installed():
        refuse("kubectl", "it is not on the PATH, and none was built for the tests of the cluster")
    return str(KUBERNETES.path("kubectl"))


@pytest.fixture(scope="session")
def render(kubectl: str) -> Render:
    """What `kubectl apply --kustomize` would send."""

    @cache
    def rendered(folder: Path) -> Sequence[Manifest]:
        environment = {**os.environ, "KUBECONFIG": os.devnull}
        done = subprocess.run(
            [kubectl, "kustomize", folder], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        return parse(done.stdout)

    return rendered
