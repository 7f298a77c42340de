"""Rules for AuthorizationPolicy: what is not allowed is denied, and what is allowed is allowed to somebody."""

import re
from collections.abc import Iterator, Mapping, Sequence

from keytool.checks.document import Document, Path, at, mapping, objects, of_kind, text, texts
from keytool.checks.finding import Finding
from keytool.checks.peer_authentication import is_strict
from keytool.checks.request_authentication import authenticated, issuers
from keytool.checks.workloads import CONTAINER_PORTS, GRAPHQL_PATH, NAMESPACE, SERVICE_PORTS, selected

_ATTRIBUTE = re.compile(
    r"request\.headers\[[A-Za-z0-9!#$%&'*+.^_`|~-]+\]"
    r"|request\.auth\.(principal|audiences|presenter|claims(\[[^\[\]]+\])+)"
    r"|source\.(ip|namespace|principal|serviceAccount|trustDomain)|remote\.ip"
    r"|destination\.(ip|port)|connection\.sni"
)
_PROOFS_OF_PEERS = ("principals", "namespaces", "serviceAccounts", "trustDomains")


def denies_by_default(documents: Sequence[Document]) -> Iterator[Finding]:
    """RequestAuthentication alone lets requests without a token through: something has to refuse them."""
    concerned = [d for d in documents if d.kind in ("AuthorizationPolicy", "RequestAuthentication")]
    if concerned and not any(_allows_nothing(document) for document in of_kind(documents, "AuthorizationPolicy")):
        yield concerned[0].finding(
            (),
            f"nothing denies by default in namespace {NAMESPACE}",
            "add an AuthorizationPolicy with `spec: {}`; what no policy speaks of is open without it",
        )


def allows_somebody(documents: Sequence[Document]) -> Iterator[Finding]:
    """Every rule that allows says who, and says it by what is, not by what is not."""
    for document, path, rule in _rules(documents, "ALLOW"):
        if not _names_somebody(rule):
            yield document.finding(path, "allows everybody", "say who: `from` with requestPrincipals or principals")
        for place, names in _members(path, rule):
            for name in names:
                if name.startswith("not"):
                    yield document.finding(
                        (*place, name), f"{name} allows all but what it names", "name what is allowed instead"
                    )


def graphql_needs_a_token(documents: Sequence[Document]) -> Iterator[Finding]:
    for document, path, rule in _rules(documents, "ALLOW"):
        if "api" in _selects(document) and _reaches_graphql(rule) and not _asks_for_a_token(rule):
            yield document.finding(
                path, f"opens {GRAPHQL_PATH} without a token", 'add requestPrincipals: ["*"] to each source'
            )


def tokens_are_checked(documents: Sequence[Document]) -> Iterator[Finding]:
    """A policy about tokens, where nothing checks tokens, matches no request: an ALLOW refuses all, a DENY nothing."""
    checked = authenticated(documents)
    for document, path, rule in _rules(documents):
        if _mentions_tokens(rule) and not set(_selects(document)) <= checked:
            workloads = ", ".join(sorted(set(_selects(document)) - checked))
            yield document.finding(
                path, f"speaks of tokens, which nothing checks for {workloads}", "add a RequestAuthentication for it"
            )


def issuers_agree(documents: Sequence[Document]) -> Iterator[Finding]:
    known = issuers(documents)
    for document, path, rule in _rules(documents):
        for place, source in _sources(path, rule):
            for name in texts(source, "requestPrincipals"):
                issuer = name.rpartition("/")[0]
                if issuer and "*" not in issuer and issuer not in known:
                    yield document.finding(
                        (*place, "requestPrincipals"),
                        f"the issuer {issuer} is not the one in RequestAuthentication ({', '.join(known) or 'none'})",
                        "say the same in both, or *",
                    )


def peers_are_known(documents: Sequence[Document]) -> Iterator[Finding]:
    """A peer's name is proved by mutual TLS; `principals` are written without `spiffe://`."""
    strict = is_strict(documents)
    for document, path, rule in _rules(documents):
        for place, source in _sources(path, rule):
            used = [name for name in _PROOFS_OF_PEERS if name in source]
            if used and not strict:
                yield document.finding(
                    (*place, used[0]), f"{used[0]} without STRICT mutual TLS", "add a PeerAuthentication with STRICT"
                )
            for principal in texts(source, "principals"):
                if principal.startswith("spiffe://") or ("*" not in principal and "/ns/" not in principal):
                    yield document.finding(
                        (*place, "principals"),
                        f"the principal {principal} matches nobody",
                        "write <trust domain>/ns/<namespace>/sa/<service account>",
                    )


