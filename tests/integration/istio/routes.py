"""From the VirtualService and the Gateway to the routes of an Envoy at the gateway: pure, in istiod's shapes."""

from collections.abc import Mapping, Sequence
from typing import Any

from keytool.checks.document import Document, at, mapping, objects, of_kind, text, texts
from tests.integration.istio.translation import Config, Untranslated

CORS = "envoy.filters.http.cors"
_CORS_TYPE = "type.googleapis.com/envoy.extensions.filters.http.cors.v3"
_ROUTE_MEMBERS = {"name", "match", "headers", "corsPolicy", "route", "timeout", "retries"}
_MATCH_MEMBERS = {"uri", "method", "headers"}


def cors_filter() -> Config:
    return {"name": CORS, "typed_config": {"@type": f"{_CORS_TYPE}.Cors"}}


def routes(documents: Sequence[Document]) -> Sequence[Config]:
    """Every route of the one VirtualService, in its order: the first that matches is taken."""
    (document,) = of_kind(documents, "VirtualService")
    return [_route(match, route) for _, route in objects(document, "spec", "http") for match in _listed(route, "match")]


def redirecting_ports(documents: Sequence[Document]) -> Sequence[int]:
    """The ports at which the Gateway only sends to HTTPS."""
    return [
        int(str(at(server, "port", "number")))
        for document in of_kind(documents, "Gateway")
        for _, server in objects(document, "spec", "servers")
        if at(server, "tls", "httpsRedirect") is True
    ]


def _route(match: Mapping[str, object], route: Mapping[str, object]) -> Config:
    _only(route, _ROUTE_MEMBERS)
    _only(match, _MATCH_MEMBERS)
    return {
        "name": text(route, "name"),
        "match": _uri(mapping(match, "uri")) | {"headers": _headers(match)},
        # istiod takes no time-out for none, where Envoy would take 15 s.
        "route": {"cluster": "app", "timeout": text(route, "timeout") or "0s", **_retries(mapping(route, "retries"))},
        "request_headers_to_remove": list(texts(route, "headers", "request", "remove")),
        "typed_per_filter_config": {CORS: _cors(mapping(route, "corsPolicy"))},
    }


def _uri(uri: Mapping[str, object]) -> Config:
    match dict(uri):
        case {"exact": path}:
            return {"path": path}
        case {"prefix": path}:
            return {"prefix": path}
        case _:
            raise Untranslated(f"uri {uri}")


def _headers(match: Mapping[str, object]) -> Sequence[Config]:
    """The method is the header `:method` to Envoy."""
    wanted = {":method": match["method"]} if "method" in match else {}
    return [
        {"name": name, "string_match": _string(mapping(value))}
        for name, value in {**wanted, **mapping(match, "headers")}.items()
    ]


def _string(value: Mapping[str, object]) -> Config:
    match dict(value):
        case {"exact": wanted}:
            return {"exact": wanted}
        case {"regex": pattern}:
            return {"safe_regex": {"regex": pattern}}
        case _:
            raise Untranslated(f"match {value}")


def _retries(retries: Mapping[str, object]) -> Config:
    _only(retries, {"attempts", "retryOn"})
    if retries["attempts"] == 0:
        return {}
    return {"retry_policy": {"retry_on": retries["retryOn"], "num_retries": retries["attempts"]}}


def _cors(policy: Mapping[str, object]) -> Config:
    _only(policy, {"allowOrigins", "allowMethods", "allowHeaders", "allowCredentials", "maxAge"})
    return {
        "@type": f"{_CORS_TYPE}.CorsPolicy",
        "allow_origin_string_match": [_string(origin) for origin in _listed(policy, "allowOrigins")],
        "allow_methods": ",".join(texts(policy, "allowMethods")),
        "allow_headers": ",".join(texts(policy, "allowHeaders")),
        "allow_credentials": policy["allowCredentials"],
        "max_age": str(_seconds(text(policy, "maxAge"))),
        "filter_enabled": {"default_value": {"numerator": 100}},
    }


def _seconds(duration: str) -> int:
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600}[duration[-1]]


def _listed(value: Mapping[str, object], name: str) -> Sequence[Mapping[str, Any]]:
    found = value.get(name)
    return found if isinstance(found, list) else ()


def _only(value: Mapping[str, object], known: set[str]) -> None:
    if not set(value) <= known:
        raise Untranslated(f"{set(value) - known}")
