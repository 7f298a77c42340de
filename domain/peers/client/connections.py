"""How an instance is talked to: HTTP/1.1 or HTTP/2, one connection pool each, and nothing carried from one caller to
the next.
"""

from collections.abc import Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from domain.peers.instance import Instance

OpenClient = Callable[[Instance], httpx.AsyncClient]

LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=4.0)
"""Idle connections are given up before servers do that (most after 5 s), so that no request meets a closing one."""


def clients(*, tls: bool, http2: bool = False) -> OpenClient:
    """With TLS, HTTP/2 is agreed on where the server has it; without, `http2` says that the server has it (prior
    knowledge, RFC 9113, 3.3).
    """
    scheme = "https" if tls else "http"
    certificates = httpx.create_ssl_context()  # made once: it reads all certificates

    def open_client(instance: Instance) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=f"{scheme}://{instance.address}",
            cookies=_no_cookies(),
            follow_redirects=False,
            http1=tls or not http2,
            http2=tls or http2,
            limits=LIMITS,
            trust_env=False,  # a proxy for the internet has no business here
            verify=certificates,
        )

    return open_client


def _no_cookies() -> CookieJar:
    """A jar that takes none: what a peer sets while it answers one user would be sent with another's request."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))
