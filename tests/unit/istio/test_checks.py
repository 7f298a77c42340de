"""Every rule finds the fault that it is for, planted into the shipped manifests, and finds nothing else."""

import pytest

from keytool.checks import RULES
from keytool.checks.reading import read
from tests.fixtures.issuer import jwk, jwks
from tests.unit.istio.manifests import ROOT, findings, planted, shipped

RA, AP, PA = "request-auth.yaml", "authorization-policies.yaml", "peer-authentication.yaml"
VS, GW, DR, SC, SE = (
    "virtual-service.yaml",
    "gateway.yaml",
    "destination-rule.yaml",
    "sidecar.yaml",
    "service-entry.yaml",
)

FAULTS = [
    # Fields
    (RA, "forwardOriginalToken:", "forwardOriginalTokens:", "unknown field forwardOriginalTokens in spec.jwtRules[0]"),
    (RA, "    audiences:", "    jwksInline: x\n    audiences:", "unknown field jwksInline"),
    (
        RA,
        "  - issuer: https://issuer.example.com\n    # A",
        "  - audience: x\n    # A",
        "spec.jwtRules[0] has no issuer",
    ),
    (RA, "issuer: https://issuer.example.com", "issuer:", "spec.jwtRules[0].issuer is empty"),
    (RA, "security.istio.io/v1\n", "security.istio.io/v1beta1\n", "apiVersion is 'security.istio.io/v1beta1'"),
    (RA, "kind: RequestAuthentication", "kind: RequestAuthentification", "kind RequestAuthentification is not known"),
    (PA, "  namespace: user-service\n", "", "metadata has no namespace"),
    (
        PA,
        "mode: STRICT",
        "mode: STRICKT",
        "spec.mtls.mode is 'STRICKT': give one of DISABLE, PERMISSIVE, STRICT, UNSET",
    ),
    (DR, "interval: 5s", "interval: 0.0001s", "outlierDetection.interval is '0.0001s': give a duration"),
    (DR, "maxEjectionPercent: 50", "maxEjectionPercent: 101", "is 101: give a whole number from 0 to 100"),
    (DR, "maxConnections: 256", "maxConnections: many", "maxConnections is 'many': give a whole number"),
    (SE, "number: 27017", "number: 270170", "is 270170: give a port from 1 to 65535"),
    (RA, "forwardOriginalToken: true", 'forwardOriginalToken: "yes"', "is 'yes': give true or false"),
    (RA, "    audiences:\n    - user-service", "    audiences: user-service", "is 'user-service': give a list"),
    (PA, "  mtls:\n    mode: STRICT", "  mtls: STRICT", "spec.mtls is 'STRICT': give an object"),
    # Places and names
    (AP, "namespace: user-service", "namespace: default", "is in namespace default, where none of the pods are"),
    (SE, "name: kafka\n", "name: mongodb\n", "is also in service-entry.yaml:10"),
    (AP, "component: api", "component: app", "the selector matches no workload"),
    (SC, "component: relay", "component: relais", "the selector matches no workload"),
    # Tokens
    (RA, "    jwks: '", "    jwksUri: https://a.example/jwks\n    jwks: '", "both jwks and jwksUri"),
    (RA, "    jwks: '", "    jwksUri: http://a.example/jwks # '", "jwksUri http://a.example/jwks is no https URL"),
    (RA, "    jwks: '", "    timeout: 5s # '", "neither jwks nor jwksUri"),
    (RA, "    audiences:\n    - user-service\n", "", "no audiences: name ours"),
    (RA, "issuer: https://issuer.example.com", "issuer: https://issuer.example.com one", "the issuer has spaces"),
    (RA, "  - issuer:", "  - {issuer: a, jwks: '{}'}\n  - issuer:", "a second rule, so a second issuer"),
    (RA, "forwardOriginalToken: true", "forwardOriginalToken: false", "forwardOriginalToken is not true"),
    (
        RA,
        "    audiences:",
        "    fromParams: [token]\n    audiences:",
        "fromParams: the service reads the Authorization",
    ),
    (RA, "    - name: Authorization", "    - name: X-Token", "not taken from the Authorization header only"),
    (RA, "    fromHeaders:", "    outputClaimToHeaders: []\n    unknown:", "also from ?access_token="),
    (RA, '      prefix: "Bearer "\n', "", "not taken from the Authorization header only"),
    (RA, "Header: x-jwt-payload", "Header: x-claims", "claims go to x-claims: the service knows x-jwt-payload"),
    # Policies
    (AP, "spec: {}", "spec: {action: DENY}", "nothing denies by default in namespace user-service"),
    (AP, '        requestPrincipals: ["*"]', "        {}", "allows everybody"),
    (AP, '        requestPrincipals: ["*"]', '        principals: ["*"]', "opens /graphql without a token"),
    (AP, 'paths: ["/metrics"]', 'paths: ["/*"]', "opens /graphql without a token"),
    (AP, 'paths: ["/metrics"]', 'notPaths: ["/livez"]', "notPaths allows all but what it names"),
    (
        AP,
        'requestPrincipals: ["*"]',
        'requestPrincipals: ["https://other.example/*"]',
        "https://other.example is not the",
    ),
    (
        AP,
        '"cluster.local/ns/monitoring/sa/prometheus"',
        '"spiffe://c/ns/m/sa/p"',
        "spiffe://c/ns/m/sa/p matches nobody",
    ),
    (AP, '"cluster.local/ns/monitoring/sa/prometheus"', '"prometheus"', "the principal prometheus matches nobody"),
    (AP, 'ports: ["8000"]', 'ports: ["80"]', "no container has the port 80 (that is the Service's)"),
    (AP, 'ports: ["8000"]', 'ports: ["8080"]', "no container has the port 8080: use 8000, 9000"),
    (AP, "    to:\n", "    when: [{key: request.nope, values: [x]}]\n    to:\n", "there is no attribute request.nope"),
    (AP, "    to:\n", "    when: [{key: source.ip}]\n    to:\n", "source.ip is compared with nothing"),
    (PA, "mode: STRICT", "mode: PERMISSIVE", "mtls PERMISSIVE takes plain text"),
    (PA, "  mtls:", "  portLevelMtls: {8000: {mode: DISABLE}}\n  mtls:", "portLevelMtls DISABLE takes plain text"),
    (
        PA,
        "  mtls:",
        "  selector: {matchLabels: {app.kubernetes.io/component: api}}\n  mtls:",
        "principals without STRICT",
    ),
    # Ways in
    (VS, "  gateways:\n  - user-service", "  gateways:\n  - users", "there is no Gateway user-service/users"),
    (
        VS,
        "  - users.example.com",
        "  - people.example.com",
        "Gateway user-service/user-service serves none of its hosts",
    ),
    (VS, "    route: &route\n", "    directResponse: &route\n", "directResponse is a list"),
    (
        VS,
        "host: user-service.user-service.svc",
        "host: users.user-service.svc",
        "there is no Service users.user-service",
    ),
    (VS, "number: 80\n", "number: 8000\n", "user-service.user-service.svc.cluster.local has no port 8000: use 80"),
    (VS, "prefix: /graphql/", "prefix: /", "a route to more than GraphQL"),
    (VS, "    timeout: 35s\n", "", "no timeout: say one"),
    (VS, "timeout: 35s", "timeout: 0s", "timeout is '0s': give a duration"),
    (VS, "refused-stream,reset-before-request", "5xx", "5xx may send a mutation twice"),
    (VS, "refused-stream,reset-before-request", "503", "503 may send a mutation twice"),
    (VS, "        exact: GET", "        exact: POST", "gateway-error, reset may send a mutation twice"),
    (VS, "      retryOn: connect-failure,refused-stream,reset-before-request\n", "", "no retryOn"),
    (VS, "    retries: &no-retries\n      attempts: 0", "    fault: &no-retries {}", "no retries.attempts"),
    (VS, "exact: https://app.example.com", "regex: .*", "origins that are not named one by one"),
    (VS, "exact: https://app.example.com", 'exact: "*"', "origins that are not named one by one"),
    (GW, "      httpsRedirect: true", "      httpsRedirect: false", "takes tokens in plain text"),
    (GW, "      credentialName: user-service-tls\n", "", "HTTPS without a certificate"),
    (GW, "./users.example.com", '"*"', "takes every host"),
    (GW, "TLSV1_2", "TLSV1_0", "minProtocolVersion is 'TLSV1_0'"),
    # Ways out
    (DR, "host: user-service.user-service.svc.cluster.local", "host: user-service", "there is no host user-service"),
    (
        DR,
        "  trafficPolicy:\n",
        "  trafficPolicy:\n    tls: {mode: DISABLE}\n",
        "tls mode DISABLE: a STRICT service refuses",
    ),
    (SC, "./issuer.example.com", "./idp.example.com", "no ServiceEntry has the host idp.example.com"),
    (SC, "- ~/*", '- "*/*"', "*/* opens every namespace"),
    (SC, "mode: REGISTRY_ONLY", "mode: ALLOW_ANY", "calls to unknown hosts are let out"),
    (SE, "protocol: TLS", "protocol: TCP", "several hosts behind a port without TLS"),
]

CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data:
  JWT_ISSUER: https://other
  JWT_AUDIENCE: a
"""
OTHER_KEYS = "\ndata: {KAFKA_BOOTSTRAP_SERVERS: 'kafka-9.example.com:9093', jwks.json: '{\"keys\": []}'}\n"


def test_the_shipped_manifests_with_keys_are_clean() -> None:
    assert findings(shipped()) == []


@pytest.mark.parametrize(("file", "old", "new", "expected"), FAULTS, ids=lambda value: str(value)[:40])
def test_a_planted_fault_is_found(file: str, old: str, new: str, expected: str) -> None:
    found = findings(planted(file, old, new))
    assert any(expected in finding for finding in found), found


@pytest.mark.parametrize(
    ("left_out", "expected"),
    [
        (RA, "speaks of tokens, which nothing checks for api"),
        (AP, "nothing denies by default in namespace user-service"),
        (PA, "principals without STRICT mutual TLS"),
        (GW, "there is no Gateway user-service/user-service"),
        (SE, "no ServiceEntry has the host mongodb-0.example.com"),
    ],
)
def test_a_file_that_is_missing_leaves_a_gap_that_is_found(left_out: str, expected: str) -> None:
    files = {name: text for name, text in shipped().items() if name != left_out}
    assert any(expected in finding for finding in findings(files))


def test_a_finding_says_file_line_fault_and_remedy() -> None:
    (found,) = findings(planted(PA, "mode: STRICT", "modus: STRICT"))[:1]
    assert found == (
        "peer-authentication.yaml:10: PeerAuthentication default: unknown field modus in spec.mtls: known are mode"
    )


def test_manifests_without_keys_say_how_to_get_some() -> None:
    (found,) = findings(planted(RA, "jwks: '", "jwks: NO-KEYS-YET # '"))
    assert found.endswith(
        "there are no keys yet: run python istio/generate_keys_and_token.py --apply-to istio/request-auth.yaml"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "a.yaml:1: holds no manifest: remove the file, or fill it"),
        ("# only a comment\n", "a.yaml:1: holds no manifest: remove the file, or fill it"),
        ("- 1\n", "a.yaml:1: is no object: begin with apiVersion and kind"),
        ("a: [1\nb: 2\n", "a.yaml:2: is not YAML"),
        ("a: 1\na: 2\n", "a.yaml:2: is not YAML (found duplicate key"),
        ("a:\n\t- 1\n", "a.yaml:2: is not YAML"),
        ("a: \x00\n", "a.yaml:1: is not YAML: remove characters that cannot be printed"),
        ("a: 1\n", "kind is missing is not known here"),
    ],
)
def test_what_is_no_manifest_is_said(text: str, expected: str) -> None:
    assert any(expected in finding for finding in findings({"a.yaml": text})), findings({"a.yaml": text})


def test_several_documents_keep_their_own_lines() -> None:
    files = planted(AP, 'paths: ["/metrics"]', 'path: ["/metrics"]')
    line = files[AP].splitlines().index('        path: ["/metrics"]') + 1
    assert any(finding.startswith(f"{AP}:{line}: ") for finding in findings(files))


def test_the_settings_of_the_service_are_compared() -> None:
    config = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  JWT_ISSUER: https://other\n  JWT_AUDIENCE: a\n"
    )
    found = findings({**shipped(), "config.yaml": config})
    assert [finding.partition(" differs")[0] for finding in found] == [
        "config.yaml:5: ConfigMap c: JWT_ISSUER https://other",
        "config.yaml:6: ConfigMap c: JWT_AUDIENCE a",
    ]
    right = CONFIG.replace("https://other", "https://issuer.example.com").replace(
        "AUDIENCE: a", "AUDIENCE: user-service"
    )
    assert findings({**shipped(), "config.yaml": right}) == []


def test_the_settings_of_the_production_overlay_agree() -> None:
    file = ROOT / "deploy" / "overlays" / "production" / "settings.properties"
    settings = file.read_text()
    assert findings({**shipped(), file.name: settings}) == []
    moved = settings.replace("kafka-1.example.com:9093", "kafka-1.example.com:9092")
    moved = moved.replace("AUDIENCE=user-service", "AUDIENCE=users")
    found = findings({**shipped(), file.name: moved})
    lines = [finding.partition(": ConfigMap settings: ")[2] for finding in found]
    assert lines == [
        "JWT_AUDIENCE users differs from audiences in request-auth.yaml:24: say the same in both",
        "no ServiceEntry has kafka-1.example.com with port 9092: add it to service-entry.yaml",
    ]


def test_the_issuer_behind_a_url_is_reachable() -> None:
    settings = "JWT_JWKS=https://idp.example.com/jwks.json\n"
    (found,) = findings({**shipped(), "settings.properties": settings})
    assert found.startswith(
        "settings.properties:1: ConfigMap settings: no ServiceEntry has idp.example.com with port 443"
    )
    assert findings({**shipped(), "settings.properties": settings.replace("idp", "issuer")}) == []


def test_the_keys_of_the_service_are_those_of_the_mesh() -> None:
    keys = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: k}\ndata:\n  jwks.json: |\n    "
    (found,) = findings({**shipped(), "keys.yaml": keys + jwks(jwk("p256")) + "\n"})
    assert found.startswith("keys.yaml:5: ConfigMap k: other keys than in request-auth.yaml:")
    assert findings({**shipped(), "keys.yaml": keys + jwks(jwk("rsa")) + "\n"}) == []
    assert any(
        "has no key in it" in finding for finding in findings({**shipped(), "keys.yaml": keys + '{"keys": []}\n'})
    )


def test_kinds_of_kubernetes_may_stand_beside() -> None:
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n"
    assert findings({**shipped(), "service.yaml": service}) == []


def test_every_kind_of_key_is_taken() -> None:
    keys = jwks(*(jwk(name) for name in ("rsa", "p256", "p384", "ed25519")))
    assert findings(shipped(keys)) == []


def test_every_rule_has_a_fault_that_it_finds() -> None:
    """A rule that finds nothing in any of these could be taken out unseen."""
    planted_files = [planted(file, old, new) for file, old, new, _ in FAULTS]
    planted_files += [{**shipped(), "config.yaml": CONFIG}]
    planted_files += [{**shipped(), "config.yaml": CONFIG.partition("\ndata:")[0] + OTHER_KEYS}]
    documents = [[d for name, text in files.items() for d in read(name, text)[0]] for files in planted_files]
    silent = [rule.__qualname__ for rule in RULES if not any(list(rule(found)) for found in documents)]
    assert silent == []
