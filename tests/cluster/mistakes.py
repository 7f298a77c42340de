"""Manifests with one mistake each: what somebody may well type, or a tool may well leave behind."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.manifests import Manifests

Document = dict[str, Any]


@dataclass(frozen=True)
class Mistake:
    """One change of the first object in one file."""

    name: str
    file: str
    make: Callable[[Document], object]

    def write(self, manifests: Manifests, folder: Path) -> Path:
        """All manifests into that folder, one of them with the mistake; where that one is."""
        for path in manifests.istio.glob("*.yaml"):
            (folder / path.name).write_text(path.read_text())
        first, *rest = manifests.documents(self.file)
        self.make(first)
        path = folder / self.file
        path.write_text("\n---\n".join(json.dumps(document) for document in (first, *rest)))
        return path


def _jwks(text: str) -> Callable[[Document], object]:
    return lambda document: _rule(document).update(jwks=text)


def _rule(document: Document) -> Document:
    rule: Document = document["spec"]["jwtRules"][0]
    return rule


def _condition(document: Document) -> None:
    document["spec"] = {"action": "ALLOW", "rules": [{"when": [{"key": "request.nope", "values": ["x"]}]}]}


_TOKENS, _ROUTES, _DESTINATION = "request-auth.yaml", "virtual-service.yaml", "destination-rule.yaml"
_GARBAGE = '{"keys": [{"kty": "RSA", "use": "sig", "kid": "k", "n": "!!!", "e": "AQAB"}]}'

MISTAKES = (
    Mistake("JWKS is not JSON", _TOKENS, _jwks("not json")),
    Mistake("JWKS with a garbage n", _TOKENS, _jwks(_GARBAGE)),
    Mistake("JWKS without keys", _TOKENS, _jwks('{"keys": []}')),
    Mistake("JWKS still the placeholder", _TOKENS, _jwks("NO-KEYS-YET")),
    Mistake("both jwks and jwksUri", _TOKENS, lambda d: _rule(d).update(jwksUri="https://issuer.example.com/jwks")),
    Mistake("an unknown field", _TOKENS, lambda d: _rule(d).update(jwksInline="x")),
    Mistake("no issuer", _TOKENS, lambda d: _rule(d).pop("issuer")),
    Mistake("no audience", _TOKENS, lambda d: _rule(d).pop("audiences")),
    Mistake(
        "a selector of no pod", _TOKENS, lambda d: d["spec"]["selector"]["matchLabels"].update({"app": "user-service"})
    ),
    Mistake("an unknown condition", "authorization-policies.yaml", _condition),
    Mistake("not denied by default", "authorization-policies.yaml", lambda d: d["spec"].update(rules=[{}])),
    Mistake("plain text allowed", "peer-authentication.yaml", lambda d: d["spec"]["mtls"].update(mode="PERMISSIVE")),
    Mistake("a Gateway that is not there", _ROUTES, lambda d: d["spec"].update(gateways=["no-such-gateway"])),
    Mistake("a route to nowhere", _ROUTES, lambda d: d["spec"]["http"][0].pop("route")),
    Mistake("a duration that is too short", _DESTINATION, lambda d: _outliers(d).update(interval="0.0001s")),
    Mistake("a percentage of 101", _DESTINATION, lambda d: _outliers(d).update(maxEjectionPercent=101)),
)


def _outliers(document: Document) -> Document:
    detection: Document = document["spec"]["trafficPolicy"]["outlierDetection"]
    return detection
