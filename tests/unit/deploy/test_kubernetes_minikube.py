"""The minikube overlay runs the servers of docker-compose.yaml, set as they are there."""

from urllib.parse import urlsplit

import pytest

from tests.unit.deploy import manifests
from tests.unit.deploy.manifests import MINIKUBE, Manifest, container, environment_file, pod
from tests.unit.deploy.project import ROOT
from tests.unit.deploy.restricted import violations
from tests.unit.deploy.test_compose import SERVICES as CONTAINERS

SERVERS = manifests.of_kind(manifests.resources(MINIKUBE), "StatefulSet")
HOSTS = manifests.of_kind(manifests.resources(MINIKUBE), "Service")
CLAIMS = manifests.of_kind(manifests.resources(MINIKUBE), "PersistentVolumeClaim")


def _variables(workload: Manifest) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container(workload)["env"]}


@pytest.mark.parametrize("name", ["elasticsearch", "kafka"])
def test_minikube_runs_the_servers_of_compose(name: str) -> None:
    assert container(SERVERS[name])["image"] == CONTAINERS[name]["image"]


def test_minikube_sets_what_compose_sets() -> None:
    assert _variables(SERVERS["elasticsearch"]) == CONTAINERS["elasticsearch"]["environment"]
    ours, theirs = _variables(SERVERS["kafka"]), CONTAINERS["kafka"]["environment"]
    listeners = {name for name in theirs if "OUTSIDE" in theirs[name]}
    assert {name: value for name, value in ours.items() if name not in {*listeners, "KAFKA_HEAP_OPTS"}} == {
        name: value for name, value in theirs.items() if name not in listeners
    }
    without_outside = {
        name: ",".join(each for each in theirs[name].split(",") if "OUTSIDE" not in each) for name in listeners
    }
    assert {name: ours[name] for name in listeners} == without_outside


def test_the_settings_of_minikube_are_those_of_compose() -> None:
    given = environment_file(MINIKUBE / "settings.properties") | environment_file(MINIKUBE / "secrets.properties")
    theirs = dict(CONTAINERS["relay"]["environment"])
    for name in given.keys() & theirs.keys():
        assert given[name] == theirs[name]
    assert theirs.keys() - given.keys() == {"CONNECT_URL"}
    assert given["CHANGE_TOKEN_SECRET"] in CONTAINERS["api"]["environment"]["CHANGE_TOKEN_SECRET"]


def test_minikubes_mongodb_is_the_image_of_the_replica_set() -> None:
    dockerfile = (ROOT / "deploy/mongo-rs/Dockerfile").read_text()
    given = container(SERVERS["mongodb"])
    assert f"FROM {given['image']}\n" in dockerfile
    assert given["command"] == ["bash", "/usr/local/lib/mongo-rs/start.sh"]
    [folder] = [mount["mountPath"] for mount in given["volumeMounts"] if mount["name"] == "scripts"]
    assert f"COPY start.sh initiate.js {folder}/" in dockerfile
    [scripts] = manifests.kustomization(ROOT / "deploy/mongo-rs")["configMapGenerator"]
    assert scripts == {"name": "mongo-rs", "files": ["start.sh", "initiate.js"]}


def test_minikubes_mongodb_is_where_the_url_says() -> None:
    """By the URL clients get to the set, and learn its member's name: the pod's, which the pod always knows."""
    url = urlsplit(environment_file(MINIKUBE / "secrets.properties")["MONGODB_URL"])
    given = _variables(SERVERS["mongodb"])
    assert url.query == f"replicaSet={given['REPLICA_SET']}"
    assert url.hostname == SERVERS["mongodb"]["spec"]["serviceName"]
    assert given["MEMBER_HOST"] == f"mongodb-0.{url.hostname}.user-service.svc.cluster.local:{url.port}"
    assert HOSTS["mongodb"]["spec"]["publishNotReadyAddresses"] is True


@pytest.mark.parametrize("name", list(SERVERS))
def test_a_server_of_minikube_has_its_service_and_keeps_its_data(name: str) -> None:
    spec, host = SERVERS[name]["spec"], HOSTS[SERVERS[name]["spec"]["serviceName"]]["spec"]
    assert host["selector"] == manifests.labels(SERVERS[name]) == spec["selector"]["matchLabels"]
    assert host["clusterIP"] == "None"
    assert [port["port"] for port in host["ports"]] == [
        port["containerPort"] for port in container(SERVERS[name])["ports"]
    ]
    [claimed] = [volume for volume in pod(SERVERS[name])["volumes"] if "persistentVolumeClaim" in volume]
    assert claimed["persistentVolumeClaim"]["claimName"] in CLAIMS
    [volume] = CONTAINERS[name]["volumes"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container(SERVERS[name])["volumeMounts"]}
    assert mounts[claimed["name"]] == volume.split(":")[1]


@pytest.mark.parametrize("name", list(SERVERS))
def test_the_restricted_profile_takes_minikubes_servers(name: str) -> None:
    assert violations(SERVERS[name]) == []
