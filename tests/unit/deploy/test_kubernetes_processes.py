"""The Deployments name what is there: commands, variables, ports, probes; and their pods may do little."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from domain.settings import Mode, Settings
from domain.users.mongo_database import INDEX_BUILD_TIMEOUT
from graph.health import PING_TIMEOUT, health_routes
from graph.metrics import Metrics
from indexer.pairs import INDEXER, RELAY, choose
from tests.unit.deploy import manifests
from tests.unit.deploy.dockerfile import read_stages
from tests.unit.deploy.manifests import BASE, MINIKUBE, PRODUCTION, Manifest, container, environment_file, pod
from tests.unit.deploy.project import ROOT, VARIABLES, parse_command, settings_of
from tests.unit.deploy.restricted import violations

IMAGE = read_stages(ROOT / "Dockerfile")[-1]
RESOURCES = [*manifests.resources(BASE), *manifests.resources(PRODUCTION)]
PROCESSES = manifests.of_kind(RESOURCES, "Deployment")
AUTOSCALERS = manifests.of_kind(RESOURCES, "HorizontalPodAutoscaler")
ACCOUNTS = manifests.of_kind(RESOURCES, "ServiceAccount")
SETTINGS = environment_file(BASE / "settings.properties") | environment_file(PRODUCTION / "settings.properties")
SECRETS = environment_file(MINIKUBE / "secrets.properties") | {
    "KAFKA_USERNAME": "relay",
    "KAFKA_PASSWORD": "throw-away",
}

process = pytest.mark.parametrize("name", list(PROCESSES))


@pytest.fixture
def settings(name: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Those of a process in production, where the Secret holds `SECRETS`."""
    given = {variable: SECRETS[key["key"]] for variable, key in manifests.secret_keys(PROCESSES[name]).items()}
    return settings_of({**IMAGE.environment(), **SETTINGS, **given}, monkeypatch)


def _port_field(name: str) -> str:
    return "port" if name == "api" else "indexer_port"


def test_the_processes_are_those_of_the_mode() -> None:
    assert manifests.of_kind(manifests.resources(BASE), "Deployment").keys() == {"api", "relay", "indexer"}
    assert PROCESSES.keys() == {"api", "relay", "indexer", "watcher"}


@process
def test_every_command_exists(name: str) -> None:
    assert "command" not in container(PROCESSES[name]), "the image's ENTRYPOINT"
    parse_command(container(PROCESSES[name])["args"])


@process
def test_the_settings_are_those_of_the_cluster(name: str, settings: Settings) -> None:
    assert settings.mode is Mode.CLUSTER
    assert not settings.development


@pytest.mark.parametrize(("name", "pair"), [("relay", RELAY), ("indexer", INDEXER)])
def test_a_pipeline_is_one_pair_of_its_mode(name: str, pair: object, settings: Settings) -> None:
    chosen = parse_command(container(PROCESSES[name])["args"])
    assert choose(settings, chosen["source"], chosen["sink"]) == [pair]


def test_the_watcher_watches() -> None:
    assert parse_command(container(PROCESSES["watcher"])["args"])["continuous"] is True


@process
def test_every_variable_is_a_setting(name: str) -> None:
    assert manifests.secret_keys(PROCESSES[name]).keys() <= VARIABLES


@pytest.mark.parametrize("folder", [BASE, MINIKUBE, PRODUCTION], ids=lambda folder: folder.name)
def test_every_setting_of_a_file_is_one(folder: Any) -> None:
    assert environment_file(folder / "settings.properties").keys() <= VARIABLES


@process
def test_what_is_secret_comes_from_the_secret_and_from_nowhere_else(name: str) -> None:
    secret = {field.upper() for field, info in Settings.model_fields.items() if "SecretStr" in str(info.annotation)}
    keys = manifests.secret_keys(PROCESSES[name])
    assert all((key["name"], key["key"]) == ("user-service", variable) for variable, key in keys.items())
    assert keys.keys() - {"KAFKA_USERNAME"} <= secret
    assert not SETTINGS.keys() & secret
    assert container(PROCESSES[name])["envFrom"] == [{"configMapRef": {"name": "user-service"}}]


