"""Reads the manifests below deploy/ and istio/ as far as these tests ask about them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.unit.deploy.project import ROOT

BASE = ROOT / "deploy/base"
MINIKUBE = ROOT / "deploy/overlays/minikube"
PRODUCTION = ROOT / "deploy/overlays/production"

Manifest = Mapping[str, Any]

WORKLOADS = ("Deployment", "StatefulSet")


def read(path: Path) -> Sequence[Manifest]:
    """The documents of one file."""
    return [document for document in YAML(typ="safe", pure=True).load_all(path) if document]


def parse(text: str) -> Sequence[Manifest]:
    return [document for document in YAML(typ="safe", pure=True).load_all(text) if document]


def kustomization(folder: Path) -> Manifest:
    [document] = read(folder / "kustomization.yaml")
    return document


def resources(folder: Path) -> Sequence[Manifest]:
    """What the folder itself adds: its files' documents, without those of the folders that it builds on."""
    files = [folder / name for name in kustomization(folder)["resources"] if name.endswith(".yaml")]
    return [document for file in files for document in read(file)]


def of_kind(manifests: Sequence[Manifest], *kinds: str) -> dict[str, Manifest]:
    """By name."""
    return {each["metadata"]["name"]: each for each in manifests if each["kind"] in kinds}


def environment_file(path: Path) -> dict[str, str]:
    """The variables of a kustomize `envs` file."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def pod(workload: Manifest) -> Mapping[str, Any]:
    spec: Mapping[str, Any] = workload["spec"]["template"]["spec"]
    return spec


def container(workload: Manifest) -> Mapping[str, Any]:
    """The only one of its pods."""
    [only] = pod(workload)["containers"]
    found: Mapping[str, Any] = only
    return found


def labels(workload: Manifest) -> Mapping[str, str]:
    """Of its pods."""
    found: Mapping[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return found


def selects(selector: Mapping[str, Any], pods: Mapping[str, str]) -> bool:
    """Whether a LabelSelector selects pods with these labels. Only `In` is known of its expressions."""
    return all(pods.get(name) == value for name, value in selector.get("matchLabels", {}).items()) and all(
        each["operator"] == "In" and pods.get(each["key"]) in each["values"]
        for each in selector.get("matchExpressions", [])
    )


def secret_keys(workload: Manifest) -> dict[str, Mapping[str, Any]]:
    """By variable: the reference to a Secret's key."""
    return {each["name"]: each["valueFrom"]["secretKeyRef"] for each in container(workload)["env"]}
