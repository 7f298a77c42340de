"""What Kubernetes' restricted profile would refuse of a workload.

https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted, as far as these pods go.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.unit.deploy.manifests import Manifest, pod

VOLUMES = {"configMap", "emptyDir", "persistentVolumeClaim", "secret", "projected"}
OUTSIDE_THIS_CHECK = ("hostNetwork", "hostPID", "hostIPC", "initContainers", "ephemeralContainers")


def violations(workload: Manifest) -> list[str]:
    spec = pod(workload)
    containers = [f"{each['name']}: {found}" for each in spec["containers"] for found in _of_container(each)]
    volumes = [f"volume {each['name']}" for each in spec.get("volumes", []) if not each.keys() & VOLUMES]
    return [*_of_pod(spec), *containers, *volumes]


def _of_pod(spec: Mapping[str, Any]) -> Iterator[str]:
    yield from (name for name in OUTSIDE_THIS_CHECK if spec.get(name))
    given = spec.get("securityContext", {})
    if given.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "seccompProfile"
    if given.get("runAsNonRoot") is not True or not given.get("runAsUser"):
        yield "runAsNonRoot"


def _of_container(container: Mapping[str, Any]) -> Iterator[str]:
    given = container.get("securityContext", {})
    if given.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation"
    if given.get("capabilities") != {"drop": ["ALL"]}:
        yield "capabilities"
    if others := given.keys() - {"allowPrivilegeEscalation", "capabilities", "readOnlyRootFilesystem"}:
        yield f"{sorted(others)}, which overrides the pod's"
    if any("hostPort" in port for port in container.get("ports", [])):
        yield "hostPort"