def test_each_process_gets_the_secrets_that_it_reads() -> None:
    everybody = {"MONGODB_URL", "ELASTICSEARCH_URL"}
    kafka = {"KAFKA_USERNAME", "KAFKA_PASSWORD"}
    held = {name: set(manifests.secret_keys(workload)) for name, workload in PROCESSES.items()}
    pipelines = dict.fromkeys(("relay", "indexer", "watcher"), everybody | kafka)
    assert held == {"api": everybody | {"CHANGE_TOKEN_SECRET"}, **pipelines}
    optional = {
        variable
        for workload in PROCESSES.values()
        for variable, key in manifests.secret_keys(workload).items()
        if key.get("optional")
    }
    assert optional == kafka


@process
def test_no_service_of_the_namespace_is_taken_for_a_setting(name: str) -> None:
    assert pod(PROCESSES[name])["enableServiceLinks"] is False


@process
def test_the_port_is_that_of_the_settings(name: str, settings: Settings) -> None:
    [port] = container(PROCESSES[name])["ports"]
    assert port == {
        "name": "graphql" if name == "api" else "health",
        "containerPort": getattr(settings, _port_field(name)),
    }


@process
def test_the_probes_ask_routes_that_exist(name: str) -> None:
    probes = {kind: container(PROCESSES[name])[f"{kind}Probe"] for kind in ("startup", "liveness", "readiness")}
    [port] = container(PROCESSES[name])["ports"]
    assert {probe["httpGet"]["port"] for probe in probes.values()} == {port["name"]}
    assert {kind: probe["httpGet"]["path"] for kind, probe in probes.items()} == {
        "startup": "/livez",
        "liveness": "/livez",
        "readiness": "/readyz",
    }
    assert {"/livez", "/readyz"} <= {route.path for route in health_routes(Metrics("1.2.3"))}


@process
def test_a_start_may_take_as_long_as_the_building_of_an_index(name: str) -> None:
    probe = container(PROCESSES[name])["startupProbe"]
    waited = timedelta(seconds=probe["periodSeconds"] * probe["failureThreshold"])
    deadline = timedelta(seconds=PROCESSES[name]["spec"]["progressDeadlineSeconds"])
    assert INDEX_BUILD_TIMEOUT < waited < deadline


@process
def test_readiness_waits_for_the_answer_about_a_silent_store(name: str, settings: Settings) -> None:
    slowest = PING_TIMEOUT if name == "api" else settings.store_timeout.total_seconds()
    assert container(PROCESSES[name])["readinessProbe"]["timeoutSeconds"] > slowest


@process
def test_a_process_has_time_to_stop(name: str, settings: Settings) -> None:
    grace = timedelta(seconds=pod(PROCESSES[name])["terminationGracePeriodSeconds"])
    assert grace >= _stopping(name, settings) + timedelta(seconds=5)


def _stopping(name: str, settings: Settings) -> timedelta:
    before = container(PROCESSES[name]).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    return timedelta(seconds=before) + settings.shutdown_timeout


@process
def test_the_proxy_drains_for_as_long_as_the_process_may_take(name: str, settings: Settings) -> None:
    [patch] = manifests.read(PRODUCTION / "order-of-proxy.yaml")
    [proxy] = manifests.parse(patch["spec"]["template"]["metadata"]["annotations"]["proxy.istio.io/config"])
    drained = timedelta(seconds=int(proxy["terminationDrainDuration"].removesuffix("s")))
    assert (
        _stopping(name, settings) < drained < timedelta(seconds=pod(PROCESSES[name])["terminationGracePeriodSeconds"])
    )
    assert proxy["holdApplicationUntilProxyStarts"] is True


@pytest.mark.parametrize("name", ["api"])
def test_a_request_in_flight_is_answered_before_the_api_stops(name: str, settings: Settings) -> None:
    assert settings.shutdown_timeout >= settings.request_timeout
    assert container(PROCESSES[name])["lifecycle"]["preStop"]["sleep"]["seconds"] >= 3


@process
def test_the_restricted_profile_takes_the_pods(name: str) -> None:
    assert violations(PROCESSES[name]) == []


def test_the_namespace_enforces_the_restricted_profile() -> None:
    [namespace] = manifests.of_kind(RESOURCES, "Namespace").values()
    modes = {key.split("/")[1]: value for key, value in namespace["metadata"]["labels"].items()}
    assert modes == dict.fromkeys(("enforce", "audit", "warn"), "restricted")


