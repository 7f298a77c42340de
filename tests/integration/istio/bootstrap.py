"""The configuration of a whole Envoy around translated filters: one listener, one cluster, one page of its state."""

from collections.abc import Sequence

from tests.integration.istio.certificates import Certificate
from tests.integration.istio.translation import Config

_TYPES = "type.googleapis.com/envoy.extensions"


def bootstrap(listener: Config, upstream: int, admin: int) -> Config:
    """`upstream`: the port on loopback that everything goes on to."""
    endpoint = {"endpoint": {"address": _loopback(upstream)}}
    cluster = {
        "name": "app",
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": "app", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
    return {
        "admin": {"address": _loopback(admin)},
        "static_resources": {"listeners": [listener], "clusters": [cluster]},
    }


def listener(port: int, filters: Sequence[Config], routes: Sequence[Config], tls: Config | None = None) -> Config:
    """HTTP on that port of loopback, with the sidecar's settings: paths normalized, WebSockets let through."""
    hosts = [{"name": "app", "domains": ["*"], "routes": list(routes)}]
    router = {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{_TYPES}.filters.http.router.v3.Router"}}
    manager = {
        "@type": f"{_TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "inbound",
        "normalize_path": True,
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "route_config": {"virtual_hosts": hosts},
        "http_filters": [*filters, router],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    return {"name": "inbound", "address": _loopback(port), "filter_chains": [chain | (tls or {})]}


def everything() -> Sequence[Config]:
    """A sidecar's inbound route: what has come so far goes on."""
    return [{"match": {"prefix": "/"}, "route": {"cluster": "app", "timeout": "0s"}}]


def mutual_tls(root: str, certificate: Certificate) -> Config:
    """What STRICT means: no connection without a certificate of the mesh's authority."""
    own = {"certificate_chain": {"inline_string": certificate.chain}, "private_key": {"inline_string": certificate.key}}
    context = {
        "@type": f"{_TYPES}.transport_sockets.tls.v3.DownstreamTlsContext",
        "require_client_certificate": True,
        "common_tls_context": {
            "tls_certificates": [own],
            "validation_context": {"trusted_ca": {"inline_string": root}},
        },
    }
    return {"transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": context}}


def _loopback(port: int) -> Config:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
