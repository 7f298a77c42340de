"""Rules for VirtualService: routes lead from a real gateway to a real Service, and repeat only what is safe."""

from collections.abc import Iterator, Mapping, Sequence

from keytool.checks.document import Document, Path, at, mapping, objects, of_kind, text, texts
from keytool.checks.finding import Finding
from keytool.checks.workloads import GRAPHQL_PATH, HOSTS

Route = Mapping[str, object]

SAFE_RETRIES = frozenset({"connect-failure", "refused-stream", "reset-before-request"})
"""Envoy's conditions under which nothing of a request can have reached the service."""

_ANSWERS = ("route", "redirect", "directResponse")
_SAFE_METHODS = ("GET", "HEAD")
_STREAMS = ("upgrade", "accept")  # the headers that ask for a WebSocket or for server-sent events


def gateways(documents: Sequence[Document]) -> Iterator[Finding]:
    """Each gateway is there and serves the hosts; `mesh` is every sidecar."""
    known = {f"{gateway.namespace}/{gateway.name}": gateway for gateway in of_kind(documents, "Gateway")}
    for document in of_kind(documents, "VirtualService"):
        for place, name in enumerate(texts(document.body, "spec", "gateways")):
            full = name if "/" in name else f"{document.namespace}/{name}"
            path = ("spec", "gateways", place)
            if name == "mesh":
                continue
            if full not in known:
                yield document.finding(
                    path, f"there is no Gateway {full}", f"use {', '.join(known) or 'one that exists'}"
                )
            elif not set(texts(document.body, "spec", "hosts")) & _served(known[full]):
                yield document.finding(path, f"Gateway {full} serves none of its hosts", "say the same hosts in both")


def _served(gateway: Document) -> frozenset[str]:
    """The hosts of a Gateway, without the namespace before them."""
    return frozenset(
        host.rpartition("/")[2]
        for path, server in objects(gateway, "spec", "servers")
        for host in texts(server, "hosts")
    )


def destinations(documents: Sequence[Document]) -> Iterator[Finding]:
    """Every route answers somehow, and a destination is one of our Services by its full name and port."""
    for document, path, route in _routes(documents):
        if not any(name in route for name in _ANSWERS):
            yield document.finding(path, "a route that leads nowhere", "give it a route or a redirect")
        for place, target in enumerate(_targets(route)):
            where = (*path, "route", place, "destination")
            host, port = text(target, "host"), at(target, "port", "number")
            if host not in HOSTS:
                yield document.finding((*where, "host"), f"there is no Service {host}", f"use {', '.join(HOSTS)}")
            elif port is not None and port != HOSTS[host]:
                yield document.finding((*where, "port"), f"{host} has no port {port}", f"use {HOSTS[host]}")


def only_graphql(documents: Sequence[Document]) -> Iterator[Finding]:
    """What has no route has no address outside: /metrics and the health paths."""
    for document, path, route in _routes(documents):
        if "route" not in route:
            continue
        matches = route.get("match")
        for match in matches if isinstance(matches, list) and matches else [{}]:
            uri = text(match, "uri", "exact") or text(match, "uri", "prefix")
            if uri != GRAPHQL_PATH and not uri.startswith(f"{GRAPHQL_PATH}/"):
                yield document.finding(path, "a route to more than GraphQL", f"match uri {GRAPHQL_PATH}")


def time_and_retries(documents: Sequence[Document]) -> Iterator[Finding]:
    """Said on every route: what Istio does where nothing is said sends a mutation again after a 503.

    Only streams have no time-out, and it cannot be said: Istio's definitions refuse 0s. It is left out.
    """
    for document, path, route in _routes(documents):
        if "route" not in route:
            continue
        if "timeout" not in route and not _only_streams(route):
            yield document.finding(path, "no timeout", "say one longer than the service's own, 30 s")
        retries = mapping(route, "retries")
        if "attempts" not in retries:
            yield document.finding(path, "no retries.attempts", "say how often, 0 for never")
        elif retries["attempts"] != 0:
            yield from _unsafe_retries(document, path, route, text(retries, "retryOn"))


def _unsafe_retries(document: Document, path: Path, route: Route, retry_on: str) -> Iterator[Finding]:
    if not retry_on:
        yield document.finding((*path, "retries"), "no retryOn", f"say {','.join(sorted(SAFE_RETRIES))}")
    unsafe = sorted({condition.strip() for condition in retry_on.split(",")} - SAFE_RETRIES - {""})
    if unsafe and not _only_safe_methods(route):
        yield document.finding(
            (*path, "retries", "retryOn"),
            f"{', '.join(unsafe)} may send a mutation twice",
            f"keep to {', '.join(sorted(SAFE_RETRIES))}, or match method GET",
        )


def origins(documents: Sequence[Document]) -> Iterator[Finding]:
    """Pages of these origins may call with the tokens that they hold: name them one by one."""
    for document, path, route in _routes(documents):
        for place, origin in enumerate(_cors_origins(route)):
            where = (*path, "corsPolicy", "allowOrigins", place)
            if text(origin, "exact") in ("*", "null") or "exact" not in origin:
                yield document.finding(where, "origins that are not named one by one", "use exact: https://...")


def _routes(documents: Sequence[Document]) -> Iterator[tuple[Document, Path, Route]]:
    for document in of_kind(documents, "VirtualService"):
        for path, route in objects(document, "spec", "http"):
            yield document, path, route


def _targets(route: Route) -> Iterator[Mapping[str, object]]:
    found = route.get("route")
    for target in found if isinstance(found, list) else ():
        yield mapping(target, "destination")


def _cors_origins(route: Route) -> Iterator[Mapping[str, object]]:
    found = at(route, "corsPolicy", "allowOrigins")
    for origin in found if isinstance(found, list) else ():
        yield mapping(origin)


def _only_streams(route: Route) -> bool:
    matches = route.get("match")
    return (
        bool(matches)
        and isinstance(matches, list)
        and all(not mapping(match, "headers").keys().isdisjoint(_STREAMS) for match in matches)
    )


def _only_safe_methods(route: Route) -> bool:
    matches = route.get("match")
    return (
        bool(matches)
        and isinstance(matches, list)
        and all(text(match, "method", "exact") in _SAFE_METHODS for match in matches)
    )
