"""Renders the overlays with the kubectl that is on the PATH."""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest

from tests.servers.fixtures import refuse
from tests.unit.deploy.manifests import Manifest, parse

Render = Callable[[Path], Sequence[Manifest]]


@pytest.fixture(scope="session")
def kubectl() -> str:
    """Its path; no cluster is asked for anything."""
    found = shutil.which("kubectl")
    if found is None:
        refuse("kubectl", "it is not on the PATH")
    return str(found)


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
