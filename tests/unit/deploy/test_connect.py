"""deploy/kafka-connect: the worker's image, its file, the connectors and docker-compose.yaml name the same things."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ruamel.yaml import YAML

from domain.settings import Settings
from tests.servers.connect import ConnectServer
from tests.servers.kafka import MAVEN_PLUGIN, KafkaServer
from tests.unit.deploy.dockerfile import read_stages
from tests.unit.deploy.project import ROOT

FOLDER = ROOT / "deploy" / "kafka-connect"
PLUGIN, IMAGE = read_stages(FOLDER / "Dockerfile")
COMPOSE: Mapping[str, Any] = YAML(typ="safe", pure=True).load(ROOT / "docker-compose.yaml")
SERVICE: Mapping[str, Any] = COMPOSE["services"]["kafka-connect"]
FILE = "worker.properties"
VARIABLE = re.compile(r"\$\{env:(\w+)\}")


def _worker() -> dict[str, str]:
    lines = (FOLDER / FILE).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_every_variable_has_a_value_in_the_image() -> None:
    files = [FOLDER / FILE, *FOLDER.glob("*.json")]
    wanted = {name for file in files for name in VARIABLE.findall(file.read_text())}
    assert len(wanted) == 5
    assert wanted <= IMAGE.environment().keys()


def test_compose_sets_only_what_the_image_has() -> None:
    assert SERVICE["environment"].keys() <= IMAGE.environment().keys()
    assert SERVICE["environment"]["CONNECT_ADVERTISED_HOST"] in COMPOSE["services"]


def test_the_worker_has_no_variable_where_kafka_does_not_replace_one() -> None:
    assert VARIABLE.search(_worker()["plugin.path"]) is None


def test_the_plugins_are_where_the_worker_looks() -> None:
    (plugins,) = [copy for copy in IMAGE.copies() if copy.stage == "plugin"]
    assert plugins.target == _worker()["plugin.path"]
    assert f"-DoutputDirectory={plugins.sources[0]}/" in PLUGIN.value("RUN")


def test_the_image_starts_the_worker_with_its_file() -> None:
    (file,) = [copy for copy in IMAGE.copies() if copy.stage is None]
    assert list(file.sources) == [FILE]
    assert IMAGE.command("CMD")[1] == file.target


def test_the_port_is_one_everywhere() -> None:
    port = IMAGE.value("EXPOSE")
    assert urlsplit(IMAGE.environment()["CONNECT_LISTENERS"]).port == int(port)
    assert SERVICE["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert f":{port}/health" in IMAGE.value("HEALTHCHECK")
    settings = Settings.model_validate({"connect_url": COMPOSE["x-environment"]["CONNECT_URL"]})
    url = urlsplit(settings.connect_url.get_secret_value())
    assert (url.hostname, url.port) == ("kafka-connect", int(port))
    default = Settings.model_fields["connect_url"].default.get_secret_value()
    assert urlsplit(default).port == int(port)


def test_the_worker_is_the_one_that_the_tests_run() -> None:
    assert IMAGE.base == f"apache/kafka:{KafkaServer.version}"
    assert MAVEN_PLUGIN in PLUGIN.value("RUN")
    pom = (FOLDER / "http-sink.pom.xml").read_text()
    (version,) = re.findall(r"<artifactId>http-sink</artifactId>\s*<version>(.+)</version>", pom)
    assert ConnectServer.version == f"{KafkaServer.version}-http-sink-{version}"
