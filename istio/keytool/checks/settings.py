"""Rules for what the service is told, as far as the manifests say it too: issuer, audience, keys, hosts."""

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from keytool.checks import jwks
from keytool.checks.document import Document, objects, of_kind, text, texts
from keytool.checks.finding import Finding
from keytool.checks.request_authentication import jwt_rules

_SAME = "say the same in both"
_KEYS = "jwks.json"


def issuer_and_audience_agree(documents: Sequence[Document]) -> Iterator[Finding]:
    """JWT_ISSUER and JWT_AUDIENCE are what the mesh asks for."""
    for config in of_kind(documents, "ConfigMap"):
        for variable, member in (("JWT_ISSUER", "issuer"), ("JWT_AUDIENCE", "audiences")):
            value = text(config.body, "data", variable)
            for document, path, rule in jwt_rules(documents):
                accepted = texts(rule, member) or [text(rule, member)]
                if value and value not in accepted:
                    place = f"{document.file}:{document.line((*path, member))}"
                    what = f"{variable} {value} differs from {member} in {place}"
                    yield config.finding(("data", variable), what, _SAME)


def keys_agree(documents: Sequence[Document]) -> Iterator[Finding]:
    """The keys that the service reads from a ConfigMap are those of the mesh."""
    for config in of_kind(documents, "ConfigMap"):
        keys = text(config.body, "data", _KEYS)
        if not keys:
            continue
        for what, remedy in jwks.faults(keys):
            yield config.finding(("data", _KEYS), what, remedy)
        for document, path, rule in jwt_rules(documents):
            in_mesh = text(rule, "jwks")
            if in_mesh and jwks.kids(in_mesh) != jwks.kids(keys):
                place = f"{document.file}:{document.line((*path, 'jwks'))}"
                yield config.finding(("data", _KEYS), f"other keys than in {place}", _SAME)


def hosts_are_reachable(documents: Sequence[Document]) -> Iterator[Finding]:
    """Kafka's brokers and the issuer have a ServiceEntry with their port: a sidecar calls nothing else."""
    entries = _entries(documents)
    for config in of_kind(documents, "ConfigMap") if entries else ():
        for variable in ("KAFKA_BOOTSTRAP_SERVERS", "JWT_JWKS"):
            for host, port in _called(variable, text(config.body, "data", variable)):
                if port not in entries.get(host, ()):
                    yield config.finding(
                        ("data", variable),
                        f"no ServiceEntry has {host} with port {port}",
                        "add it to service-entry.yaml",
                    )


def _entries(documents: Sequence[Document]) -> Mapping[str, frozenset[object]]:
    return {
        host: frozenset(port.get("number") for _, port in objects(document, "spec", "ports"))
        for document in of_kind(documents, "ServiceEntry")
        for host in texts(document.body, "spec", "hosts")
    }


def _called(variable: str, value: str) -> Iterator[tuple[str, int]]:
    """The hosts and ports of `host:port,host:port`, or of a URL; a path in the file system is none."""
    if variable == "JWT_JWKS":
        if value.startswith("https://"):
            url = urlsplit(value)
            yield str(url.hostname), url.port or 443
        return
    for server in filter(None, value.split(",")):
        host, _, port = server.strip().rpartition(":")
        if port.isdigit() and not host.endswith(".svc.cluster.local"):
            yield host, int(port)
