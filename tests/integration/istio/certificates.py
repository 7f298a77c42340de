"""What the mesh's certificate authority would give: a certificate whose name is a service account's SPIFFE id."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Certificate:
    """As PEM: the chain, and the private key of its first."""

    chain: str
    key: str


class Authority:
    """Made anew for each run of tests."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "mesh of a test")])
        builder = _builder(self._name, self._name, self._key)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.root = _pem(builder.sign(self._key, hashes.SHA256()))

    def issue(self, namespace: str, service_account: str) -> Certificate:
        """For a workload of that service account, in the trust domain cluster.local."""
        key = ec.generate_private_key(ec.SECP256R1())
        spiffe = f"spiffe://cluster.local/ns/{namespace}/sa/{service_account}"
        names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(spiffe)])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        builder = _builder(x509.Name([]), self._name, key)
        builder = builder.add_extension(names, critical=True).add_extension(usage, critical=False)
        return Certificate(_pem(builder.sign(self._key, hashes.SHA256())), _key_pem(key))

    def client(self, certificate: Certificate, folder: Path) -> ssl.SSLContext:
        """The TLS of a caller with that certificate. The server's name is not compared: it is no DNS name."""
        file = folder / "caller.pem"
        file.write_text(certificate.chain + certificate.key)
        context = ssl.create_default_context(cadata=self.root)
        context.check_hostname = False
        context.load_cert_chain(file)
        file.unlink()
        return context


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - _HOUR,
        not_valid_after=now + _HOUR,
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
