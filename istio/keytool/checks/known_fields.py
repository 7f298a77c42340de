"""Which fields each kind has, from the custom resource definitions of Istio 1.31: what is not here is refused.

Left out on purpose: what Istio calls deprecated, fault injection, and what a service of one kind has no use for
(mirrors, subsets, TCP routes, network endpoints). A misspelt field that nobody refuses is a wish that nobody fulfils.
"""

from collections.abc import Mapping

from keytool.checks.shape import Leaf, Shape

API_VERSIONS: Mapping[str, str] = {
    "AuthorizationPolicy": "security.istio.io/v1",
    "PeerAuthentication": "security.istio.io/v1",
    "RequestAuthentication": "security.istio.io/v1",
    "DestinationRule": "networking.istio.io/v1",
    "Gateway": "networking.istio.io/v1",
    "ServiceEntry": "networking.istio.io/v1",
    "Sidecar": "networking.istio.io/v1",
    "VirtualService": "networking.istio.io/v1",
}

_TEXTS: Shape = [Leaf.TEXT]
_SELECTOR: Shape = {"matchLabels!": Leaf.LABELS}
_MATCH: Shape = {"exact": Leaf.TEXT, "prefix": Leaf.TEXT, "regex": Leaf.TEXT}
_MTLS: Shape = {"mode!": frozenset({"UNSET", "DISABLE", "PERMISSIVE", "STRICT"})}
_TARGET: Shape = {"host!": Leaf.TEXT, "port": {"number!": Leaf.PORT}}

_JWT_RULE: Shape = {
    "issuer!": Leaf.TEXT,
    "audiences": _TEXTS,
    "jwks": Leaf.TEXT,
    "jwksUri": Leaf.TEXT,
    "forwardOriginalToken": Leaf.FLAG,
    "fromCookies": _TEXTS,
    "fromHeaders": [{"name!": Leaf.TEXT, "prefix": Leaf.TEXT}],
    "fromParams": _TEXTS,
    "outputClaimToHeaders": [{"header!": Leaf.TEXT, "claim!": Leaf.TEXT}],
    "outputPayloadToHeader": Leaf.TEXT,
    "spaceDelimitedClaims": _TEXTS,
    "timeout": Leaf.DURATION,
}
_SOURCE: Shape = {
    name: _TEXTS
    for word in (
        "Principals",
        "RequestPrincipals",
        "Namespaces",
        "ServiceAccounts",
        "TrustDomains",
        "IpBlocks",
        "RemoteIpBlocks",
    )
    for name in (word[0].lower() + word[1:], f"not{word}")
}
_OPERATION: Shape = {
    name: _TEXTS for word in ("Hosts", "Ports", "Methods", "Paths") for name in (word.lower(), f"not{word}")
}
_AUTHORIZATION: Shape = {
    "selector": _SELECTOR,
    "action": frozenset({"ALLOW", "DENY", "AUDIT", "CUSTOM"}),
    "provider": {"name!": Leaf.TEXT},
    "rules": [
        {
            "from": [{"source!": _SOURCE}],
            "to": [{"operation!": _OPERATION}],
            "when": [{"key!": Leaf.TEXT, "values": _TEXTS, "notValues": _TEXTS}],
        }
    ],
}

_TLS_VERSIONS = frozenset({"TLSV1_2", "TLSV1_3"})
_GATEWAY: Shape = {
    "selector!": Leaf.LABELS,
    "servers!": [
        {
            "name": Leaf.TEXT,
            "bind": Leaf.TEXT,
            "hosts!": _TEXTS,
            "port!": {"number!": Leaf.PORT, "name!": Leaf.TEXT, "protocol!": frozenset({"HTTP", "HTTPS", "HTTP2"})},
            "tls": {
                "mode": frozenset({"SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL"}),
                "httpsRedirect": Leaf.FLAG,
                "credentialName": Leaf.TEXT,
                "credentialNames": _TEXTS,
                "caCertCredentialName": Leaf.TEXT,
                "minProtocolVersion": _TLS_VERSIONS,
                "maxProtocolVersion": _TLS_VERSIONS,
                "cipherSuites": _TEXTS,
                "subjectAltNames": _TEXTS,
            },
        }
    ],
}

_HEADER_CHANGES: Shape = {"set": Leaf.LABELS, "add": Leaf.LABELS, "remove": _TEXTS}
_HEADERS: Shape = {"request": _HEADER_CHANGES, "response": _HEADER_CHANGES}
_CORS: Shape = {
    "allowOrigins": [_MATCH],
    "allowMethods": _TEXTS,
    "allowHeaders": _TEXTS,
    "exposeHeaders": _TEXTS,
    "allowCredentials": Leaf.FLAG,
    "maxAge": Leaf.DURATION,
    "unmatchedPreflights": frozenset({"FORWARD", "IGNORE"}),
}
_HTTP_MATCH: Shape = {
    "name": Leaf.TEXT,
    "uri": _MATCH,
    "method": _MATCH,
    "scheme": _MATCH,
    "authority": _MATCH,
    "headers": {"*": _MATCH},
    "withoutHeaders": {"*": _MATCH},
    "queryParams": {"*": _MATCH},
    "ignoreUriCase": Leaf.FLAG,
    "port": Leaf.PORT,
    "gateways": _TEXTS,
    "sourceNamespace": Leaf.TEXT,
    "sourceLabels": Leaf.LABELS,
}
_VIRTUAL_SERVICE: Shape = {
    "hosts!": _TEXTS,
    "gateways": _TEXTS,
    "exportTo": _TEXTS,
    "http!": [
        {
            "name": Leaf.TEXT,
            "match": [_HTTP_MATCH],
            "headers": _HEADERS,
            "corsPolicy": _CORS,
            "route": [{"destination!": _TARGET, "weight": Leaf.PERCENT, "headers": _HEADERS}],
            "redirect": {"uri": Leaf.TEXT, "authority": Leaf.TEXT, "scheme": Leaf.TEXT, "redirectCode": Leaf.STATUS},
            "directResponse": {"status!": Leaf.STATUS, "body": {"string": Leaf.TEXT, "bytes": Leaf.TEXT}},
            "rewrite": {"uri": Leaf.TEXT, "authority": Leaf.TEXT},
            "timeout": Leaf.DURATION,
            "retries": {
                "attempts!": Leaf.NUMBER,
                "perTryTimeout": Leaf.DURATION,
                "backoff": Leaf.DURATION,
                "retryOn": Leaf.TEXT,
                "retryRemoteLocalities": Leaf.FLAG,
                "retryIgnorePreviousHosts": Leaf.FLAG,
            },
        }
    ],
}