@process
def test_a_process_runs_as_the_images_user(name: str) -> None:
    given = pod(PROCESSES[name])["securityContext"]
    assert f"{given['runAsUser']}:{given['runAsGroup']}" == IMAGE.value("USER")
    assert given["fsGroup"] == given["runAsGroup"]


@process
def test_a_process_writes_only_where_it_may(name: str) -> None:
    assert container(PROCESSES[name])["securityContext"]["readOnlyRootFilesystem"] is True
    mounts = {mount["mountPath"]: mount["name"] for mount in container(PROCESSES[name])["volumeMounts"]}
    assert mounts.keys() == {"/tmp", IMAGE.environment()["DATA_DIR"]}
    volumes = {volume["name"]: volume["emptyDir"] for volume in pod(PROCESSES[name])["volumes"]}
    assert volumes.keys() == set(mounts.values())
    assert all("sizeLimit" in volume for volume in volumes.values())


@process
def test_a_process_has_no_token_for_kubernetes(name: str) -> None:
    account = pod(PROCESSES[name])["serviceAccountName"]
    assert account == manifests.labels(PROCESSES[name])["app.kubernetes.io/component"]
    assert ACCOUNTS[account]["automountServiceAccountToken"] is False
    assert pod(PROCESSES[name])["automountServiceAccountToken"] is False


@process
def test_what_a_process_takes_is_said(name: str) -> None:
    given: Mapping[str, Mapping[str, str]] = container(PROCESSES[name])["resources"]
    assert given["requests"].keys() == {"cpu", "memory"}
    assert given["limits"].keys() == {"memory"}
    assert _mebibytes(given["requests"]["memory"]) <= _mebibytes(given["limits"]["memory"])


def _mebibytes(quantity: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", quantity).groups()  # type: ignore[union-attr]
    return int(number) * {"Mi": 1, "Gi": 1024}[unit]


@process
def test_a_workload_selects_its_own_pods_only(name: str) -> None:
    selected = [other for other, each in PROCESSES.items() if _selects(PROCESSES[name], each)]
    assert selected == [name]


def _selects(workload: Manifest, other: Manifest) -> bool:
    return manifests.selects(workload["spec"]["selector"], manifests.labels(other))


@process
def test_the_labels_are_those_that_the_mesh_knows(name: str) -> None:
    labels = manifests.labels(PROCESSES[name])
    assert labels["app.kubernetes.io/name"] == "user-service"
    assert labels["app.kubernetes.io/component"] == ("indexer" if name == "watcher" else name)


@pytest.mark.parametrize("name", ["api", "relay", "indexer"])
def test_pods_are_spread_over_nodes_and_zones(name: str) -> None:
    constraints = pod(PROCESSES[name])["topologySpreadConstraints"]
    assert [each["topologyKey"] for each in constraints] == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    assert all(each["labelSelector"] == PROCESSES[name]["spec"]["selector"] for each in constraints)


@process
def test_a_roll_out_takes_nothing_away_before_the_new_is_ready(name: str) -> None:
    assert PROCESSES[name]["spec"]["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
    }
    assert PROCESSES[name]["spec"]["minReadySeconds"] > 0


@process
def test_the_number_of_pods_is_said_by_one_alone(name: str) -> None:
    assert ("replicas" in PROCESSES[name]["spec"]) is (name not in AUTOSCALERS)


def test_no_process_but_the_watcher_is_alone() -> None:
    fewest = {name: AUTOSCALERS[name]["spec"]["minReplicas"] for name in AUTOSCALERS}
    fewest |= {name: each["spec"]["replicas"] for name, each in PROCESSES.items() if name not in AUTOSCALERS}
    assert fewest == {"api": 2, "relay": 2, "indexer": 2, "watcher": 1}


@process
def test_the_image_is_the_one_that_kustomize_replaces(name: str) -> None:
    assert container(PROCESSES[name])["image"] == "user-service"
    assert container(PROCESSES[name])["imagePullPolicy"] == "IfNotPresent"
    [image] = manifests.kustomization(BASE)["images"]
    assert image == {"name": "user-service", "newTag": Settings.model_fields["app_version"].default}
    assert [image["name"] for image in manifests.kustomization(PRODUCTION)["images"]] == ["user-service"]
