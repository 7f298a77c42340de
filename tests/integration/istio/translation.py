"""From Istio manifests to the Envoy configuration that istiod would make of them: pure, and loud where it cannot.

The shapes are those of istiod 1.31 (pilot/pkg/security): the payload of a token that holds goes into dynamic metadata
under `payload`; a request without a token passes the JWT filter; RBAC filters decide, DENY before ALLOW.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from keytool.checks.document import Document, at, mapping, of_kind, text, texts
from keytool.checks.workloads import selected

Config = dict[str, Any]

JWT_FILTER = "envoy.filters.http.jwt_authn"
_EXTENSIONS = "type.googleapis.com/envoy.extensions.filters.http"
_JWT_MEMBERS = {
    "issuer",
    "audiences",
    "jwks",
    "fromHeaders",
    "forwardOriginalToken",
    "outputPayloadToHeader",
}


class Untranslated(Exception):
    """A manifest says something that this translation does not know; it must not be left out in silence."""


def http_filters(documents: Sequence[Document], workload: str, ports: Mapping[str, int]) -> Sequence[Config]:
    """What the sidecar of that workload does with a request before it goes on.

    `ports` maps the container's ports, which policies name, to those that the Envoy at hand listens on.
    """
    mine = [document for document in documents if workload in selected(_selector(document))]
    rules = [_jwt_filter(document) for document in of_kind(mine, "RequestAuthentication")]
    policies = of_kind(mine, "AuthorizationPolicy")
    denying = [_rbac_filter("DENY", policies, ports)] if _with_action(policies, "DENY") else []
    allowing = [_rbac_filter("ALLOW", policies, ports)] if _with_action(policies, "ALLOW") else []
    return [*rules, *denying, *allowing]


def requires_client_certificate(documents: Sequence[Document]) -> bool:
    """Whether PeerAuthentication closes plain text for the whole namespace."""
    return any(
        text(document.body, "spec", "mtls", "mode") == "STRICT" and not _selector(document)
        for document in of_kind(documents, "PeerAuthentication")
    )


def _selector(document: Document) -> Mapping[str, object]:
    return mapping(document.body, "spec", "selector", "matchLabels")


def _jwt_filter(document: Document) -> Config:
    match at(document.body, "spec", "jwtRules"):
        case [dict() as rule] if set(rule) <= _JWT_MEMBERS:
            provider = {
                "issuer": rule["issuer"],
                "audiences": rule["audiences"],
                "local_jwks": {"inline_string": rule["jwks"]},
                "from_headers": [
                    {"name": place["name"], "value_prefix": place["prefix"]} for place in rule["fromHeaders"]
                ],
                "forward": rule["forwardOriginalToken"],
                "forward_payload_header": rule["outputPayloadToHeader"],
                "payload_in_metadata": "payload",
                "normalize_payload_in_metadata": {"space_delimited_claims": ["scope", "permission"]},
            }
        case rules:
            raise Untranslated(f"jwtRules: {rules}")
    either = {"requires_any": {"requirements": [{"provider_name": "origins-0"}, {"allow_missing": {}}]}}
    return _filter(
        JWT_FILTER,
        "jwt_authn.v3.JwtAuthentication",
        {
            "providers": {"origins-0": provider},
            "rules": [{"match": {"prefix": "/"}, "requires": either}],
            "bypass_cors_preflight": True,
        },
    )


def _with_action(policies: Sequence[Document], action: str) -> Sequence[Document]:
    unknown = {_action(policy) for policy in policies} - {"ALLOW", "DENY"}
    if unknown:
        raise Untranslated(f"actions {unknown}")
    return [policy for policy in policies if _action(policy) == action]


def _action(policy: Document) -> str:
    return text(policy.body, "spec", "action") or "ALLOW"


def _rbac_filter(action: str, policies: Sequence[Document], ports: Mapping[str, int]) -> Config:
    """Without any rule an ALLOW filter still stands, and refuses everything."""
    rules = {
        f"ns[{policy.namespace}]-policy[{policy.name}]-rule[{place}]": {
            "permissions": [{"and_rules": {"rules": list(_permissions(rule, ports))}}],
            "principals": [{"and_ids": {"ids": list(_principals(rule))}}],
        }
        for policy in _with_action(policies, action)
        for place, rule in enumerate(_objects(policy.body, "spec", "rules"))
    }
    name = f"envoy.filters.http.rbac.{action.lower()}"
    return _filter(name, "rbac.v3.RBAC", {"rules": {"action": action, "policies": rules}})


def _permissions(rule: Mapping[str, object], ports: Mapping[str, int]) -> Iterator[Config]:
    operations = [mapping(item, "operation") for item in _objects(rule, "to")]
    if not operations:
        yield {"any": True}
        return
    yield _any_permission([_all_permissions(operation, ports) for operation in operations])


def _all_permissions(operation: Mapping[str, object], ports: Mapping[str, int]) -> Config:
    translated: Mapping[str, Any] = {
        "ports": lambda value: {"destination_port": ports.get(value, 1)},
        "methods": lambda value: {"header": {"name": ":method", "string_match": _string(value)}},
        "paths": lambda value: {"url_path": {"path": _string(value)}},
    }
    _only_known(operation, translated)
    alternatives = [
        _any_permission([translated[name](value) for value in texts(operation, name)]) for name in sorted(operation)
    ]
    return {"and_rules": {"rules": alternatives}}


def _any_permission(rules: Sequence[Config]) -> Config:
    return {"or_rules": {"rules": list(rules)}}


def _principals(rule: Mapping[str, object]) -> Iterator[Config]:
    _only_known(rule, ("from", "to"))
    sources = [mapping(item, "source") for item in _objects(rule, "from")]
    yield {"or_ids": {"ids": [_all_ids(source) for source in sources]}} if sources else {"any": True}


def _all_ids(source: Mapping[str, object]) -> Config:
    translated = {"principals": _peer, "requestPrincipals": _token}
    _only_known(source, translated)
    alternatives = [
        {"or_ids": {"ids": [translated[name](value) for value in texts(source, name)]}} for name in sorted(source)
    ]
    return {"and_ids": {"ids": alternatives}}


def _peer(value: str) -> Config:
    return {"authenticated": {"principal_name": _string(value if value == "*" else f"spiffe://{value}")}}


def _token(value: str) -> Config:
    """`iss/sub`, each of them `*` for any that is there."""
    issuer, _, subject = ("*", "", "*") if value == "*" else value.rpartition("/")
    return {"and_ids": {"ids": [_claim("iss", issuer), _claim("sub", subject)]}}


def _claim(name: str, value: str) -> Config:
    path = [{"key": "payload"}, {"key": name}]
    return {"sourced_metadata": {"metadata_matcher": {"filter": JWT_FILTER, "path": path, "value": _value(value)}}}


def _value(value: str) -> Config:
    return {"string_match": _string(value)}


def _string(value: str) -> Config:
    """Istio's patterns: `*` is anything but nothing, and stands at one end."""
    if value == "*":
        return {"safe_regex": {"regex": ".+"}}
    if value.startswith("*"):
        return {"suffix": value[1:]}
    return {"prefix": value[:-1]} if value.endswith("*") else {"exact": value}


def _objects(value: object, *path: str) -> Sequence[Mapping[str, object]]:
    found = at(value, *path)
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else ()


def _only_known(value: Mapping[str, object], known: object) -> None:
    unknown = [name for name in value if name not in known]  # type: ignore[operator]
    if unknown:
        raise Untranslated(f"{unknown}")


def _filter(name: str, kind: str, config: Config) -> Config:
    return {"name": name, "typed_config": {"@type": f"{_EXTENSIONS}.{kind}", **config}}
