"""Services and network policies name pods and ports that are there, and open nothing else."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.unit.deploy import manifests
from tests.unit.deploy.manifests import BASE, MINIKUBE, PRODUCTION, container, environment_file

RESOURCES = [*manifests.resources(BASE), *manifests.resources(PRODUCTION)]
PROCESSES = manifests.of_kind(RESOURCES, "Deployment")
SERVICES = manifests.of_kind(RESOURCES, "Service")
POLICIES = manifests.of_kind(RESOURCES, "NetworkPolicy")

process = pytest.mark.parametrize("name", list(PROCESSES))


def _port_of(name: str) -> int:
    [port] = container(PROCESSES[name])["ports"]
    number: int = port["containerPort"]
    return number


def _rules(name: str, direction: str) -> Iterator[Mapping[str, Any]]:
    """The rules of all policies for the pods of a process."""
    for policy in POLICIES.values():
        if manifests.selects(policy["spec"]["podSelector"], manifests.labels(PROCESSES[name])):
            yield from policy["spec"].get(direction, [])


def _ports(name: str, direction: str) -> set[int]:
    return {port["port"] for rule in _rules(name, direction) for port in rule["ports"]}


@pytest.mark.parametrize("name", list(SERVICES))
def test_a_service_leads_to_the_api(name: str) -> None:
    spec = SERVICES[name]["spec"]
    selected = [
        other for other, each in PROCESSES.items() if spec["selector"].items() <= manifests.labels(each).items()
    ]
    assert selected == ["api"]
    [port], [target] = spec["ports"], container(PROCESSES["api"])["ports"]
    assert (port["name"], port["targetPort"], port["appProtocol"]) == ("graphql", target["name"], "http")


def test_the_headless_service_has_the_ports_own_number() -> None:
    """An SRV record tells the Service's port, and callers connect to the pod's address with it."""
    spec = SERVICES["user-service-headless"]["spec"]
    assert spec["clusterIP"] == "None"
    assert [port["port"] for port in spec["ports"]] == [_port_of("api")]
    assert [port["port"] for port in SERVICES["user-service"]["spec"]["ports"]] == [80]


def test_nothing_is_allowed_unless_it_is_said() -> None:
    assert POLICIES["deny-by-default"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize("name", list(POLICIES))
def test_a_policy_says_which_ports_and_never_lets_everybody_in(name: str) -> None:
    spec = POLICIES[name]["spec"]
    assert {kind.lower() for kind in spec["policyTypes"]} >= spec.keys() - {"podSelector", "policyTypes"}
    assert all(rule["ports"] for direction in ("ingress", "egress") for rule in spec.get(direction, []))
    assert all(rule["from"] for rule in spec.get("ingress", []))


@process
def test_a_policy_opens_the_ports_of_the_process(name: str) -> None:
    opened = _ports(name, "ingress") - {8000, 9000, 15020} | {_port_of(name)}
    assert opened == {_port_of(name)}
    assert _port_of(name) in _ports(name, "ingress")


def test_requests_reach_the_api_alone() -> None:
    askers = ("api-requests", "api-requests-of-the-mesh")
    reached = {
        name
        for name, each in PROCESSES.items()
        for policy in askers
        if manifests.selects(POLICIES[policy]["spec"]["podSelector"], manifests.labels(each))
    }
    assert reached == {"api"}


@process
def test_a_process_reaches_what_its_settings_name_and_nothing_else(name: str) -> None:
    given = environment_file(PRODUCTION / "settings.properties")
    brokers = {urlsplit(f"//{broker}").port for broker in given["KAFKA_BOOTSTRAP_SERVERS"].split(",")}
    secrets = environment_file(MINIKUBE / "secrets.properties")
    stores = {urlsplit(secrets[name]).port for name in ("MONGODB_URL", "ELASTICSEARCH_URL")}
    dns, istiod, https = 53, 15012, 443
    expected = {dns, istiod, *stores} | ({https} if name == "api" else brokers)
    assert _ports(name, "egress") == expected
