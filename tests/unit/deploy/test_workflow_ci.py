""".github/workflows/ci.yml runs on what is there: tests, variables, ports and versions."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from graphql import build_schema, parse, validate

from tests.unit.deploy.dockerfile import read_stages
from tests.unit.deploy.project import ROOT, parse_command
from tests.unit.deploy.test_compose import SERVICES
from tests.unit.deploy.workflows import WORKFLOWS, scripts

WORKFLOW = WORKFLOWS["ci.yml"]
JOBS: Mapping[str, Mapping[str, Any]] = WORKFLOW["jobs"]
REAL = JOBS["real-servers"]

CHANGE = r"${change//\"/\\\"}"
"""The change token, quoted inside a string of JSON."""

job = pytest.mark.parametrize("name", list(JOBS))


def _scripts(name: str) -> str:
    return scripts("ci.yml", name)


def _port(address: str) -> int | None:
    return urlsplit(address if "://" in address else f"//{address}").port


def _sources(folder: Path) -> Iterator[str]:
    return (path.read_text() for path in folder.rglob("*.py") if path != Path(__file__))


def test_it_runs_for_pull_requests_and_where_it_is_called() -> None:
    assert WORKFLOW["on"] == {"pull_request": None, "workflow_call": None}


def test_messages_are_checked_where_they_can_still_be_changed() -> None:
    assert JOBS["commits"]["if"] == "github.event_name == 'pull_request'"
    [checkout, check] = JOBS["commits"]["steps"]
    assert checkout["with"]["fetch-depth"] == 0
    assert check["run"] == 'python3 .github/commits.py "origin/$GITHUB_BASE_REF..HEAD"'


def test_a_missing_server_is_a_failure() -> None:
    assert WORKFLOW["env"] == {"REQUIRE_SERVERS": "1"}


@job
def test_every_command_of_the_service_exists(name: str) -> None:
    for service, words in re.findall(r"exec --no-TTY ([\w-]+) python -m (.+)", _scripts(name)):
        assert service in SERVICES
        parse_command(words.split())


def test_the_whole_suite_runs_with_all_that_it_needs() -> None:
    assert "make test" in _scripts("test")
    needed = {"setup-python", "setup-java", "setup-node", "setup-go"}
    assert {step["uses"].split("@")[0].split("/")[1] for step in JOBS["test"]["steps"] if "uses" in step} >= needed


@pytest.mark.parametrize("variable", list(REAL["env"]))
def test_every_variable_of_a_real_server_is_read_by_the_tests(variable: str) -> None:
    assert any(f'"{variable}"' in text for text in _sources(ROOT / "tests"))


def test_the_real_servers_are_where_the_variables_say() -> None:
    published = {port.split(":")[1] for name in ("elasticsearch", "kafka") for port in SERVICES[name]["ports"]}
    places = (REAL["env"][name] for name in ("ELASTICSEARCH_TEST_URL", "KAFKA_TEST_BOOTSTRAP_SERVERS"))
    assert {str(_port(place)) for place in places} == published
    assert re.search(r"docker compose up .*\belasticsearch kafka$", _scripts("real-servers"), re.MULTILINE)


def test_the_real_replica_set_has_three_members_and_the_standalone_server_is_none() -> None:
    script = _scripts("real-servers")
    members = re.findall(r"^member (\d+) --replSet rs0 ", script, re.MULTILINE)
    assert len(members) == 3
    hosts = ",".join(f"127.0.0.1:{port}" for port in members)
    assert REAL["env"]["MONGODB_TEST_URL"] == f"mongodb://{hosts}/?replicaSet=rs0"
    [alone] = re.findall(r"^member (\d+)$", script, re.MULTILINE)
    assert REAL["env"]["MONGODB_STANDALONE_TEST_URL"] == f"mongodb://127.0.0.1:{alone}"


def test_the_real_mongodb_is_the_one_that_is_shipped() -> None:
    shipped = read_stages(ROOT / "deploy/mongo-rs/Dockerfile")[-1].base
    assert re.findall(r"\bmongo:\S+", _scripts("real-servers")) == [shipped]


def test_the_container_without_kafka_is_asked_at_its_own_port() -> None:
    [port] = SERVICES["sync-indexer"]["ports"]
    assert re.findall(r"localhost:(\d+)/readyz", _scripts("compose")) == [port.split(":")[1]]


def test_what_the_cluster_is_asked_is_of_the_schema() -> None:
    schema = build_schema((ROOT / "graph/schema.graphql").read_text())
    bodies = re.findall(r'^\{"query": .+', _scripts("compose-with-kafka"), re.MULTILINE)
    create, search = (json.loads(body.replace(CHANGE, r"\"change\"")) for body in bodies)
    assert "createUser" in create["query"]
    assert "waitFor" in search["query"]
    for body in (create, search):
        assert validate(schema, parse(body["query"])) == []
