"""The development key: made once, private, and its tokens hold."""

import stat
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives import serialization

from domain.clock import now
from domain.errors import SettingsError, Unauthenticated
from domain.identity.caller import Caller, Right
from domain.identity.development import AUDIENCE, ISSUER, DevelopmentKeys, thumbprint
from domain.identity.jwks import StaticKeys
from domain.identity.keys import parse_keys
from domain.identity.tokens import TokenVerifier
from tests.fixtures.issuer import private_key


def _verifier(keys: DevelopmentKeys) -> TokenVerifier:
    return TokenVerifier(issuer=ISSUER, audience=AUDIENCE, keys=StaticKeys(parse_keys(keys.jwks)))


async def test_its_tokens_hold_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "data" / "key.pem"
    token = DevelopmentKeys(path).sign("someone", ["user:write"])
    caller = await _verifier(DevelopmentKeys(path)).verify(token)
    assert caller == Caller("someone", frozenset({Right.READ, Right.WRITE}))


async def test_its_tokens_expire(tmp_path: Path) -> None:
    keys = DevelopmentKeys(tmp_path / "key.pem")
    old = keys.sign("someone", ttl=timedelta(hours=1), clock=lambda: now() - timedelta(hours=2))
    with pytest.raises(Unauthenticated, match="has expired"):
        await _verifier(keys).verify(old)


async def test_another_installation_has_another_key(tmp_path: Path) -> None:
    token = DevelopmentKeys(tmp_path / "one.pem").sign("someone")
    with pytest.raises(Unauthenticated, match="unknown key"):
        await _verifier(DevelopmentKeys(tmp_path / "two.pem")).verify(token)


def test_the_file_is_its_owners_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    DevelopmentKeys(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_the_jwks_is_public(tmp_path: Path) -> None:
    (entry,) = orjson.loads(DevelopmentKeys(tmp_path / "key.pem").jwks)["keys"]
    assert set(entry) == {"kty", "crv", "x", "y", "kid", "use", "alg"}


def test_a_key_made_meanwhile_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes start together: this one saw no file, and the other one made it since."""
    path = tmp_path / "key.pem"
    first = DevelopmentKeys(path)
    monkeypatch.setattr(Path, "exists", lambda _: False)
    assert DevelopmentKeys(path).kid == first.kid


@pytest.mark.parametrize("name", ["p384", "rsa", None])
def test_a_file_with_another_content_is_refused_and_kept(tmp_path: Path, name: str | None) -> None:
    path = tmp_path / "key.pem"
    content = b"" if name is None else _pem(name)
    path.write_bytes(content)
    with pytest.raises(SettingsError, match="remove it to have a new one made"):
        DevelopmentKeys(path)
    assert path.read_bytes() == content


def test_the_kid_is_the_thumbprint_of_the_required_members() -> None:
    """The value is openssl's for these members; RFC 7638 has an example for RSA only."""
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        "use": "enc",
        "kid": "1",
    }
    assert thumbprint(jwk) == "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"


def _pem(name: str) -> bytes:
    return private_key(name).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
