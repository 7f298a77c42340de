"""Rules for RequestAuthentication: one issuer, its keys, our audience, and the token where the service reads it."""

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from keytool.checks import jwks
from keytool.checks.document import Document, Path, at, mapping, objects, of_kind, text, texts
from keytool.checks.finding import Finding
from keytool.checks.workloads import selected

PAYLOAD_HEADER = "x-jwt-payload"
_RULES = ("spec", "jwtRules")


def keys(documents: Sequence[Document]) -> Iterator[Finding]:
    """The keys are inline or behind a URL, not both, and can verify tokens."""
    for document, path, rule in jwt_rules(documents):
        if "jwks" in rule and "jwksUri" in rule:
            yield document.finding((*path, "jwksUri"), "both jwks and jwksUri", "keep one: Istio ignores the other")
        elif "jwks" not in rule and "jwksUri" not in rule:
            yield document.finding(path, "neither jwks nor jwksUri", "give the issuer's public keys")
        if isinstance(rule.get("jwks"), str):
            for what, remedy in jwks.faults(text(rule, "jwks")):
                yield document.finding((*path, "jwks"), what, remedy)
        uri = text(rule, "jwksUri")
        if uri and (urlsplit(uri).scheme != "https" or not urlsplit(uri).hostname):
            yield document.finding(
                (*path, "jwksUri"), f"jwksUri {uri} is no https URL", "whoever can change the answer can sign tokens"
            )


def issuer_and_audience(documents: Sequence[Document]) -> Iterator[Finding]:
    """The issuer is a StringOrURI (RFC 7519); without an audience the tokens for every service hold."""
    for document, path, rule in jwt_rules(documents):
        issuer = text(rule, "issuer")
        if issuer and (issuer != issuer.strip() or any(character.isspace() for character in issuer)):
            yield document.finding((*path, "issuer"), "the issuer has spaces in it", "give exactly the tokens' iss")
        if not texts(rule, "audiences"):
            yield document.finding(path, "no audiences", "name ours, or tokens for other services are taken too")


def one_rule(documents: Sequence[Document]) -> Iterator[Finding]:
    """`requestPrincipals: ["*"]` means any issuer that is named here, so there is one."""
    for document in of_kind(documents, "RequestAuthentication"):
        rules = list(objects(document, *_RULES))
        if not rules:
            yield document.finding(("spec",), "no jwtRules", "name the issuer and its keys")
        for path, _ in rules[1:]:
            yield document.finding(path, "a second rule, so a second issuer", "keep one: the service takes one, too")
    api = [document for document in of_kind(documents, "RequestAuthentication") if "api" in _selects(document)]
    for document in api[1:]:
        yield document.finding(("spec",), f"{api[0].title} selects the API already", "keep one of the two")


def where_tokens_are(documents: Sequence[Document]) -> Iterator[Finding]:
    """The service reads the Authorization header only, and it has to get it."""
    for document, path, rule in jwt_rules(documents):
        for name in ("fromParams", "fromCookies"):
            if name in rule:
                yield document.finding(
                    (*path, name), f"{name}: the service reads the Authorization header only", "remove it"
                )
        if not _from_authorization_only(rule):
            yield document.finding(
                (*path, "fromHeaders"),
                "tokens are not taken from the Authorization header only: without fromHeaders also from ?access_token=",
                'say fromHeaders: [{name: Authorization, prefix: "Bearer "}]',
            )
        if rule.get("forwardOriginalToken") is not True:
            yield document.finding(
                path, "forwardOriginalToken is not true", "set it: the service checks the token again"
            )
        header = text(rule, "outputPayloadToHeader")
        if header not in ("", PAYLOAD_HEADER):
            yield document.finding(
                (*path, "outputPayloadToHeader"), f"claims go to {header}", f"the service knows {PAYLOAD_HEADER}"
            )


def _from_authorization_only(rule: Mapping[str, object]) -> bool:
    places = rule.get("fromHeaders")
    return (
        isinstance(places, list)
        and places != []
        and all(
            text(place, "name").lower() == "authorization" and text(place, "prefix").lower() == "bearer "
            for place in places
        )
    )


def _selects(document: Document) -> Sequence[str]:
    return selected(mapping(document.body, "spec", "selector", "matchLabels"))


def issuers(documents: Sequence[Document]) -> Sequence[str]:
    """Every issuer that is named."""
    return [str(at(rule, "issuer")) for _, _, rule in jwt_rules(documents)]


def authenticated(documents: Sequence[Document]) -> frozenset[str]:
    """The workloads whose tokens are checked."""
    return frozenset(name for document in of_kind(documents, "RequestAuthentication") for name in _selects(document))


def jwt_rules(documents: Sequence[Document]) -> Iterator[tuple[Document, Path, Mapping[str, object]]]:
    """Every rule, its document and its path."""
    for document in of_kind(documents, "RequestAuthentication"):
        for path, rule in objects(document, *_RULES):
            yield document, path, rule
