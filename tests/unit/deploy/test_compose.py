"""docker-compose.yaml names what is there: services, volumes, commands, ports, variables and versions."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ruamel.yaml import YAML

from domain.backends import MIN_SECRET_BYTES
from domain.identity.verifier import development_token
from domain.peers.sdl import read_peer_schema
from domain.settings import Mode, Settings
from indexer.pairs import DIRECT, INDEXER, RELAY, Pair, choose
from tests.servers.elasticsearch import ElasticsearchServer
from tests.servers.kafka import KafkaServer
from tests.unit.deploy.dockerfile import read_stages
from tests.unit.deploy.project import ROOT, VARIABLES, parse_command, settings_of

FILE = ROOT / "docker-compose.yaml"
VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")
COMPOSE: Mapping[str, Any] = YAML(typ="safe", pure=True).load(FILE)
SERVICES: Mapping[str, Mapping[str, Any]] = COMPOSE["services"]
OWN = {name: service for name, service in SERVICES.items() if service.get("image") == "user-service"}
IMAGE = read_stages(ROOT / "Dockerfile")[-1]
MONGO = read_stages(ROOT / "deploy/mongo-rs/Dockerfile")[-1]
CONNECT = read_stages(ROOT / "deploy/kafka-connect/Dockerfile")[-1]
POSTS = read_stages(ROOT / "examples/posts/Dockerfile")[-1]
PAIRS: Mapping[str, Pair] = {"relay": RELAY, "indexer": INDEXER, "sync-indexer": DIRECT}
APIS = ("api", "sync-api")
MODES = {"cluster": Mode.CLUSTER, "connect": Mode.CLUSTER, "sync": Mode.WITHOUT_KAFKA}
"""What the services of a profile run in."""

DATABASES = {"mongodb", "elasticsearch"}

own = pytest.mark.parametrize("name", list(OWN))
every = pytest.mark.parametrize("name", list(SERVICES))


def _environment(name: str) -> dict[str, str]:
    """What the service's process sees where nobody sets a variable."""
    given: Mapping[str, str] = SERVICES[name].get("environment", {})
    return {key: VARIABLE.sub(lambda match: match[2], value) for key, value in given.items()}


@pytest.fixture
def settings(name: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    return settings_of({**IMAGE.environment(), **_environment(name)}, monkeypatch)


def _started(profile: str) -> dict[str, Mapping[str, Any]]:
    """What `docker compose --profile <profile> up` starts."""
    return {name: service for name, service in SERVICES.items() if profile in service.get("profiles", [profile])}


def test_the_service_is_one_image_in_three_roles() -> None:
    assert OWN.keys() == {*APIS, *PAIRS}
    assert [name for name, service in OWN.items() if "build" in service] == list(APIS)


def test_every_profile_has_an_api_its_pipelines_and_what_they_need() -> None:
    assert _started("cluster").keys() >= {"api", "relay", "indexer", "kafka", *DATABASES}
    assert _started("connect").keys() == {"api", "relay", "kafka", "kafka-connect", "posts", *DATABASES}
    assert _started("sync").keys() == {"sync-api", "sync-indexer", "posts", *DATABASES}


def test_without_a_choice_the_cluster_is_started() -> None:
    lines = (ROOT / ".env").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == ["COMPOSE_PROFILES=cluster"]


@pytest.mark.parametrize("profile", list(MODES))
def test_a_profile_builds_the_image_once_and_waits_only_for_its_own(profile: str) -> None:
    started = _started(profile)
    assert sum("build" in service for name, service in started.items() if name in OWN) == 1
    assert all(service.get("depends_on", {}).keys() <= started.keys() for service in started.values())


@own
def test_every_variable_is_a_setting(name: str) -> None:
    assert _environment(name).keys() <= VARIABLES


def test_what_may_be_set_outside_is_a_setting() -> None:
    assert {match[1] for match in VARIABLE.finditer(FILE.read_text())} == {"APP_VERSION", "CHANGE_TOKEN_SECRET"}
    assert {"APP_VERSION", "CHANGE_TOKEN_SECRET"} <= VARIABLES


@own
def test_the_settings_are_those_of_the_profile(name: str, settings: Settings) -> None:
    assert {MODES[profile] for profile in OWN[name]["profiles"]} == {settings.mode}


@own
def test_every_command_exists(name: str) -> None:
    parse_command(OWN[name]["command"])


@pytest.mark.parametrize("name", list(PAIRS))
def test_a_pipeline_is_one_pair_of_its_mode(name: str, settings: Settings) -> None:
    chosen = parse_command(OWN[name]["command"])
    assert choose(settings, chosen["source"], chosen["sink"]) == [PAIRS[name]]


@pytest.mark.parametrize("path", ["Dockerfile", "docker-compose.yaml"])
def test_every_command_in_a_comment_exists(path: str) -> None:
    for words in re.findall(r"^#.*?python -m (.+)$", (ROOT / path).read_text(), re.MULTILINE):
        parse_command(words.split())


@pytest.mark.parametrize("name", APIS)
def test_the_api_starts_without_a_variable_set(settings: Settings, tmp_path: Path) -> None:
    secret = settings.change_token_secret
    assert secret is not None
    assert len(secret.get_secret_value()) >= MIN_SECRET_BYTES
    assert development_token(settings.model_copy(update={"data_dir": tmp_path}), "somebody", [], timedelta(hours=1))


def test_the_version_reaches_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments, same = (SERVICES[name]["build"]["args"] for name in APIS)
    assert arguments == same
    [(variable, default)] = VARIABLE.findall(arguments["APP_VERSION"])
    assert (variable, default) == ("APP_VERSION", Settings.model_fields["app_version"].default)
    built = IMAGE.environment(**dict.fromkeys(arguments, "1.2.3"))
    assert settings_of(built, monkeypatch).app_version == "1.2.3"


@own
def test_the_ports_of_the_service_are_those_of_its_settings(name: str, settings: Settings) -> None:
    field = "port" if name in APIS else "indexer_port"
    assert [int(port.split(":")[2]) for port in OWN[name]["ports"]] == [getattr(settings, field)]


@every
def test_only_this_machine_reaches_a_port(name: str) -> None:
    assert SERVICES[name]["ports"]
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in SERVICES[name]["ports"])


