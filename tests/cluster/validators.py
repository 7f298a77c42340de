"""What can look at a manifest before it is applied: each tells what it finds, or nothing."""

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Iterable
from pathlib import Path

from tests.cluster.kubectl import Kubectl, KubectlError
from tests.cluster.manifests import ISTIO as OURS
from tests.cluster.manifests import ROOT
from tests.servers.tools import ISTIO, LINTERS

_TIMEOUT = 120  # seconds for one command


async def checked(files: Iterable[Path]) -> str:
    """The project's own check."""
    return await _refused(sys.executable, str(OURS / "check_manifests.py"), *map(str, files))


async def conforms(location: str, files: Iterable[Path]) -> str:
    """kubeconform, with the schemas at `location`; a kind without a schema is a fault, too."""
    command = (str(LINTERS.path("kubeconform")), "-strict", "-schema-location", location)
    return await _refused(*command, *map(str, files))


async def validated(files: Iterable[Path]) -> str:
    """`istioctl validate`: each object by itself, as istiod's webhook sees it."""
    return await _refused(str(ISTIO.path("istioctl")), "validate", *(f"--filename={file}" for file in files))


async def analyzed(files: Iterable[Path]) -> str:
    """`istioctl analyze`: the objects together; warnings count."""
    flags = ("--use-kube=false", "--all-namespaces", "--failure-threshold=Warning", "--output-threshold=Warning")
    return await _refused(str(ISTIO.path("istioctl")), "analyze", *flags, *map(str, files))


async def admitted(kubectl: Kubectl, file: Path) -> str:
    """The API server with the definitions of Istio's resources."""
    try:
        await kubectl("apply", "--dry-run=server", "--filename", str(file))
    except KubectlError as error:
        return error.said
    return ""


async def _refused(*command: str) -> str:
    """What a command says that does not end with 0."""
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=PIPE, stderr=STDOUT)
    async with asyncio.timeout(_TIMEOUT):
        out, _ = await process.communicate()
    return (out.decode().strip() or f"ended with {process.returncode}") if process.returncode else ""
