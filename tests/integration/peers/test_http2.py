"""HTTP/2 with an instance: with TLS where both have it, without where that is known."""

import asyncio
import ssl
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from domain.errors import PeerUnavailable
from domain.peers.client.client import PeerClient
from domain.peers.instance import Instance
from domain.settings import PeerSettings
from tests.fixtures.http2_server import Http2Server, serving

NAME = "posts.default.svc"
URL = f"srv://_graphql._tcp.{NAME}"


def _tls(name: str, file: Path) -> ssl.SSLContext:
    """A server's, with a certificate for `name` that is its own issuer and is written to `file`."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder(
            issuer_name=subject,
            subject_name=subject,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - timedelta(hours=1),
            not_valid_after=now + timedelta(hours=1),
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = file.with_suffix(".key")
    plain = serialization.NoEncryption()
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file, private)
    context.set_alpn_protocols(["h2"])
    return context


def _client(server: Http2Server, settings: PeerSettings) -> PeerClient:
    client = PeerClient("posts", settings, guard=nullcontext, look_again=lambda: None)
    client.update([Instance("127.0.0.1", server.port)])
    return client


async def _ask(client: PeerClient, times: int) -> None:
    await client.post(b"{}")
    await asyncio.gather(*(client.post(b"{}") for _ in range(times - 1)))
    await client.aclose()


async def test_with_tls_it_is_agreed_on_and_the_certificate_is_the_services(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "peer.pem"
    async with serving(_tls(NAME, file)) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        await _ask(_client(server, PeerSettings(url=URL, tls=True)), 20)
    assert (server.connections, len(server.heads)) == (1, 20)
    assert {head[":authority"] for head in server.heads} == {NAME}


async def test_a_certificate_of_another_name_is_no_instance_of_the_peer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "peer.pem"
    async with serving(_tls("comments.default.svc", file)) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        client = _client(server, PeerSettings(url=URL, tls=True))
        with pytest.raises(PeerUnavailable, match="could not be reached"):
            await client.post(b"{}")
        await client.aclose()
    assert server.heads == []


async def test_without_tls_it_is_spoken_where_that_is_set() -> None:
    async with serving() as server:
        await _ask(_client(server, PeerSettings(url=URL, http2=True)), 20)
    assert (server.connections, len(server.heads)) == (1, 20)
    assert {head[":scheme"] for head in server.heads} == {"http"}
