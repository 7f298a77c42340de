"""Where a manifest goes by what the service does, the two say the same."""

from itertools import chain
from typing import Any

import uvicorn

from domain.identity.mesh import HEADER
from domain.settings import Settings
from graph.app import PATH
from keytool.checks.document import Document, at, objects, text, texts
from keytool.checks.reading import read
from keytool.checks.request_authentication import PAYLOAD_HEADER
from keytool.checks.workloads import GRAPHQL_PATH
from tests.unit.istio.manifests import shipped


def _documents(file: str) -> list[Document]:
    return list(read(file, shipped()[file])[0])


def _named(file: str, name: str) -> Any:
    (document,) = [found for found in _documents(file) if found.name == name]
    return document.body["spec"]


def _seconds(duration: str) -> float:
    assert duration.endswith("s")
    return float(duration.removesuffix("s"))


def test_routes_wait_longer_than_the_service_works() -> None:
    (document,) = _documents("virtual-service.yaml")
    waits = [_seconds(text(route, "timeout")) for _, route in objects(document, "spec", "http") if "timeout" in route]
    assert len(waits) == 3
    assert min(waits) > Settings().request_timeout.total_seconds()


def test_the_proxy_lets_go_of_idle_connections_before_the_service_does() -> None:
    idle = _seconds(text(_named("sidecar.yaml", "api"), "inboundConnectionPool", "http", "idleTimeout"))
    assert idle < uvicorn.Config(app="").timeout_keep_alive


def test_both_services_have_the_same_limits() -> None:
    policies = [document.body["spec"]["trafficPolicy"] for document in _documents("destination-rule.yaml")]  # type: ignore[index]
    first, second = ({name: policy[name] for name in ("connectionPool", "outlierDetection")} for policy in policies)
    assert first == second


def test_names_are_those_of_the_service() -> None:
    assert HEADER == PAYLOAD_HEADER
    assert GRAPHQL_PATH == PATH


def test_every_host_outside_is_called_by_somebody() -> None:
    hosts = {host for entry in _documents("service-entry.yaml") for host in texts(entry.body, "spec", "hosts")}
    egress = [found for sidecar in _documents("sidecar.yaml") for _, found in objects(sidecar, "spec", "egress")]
    called = chain.from_iterable(texts(found, "hosts") for found in egress)
    assert {f"./{host}" for host in hosts} == {host for host in called if host != "~/*"}


def test_the_host_is_the_same_at_every_place() -> None:
    (gateway,), (routes,) = _documents("gateway.yaml"), _documents("virtual-service.yaml")
    served = {host for _, server in objects(gateway, "spec", "servers") for host in texts(server, "hosts")}
    assert served == {f"./{texts(routes.body, 'spec', 'hosts')[0]}"}
    assert at(gateway.body, "metadata", "name") in texts(routes.body, "spec", "gateways")
