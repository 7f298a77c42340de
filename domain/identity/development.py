"""A key of one's own for development: made once, kept beside the data, and able to sign tokens."""

import base64
import contextlib
import hashlib
import os
import secrets
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from domain.clock import Clock, now
from domain.errors import SettingsError

ISSUER = "http://localhost/dev"
AUDIENCE = "user-service"
KEY_FILE = "development-key.pem"


class DevelopmentKeys:
    """An EC P-256 key in a file that only its owner can read. Raises SettingsError for a file that holds none."""

    def __init__(self, path: Path) -> None:
        try:
            self._key = _read(path) if path.exists() else _create(path)
        except OSError as exc:
            raise SettingsError(f"DATA_DIR {path.parent} cannot hold the development key: {exc.strerror}.") from exc
        public = jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        self.kid = thumbprint(public)
        self._jwk = {**public, "kid": self.kid, "use": "sig", "alg": "ES256"}

    @property
    def jwks(self) -> str:
        """The public key as a JWKS."""
        return orjson.dumps({"keys": [self._jwk]}).decode()

    def sign(
        self,
        subject: str,
        scopes: Sequence[str] = (),
        ttl: timedelta = timedelta(days=1),
        issuer: str = ISSUER,
        audience: str = AUDIENCE,
        *,
        clock: Clock = now,
    ) -> str:
        """A token for `subject` that holds for `ttl` from now."""
        issued = clock()
        claims = {
            "iss": issuer,
            "aud": audience,
            "sub": subject,
            "iat": int(issued.timestamp()),
            "exp": int((issued + ttl).timestamp()),
            "scope": " ".join(scopes),
        }
        return jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": self.kid})


def thumbprint(jwk: dict[str, Any]) -> str:
    """RFC 7638: the SHA-256 of an EC key's required members in lexicographic order, base64url without padding."""
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    digest = hashlib.sha256(orjson.dumps(members, option=orjson.OPT_SORT_KEYS)).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _read(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as exc:
        raise SettingsError(f"{path} cannot be read as a key: remove it to have a new one made.") from exc
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise SettingsError(f"{path} is not an EC P-256 key: remove it to have a new one made.")
    return key


def _create(path: Path) -> ec.EllipticCurvePrivateKey:
    """The key now at `path`: a new one, or that of a process that was faster."""
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(file, "wb") as out:
            out.write(pem)
        # A link appears whole or not at all, and never replaces a file.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
    return _read(path)