@pytest.mark.parametrize("profile", list(MODES))
def test_no_port_of_this_machine_is_taken_twice(profile: str) -> None:
    ports = [port.split(":")[1] for service in _started(profile).values() for port in service["ports"]]
    assert len(ports) == len(set(ports))


@own
def test_mongodb_is_where_the_settings_say(name: str, settings: Settings) -> None:
    assert settings.mongodb_url is not None
    url = urlsplit(settings.mongodb_url.get_secret_value())
    assert url.netloc == SERVICES["mongodb"]["environment"]["MEMBER_HOST"]
    assert url.hostname in SERVICES[name]["depends_on"]
    assert str(url.port) == MONGO.value("EXPOSE")
    assert parse_qs(url.query)["replicaSet"] == [MONGO.environment()["REPLICA_SET"]]
    assert SERVICES["mongodb"]["environment"].keys() <= MONGO.environment().keys()


@own
def test_elasticsearch_is_where_the_settings_say(settings: Settings) -> None:
    assert settings.elasticsearch_url is not None
    url = urlsplit(settings.elasticsearch_url.get_secret_value())
    [port] = SERVICES[url.hostname or ""]["ports"]
    assert port.endswith(f":{url.port}")


@pytest.mark.parametrize("name", [name for name in OWN if "cluster" in OWN[name]["profiles"]])
def test_kafka_is_where_the_settings_say(settings: Settings) -> None:
    host, _, port = (settings.kafka_bootstrap_servers or "").partition(":")
    kafka = SERVICES[host]["environment"]
    assert f"INSIDE://{host}:{port}" in kafka["KAFKA_ADVERTISED_LISTENERS"].split(",")
    assert f"INSIDE://:{port}" in kafka["KAFKA_LISTENERS"].split(",")
    [published] = SERVICES[host]["ports"]
    _, outside, inside = published.split(":")
    assert f"OUTSIDE://localhost:{outside}" in kafka["KAFKA_ADVERTISED_LISTENERS"].split(",")
    assert f"OUTSIDE://:{inside}" in kafka["KAFKA_LISTENERS"].split(",")


def test_the_servers_are_those_that_the_tests_run_against() -> None:
    assert SERVICES["elasticsearch"]["image"] == f"elasticsearch:{ElasticsearchServer.version}"
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{KafkaServer.version}"


@pytest.mark.parametrize("name", [name for name, service in SERVICES.items() if "build" in service])
def test_every_build_has_its_dockerfile(name: str) -> None:
    build = SERVICES[name]["build"]
    assert (ROOT / build["context"] / build.get("dockerfile", "Dockerfile")).is_file()


@every
def test_every_service_has_a_health_check(name: str) -> None:
    inherited = IMAGE if name in OWN else {"mongodb": MONGO, "kafka-connect": CONNECT, "posts": POSTS}.get(name)
    assert "healthcheck" in SERVICES[name] or (inherited is not None and inherited.values("HEALTHCHECK"))


@every
def test_a_service_waits_for_the_health_of_services_that_exist(name: str) -> None:
    for needed, how in SERVICES[name].get("depends_on", {}).items():
        assert needed in SERVICES
        assert how == {"condition": "service_healthy"}


def test_volumes_are_declared_and_used() -> None:
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert used == COMPOSE["volumes"].keys()


@pytest.mark.parametrize("name", APIS)
def test_the_development_key_outlives_its_container(name: str, settings: Settings) -> None:
    assert [volume.split(":")[1] for volume in SERVICES[name]["volumes"]] == [str(settings.data_dir)]


@every
def test_every_service_is_confined(name: str) -> None:
    assert SERVICES[name]["cap_drop"] == ["ALL"]
    assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]


@own
def test_the_service_writes_only_where_it_may(name: str) -> None:
    assert OWN[name]["read_only"] is True
    assert "/tmp" in OWN[name]["tmpfs"]
    kept = [volume.split(":")[1] for volume in OWN[name].get("volumes", [])]
    assert IMAGE.value("VOLUME") in [*OWN[name]["tmpfs"], *kept], "an anonymous volume for every container"


@own
def test_the_service_has_time_to_stop(name: str, settings: Settings) -> None:
    assert timedelta(seconds=int(OWN[name]["stop_grace_period"].removesuffix("s"))) > settings.shutdown_timeout


@pytest.mark.parametrize("name", APIS)
def test_the_peer_is_where_the_settings_say_and_adds_its_fields(name: str, settings: Settings) -> None:
    assert settings.peers["posts"].url == f"static://posts:{POSTS.value('EXPOSE')}"
    assert POSTS.environment()["PORT"] == POSTS.value("EXPOSE")
    [config] = SERVICES[name]["configs"]
    assert str(Path(config["target"]).parent) == settings.peer_schemas
    text = (ROOT / COMPOSE["configs"][config["source"]]["file"]).read_text()
    assert set(read_peer_schema(text, "user.graphql", settings.peers, {}, {}).fields) == {"posts", "postCount"}