_POOL: Shape = {
    "tcp": {
        "maxConnections": Leaf.NUMBER,
        "connectTimeout": Leaf.DURATION,
        "idleTimeout": Leaf.DURATION,
        "maxConnectionDuration": Leaf.DURATION,
        "tcpKeepalive": {"probes": Leaf.NUMBER, "time": Leaf.DURATION, "interval": Leaf.DURATION},
    },
    "http": {
        "http1MaxPendingRequests": Leaf.NUMBER,
        "http2MaxRequests": Leaf.NUMBER,
        "maxRequestsPerConnection": Leaf.NUMBER,
        "maxConcurrentStreams": Leaf.NUMBER,
        "maxRetries": Leaf.NUMBER,
        "idleTimeout": Leaf.DURATION,
        "h2UpgradePolicy": frozenset({"DEFAULT", "DO_NOT_UPGRADE", "UPGRADE"}),
        "useClientProtocol": Leaf.FLAG,
        "http2KeepAlive": {"interval": Leaf.DURATION, "timeout": Leaf.DURATION},
    },
}
_OUTLIERS: Shape = {
    "splitExternalLocalOriginErrors": Leaf.FLAG,
    "consecutiveLocalOriginFailures": Leaf.NUMBER,
    "consecutiveGatewayErrors": Leaf.NUMBER,
    "consecutive5xxErrors": Leaf.NUMBER,
    "interval": Leaf.DURATION,
    "baseEjectionTime": Leaf.DURATION,
    "maxEjectionPercent": Leaf.PERCENT,
    "minHealthPercent": Leaf.PERCENT,
    "outlierDetectionHttpErrorCodes": [Leaf.STATUS],
}
_BALANCER: Shape = {
    "simple": frozenset({"LEAST_REQUEST", "ROUND_ROBIN", "RANDOM", "PASSTHROUGH"}),
    "warmup": {"duration!": Leaf.DURATION, "aggression": Leaf.FRACTION, "minimumPercent": Leaf.FRACTION},
    "localityLbSetting": {
        "enabled": Leaf.FLAG,
        "failoverPriority": _TEXTS,
        "failover": [{"from!": Leaf.TEXT, "to!": Leaf.TEXT}],
    },
}
_DESTINATION_RULE: Shape = {
    "host!": Leaf.TEXT,
    "exportTo": _TEXTS,
    "workloadSelector": _SELECTOR,
    "trafficPolicy": {
        "loadBalancer": _BALANCER,
        "connectionPool": _POOL,
        "outlierDetection": _OUTLIERS,
        "tls": {"mode!": frozenset({"DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"}), "sni": Leaf.TEXT},
    },
}

_PORT: Shape = {"number!": Leaf.PORT, "name!": Leaf.TEXT, "protocol!": Leaf.TEXT, "targetPort": Leaf.PORT}
_SIDECAR: Shape = {
    "workloadSelector": {"labels!": Leaf.LABELS},
    "inboundConnectionPool": _POOL,
    "ingress": [{"port!": _PORT, "bind": Leaf.TEXT, "defaultEndpoint": Leaf.TEXT, "connectionPool": _POOL}],
    "egress": [{"hosts!": _TEXTS, "port": _PORT, "bind": Leaf.TEXT}],
    "outboundTrafficPolicy": {"mode!": frozenset({"REGISTRY_ONLY", "ALLOW_ANY"})},
}
_SERVICE_ENTRY: Shape = {
    "hosts!": _TEXTS,
    "addresses": _TEXTS,
    "ports!": [_PORT],
    "location": frozenset({"MESH_EXTERNAL", "MESH_INTERNAL"}),
    "resolution!": frozenset({"NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN"}),
    "exportTo": _TEXTS,
    "subjectAltNames": _TEXTS,
    "endpoints": [{"address!": Leaf.TEXT, "labels": Leaf.LABELS, "weight": Leaf.NUMBER, "locality": Leaf.TEXT}],
}

SPECS: Mapping[str, Shape] = {
    "AuthorizationPolicy": _AUTHORIZATION,
    "PeerAuthentication": {"selector": _SELECTOR, "mtls!": _MTLS, "portLevelMtls": {"*": _MTLS}},
    "RequestAuthentication": {"selector": _SELECTOR, "jwtRules!": [_JWT_RULE]},
    "DestinationRule": _DESTINATION_RULE,
    "Gateway": _GATEWAY,
    "ServiceEntry": _SERVICE_ENTRY,
    "Sidecar": _SIDECAR,
    "VirtualService": _VIRTUAL_SERVICE,
}
"""The shape of each kind's `spec`."""

METADATA: Shape = {
    "name!": Leaf.TEXT,
    "namespace!": Leaf.TEXT,
    "labels": Leaf.LABELS,
    "annotations": Leaf.LABELS,
}
