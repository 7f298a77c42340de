"""The production overlay and the manifests of istio/ name the same tokens, servers and keys."""

from tests.unit.deploy import manifests
from tests.unit.deploy.manifests import PRODUCTION, environment_file
from tests.unit.deploy.project import ROOT

MESH = {path.name: manifests.read(path) for path in sorted((ROOT / "istio").glob("*.yaml"))}


def test_the_mesh_and_the_service_expect_the_same_tokens() -> None:
    [request] = MESH["request-auth.yaml"]
    [rule] = request["spec"]["jwtRules"]
    given = environment_file(PRODUCTION / "settings.properties")
    assert (given["JWT_ISSUER"], [given["JWT_AUDIENCE"]]) == (rule["issuer"], rule["audiences"])


def test_the_mesh_knows_the_brokers() -> None:
    given = environment_file(PRODUCTION / "settings.properties")["KAFKA_BOOTSTRAP_SERVERS"].split(",")
    kafka = manifests.of_kind(MESH["service-entry.yaml"], "ServiceEntry")["kafka"]["spec"]
    [port] = kafka["ports"]
    assert given == [f"{host}:{port['number']}" for host in kafka["hosts"]]


def test_the_keys_are_read_where_they_are_mounted() -> None:
    [patch] = manifests.read(PRODUCTION / "mount-jwks.yaml")
    [mount] = patch["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    given = environment_file(PRODUCTION / "settings.properties")["JWT_JWKS"]
    assert given == f"{mount['mountPath']}/jwks.json"
    assert "--from-file=istio/keys/jwks.json" in (PRODUCTION / "mount-jwks.yaml").read_text()


def test_in_production_topics_have_three_replicas() -> None:
    assert int(environment_file(PRODUCTION / "settings.properties")["KAFKA_REPLICATION"]) == 3
