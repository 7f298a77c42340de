"""The pieces of YAML that pages tell to add to the overlay fit the manifests, and one another."""

import re
from collections.abc import Sequence
from typing import Any

import pytest

from domain.peers.location import resolver_for
from domain.settings import Settings
from tests.unit.deploy import manifests
from tests.unit.deploy.manifests import BASE, PRODUCTION, Manifest, container
from tests.unit.deploy.project import ROOT, settings_of

PROCESSES = manifests.of_kind([*manifests.resources(BASE), *manifests.resources(PRODUCTION)], "Deployment")


def _blocks(page: str, language: str) -> Sequence[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs" / page).read_text("utf-8"), re.DOTALL)


def _yaml(page: str) -> Sequence[Manifest]:
    return [document for block in _blocks(page, "yaml") for document in manifests.parse(block)]


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    [properties] = _blocks("add-a-peer.md", "properties")
    return settings_of(dict(line.split("=", 1) for line in properties.splitlines()), monkeypatch)


def test_the_settings_name_a_peer(settings: Settings) -> None:
    assert settings.peers.keys() == {"posts"}
    resolver_for(settings.peers["posts"].url)


def test_the_schemas_are_mounted_where_the_settings_look(settings: Settings) -> None:
    kustomization, patch, *_ = _yaml("add-a-peer.md")
    [mount] = container(patch)["volumeMounts"]
    [volume] = manifests.pod(patch)["volumes"]
    [generated] = kustomization["configMapGenerator"]
    assert mount["mountPath"] == settings.peer_schemas
    assert mount["name"] == volume["name"]
    assert volume["configMap"]["name"] == generated["name"]
    assert container(patch)["name"] == container(PROCESSES[patch["metadata"]["name"]])["name"]
    mounted = {each["mountPath"] for each in container(PROCESSES["api"])["volumeMounts"]}
    assert mount["mountPath"] not in mounted


@pytest.mark.parametrize(
    ("page", "port", "processes"),
    [("add-a-peer.md", 8001, ["api"]), ("kafka-connect.md", 8083, ["indexer", "watcher"])],
)
def test_a_policy_opens_one_port_to_its_processes(page: str, port: int, processes: Sequence[str]) -> None:
    [policy] = manifests.of_kind([each for each in _yaml(page) if "kind" in each], "NetworkPolicy").values()
    selected = [
        name
        for name, each in PROCESSES.items()
        if manifests.selects(policy["spec"]["podSelector"], manifests.labels(each))
    ]
    assert selected == processes
    assert policy["spec"]["policyTypes"] == ["Egress"]
    rules: Sequence[Any] = policy["spec"]["egress"]
    assert [each for rule in rules for each in rule["ports"]] == [{"protocol": "TCP", "port": port}]


def test_the_sidecar_lets_the_peer_through_by_the_name_of_the_settings(settings: Settings) -> None:
    [rule] = _yaml("add-a-peer.md")[-1]["egress"]
    [host] = rule["hosts"]
    namespace, name = host.split("/")
    assert settings.peers["posts"].url.removeprefix("srv://_graphql._tcp.") + ".cluster.local" == name
    assert name.split(".")[1] == namespace