def ports_are_the_containers(documents: Sequence[Document]) -> Iterator[Finding]:
    """A sidecar sees the container's port; the Service's port never comes so far."""
    services = {str(port) for port in SERVICE_PORTS.values()} - CONTAINER_PORTS
    for document, path, rule in _rules(documents):
        for place, operation in _operations(path, rule):
            for port in texts(operation, "ports"):
                if port not in CONTAINER_PORTS:
                    hint = " (that is the Service's)" if port in services else ""
                    yield document.finding(
                        (*place, "ports"),
                        f"no container has the port {port}{hint}",
                        f"use {', '.join(sorted(CONTAINER_PORTS))}",
                    )


def conditions_are_known(documents: Sequence[Document]) -> Iterator[Finding]:
    for document, path, rule in _rules(documents):
        for place, condition in _listed(path, rule, "when"):
            key = text(condition, "key")
            if key and not _ATTRIBUTE.fullmatch(key):
                yield document.finding(
                    (*place, "key"), f"there is no attribute {key}", "use one such as request.auth.claims[scope]"
                )
            if not texts(condition, "values") and not texts(condition, "notValues"):
                yield document.finding(place, f"{key} is compared with nothing", "give values or notValues")


def _rules(
    documents: Sequence[Document], action: str | None = None
) -> Iterator[tuple[Document, Path, Mapping[str, object]]]:
    for document in of_kind(documents, "AuthorizationPolicy"):
        if action is None or (text(document.body, "spec", "action") or "ALLOW") == action:
            for path, rule in objects(document, "spec", "rules"):
                yield document, path, rule


def _allows_nothing(document: Document) -> bool:
    spec = at(document.body, "spec")
    action = text(spec, "action") or "ALLOW"
    return (
        document.namespace == NAMESPACE
        and isinstance(spec, Mapping)
        and action == "ALLOW"
        and not set(spec) - {"action"}
    )


def _selects(document: Document) -> Sequence[str]:
    return selected(mapping(document.body, "spec", "selector", "matchLabels"))


def _listed(path: Path, rule: Mapping[str, object], name: str) -> Iterator[tuple[Path, Mapping[str, object]]]:
    found = rule.get(name)
    for place, item in enumerate(found if isinstance(found, list) else ()):
        yield (*path, name, place), mapping(item)


def _sources(path: Path, rule: Mapping[str, object]) -> Iterator[tuple[Path, Mapping[str, object]]]:
    for place, item in _listed(path, rule, "from"):
        yield (*place, "source"), mapping(item, "source")


def _operations(path: Path, rule: Mapping[str, object]) -> Iterator[tuple[Path, Mapping[str, object]]]:
    for place, item in _listed(path, rule, "to"):
        yield (*place, "operation"), mapping(item, "operation")


def _members(path: Path, rule: Mapping[str, object]) -> Iterator[tuple[Path, Mapping[str, object]]]:
    yield from _sources(path, rule)
    yield from _operations(path, rule)
    yield from _listed(path, rule, "when")


def _names_somebody(rule: Mapping[str, object]) -> bool:
    """Each source names somebody: one that is empty is everybody."""
    sources = [source for _, source in _sources((), rule)]
    return bool(sources) and all(any(texts(source, name) for name in source) for source in sources)


def _asks_for_a_token(rule: Mapping[str, object]) -> bool:
    sources = [source for _, source in _sources((), rule)]
    in_sources = bool(sources) and all(texts(source, "requestPrincipals") for source in sources)
    return in_sources or any(
        text(condition, "key").startswith("request.auth.") and texts(condition, "values")
        for _, condition in _listed((), rule, "when")
    )


def _mentions_tokens(rule: Mapping[str, object]) -> bool:
    return any(
        "requestPrincipals" in source or "notRequestPrincipals" in source for _, source in _sources((), rule)
    ) or any(text(condition, "key").startswith("request.auth.") for _, condition in _listed((), rule, "when"))


def _reaches_graphql(rule: Mapping[str, object]) -> bool:
    operations = [operation for _, operation in _operations((), rule)]
    return not operations or any(
        not texts(operation, "paths") or any(_covers(pattern) for pattern in texts(operation, "paths"))
        for operation in operations
    )


def _covers(pattern: str) -> bool:
    """Whether an Istio pattern (`*`, `prefix*`, `*suffix`, exact, or a template in braces) takes the GraphQL path."""
    if pattern.startswith("*"):
        return GRAPHQL_PATH.endswith(pattern[1:])
    if "{" in pattern:
        return GRAPHQL_PATH.startswith(pattern.partition("{")[0])
    return GRAPHQL_PATH.startswith(pattern[:-1]) if pattern.endswith("*") else pattern == GRAPHQL_PATH
