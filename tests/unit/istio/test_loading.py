"""Private keys, read in every form that their owners have; the others are refused with a reason."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa

from keytool import keys
from keytool.errors import KeyRefused
from keytool.keys import KeyType
from keytool.loading import is_encrypted, load
from tests.fixtures.issuer import private_jwk, private_key

PASSWORD = b"correct horse"


def no_password() -> bytes:
    raise AssertionError("a password was asked for")


def pem(
    key: Any,
    format: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
    password: bytes | None = None,
) -> bytes:
    protection = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    content: bytes = key.private_bytes(serialization.Encoding.PEM, format, protection)
    return content


@pytest.mark.parametrize("name", ["rsa", "p256", "p384", "ed25519"])
def test_a_pem_is_read(name: str) -> None:
    key = load(pem(private_key(name)), no_password)
    assert key.kid == keys.thumbprint(key.jwk)
    assert key.jwk == keys.signing_key(private_key(name)).jwk


@pytest.mark.parametrize("name", ["rsa", "p256"])
def test_an_openssl_pem_is_read(name: str) -> None:
    old = pem(private_key(name), serialization.PrivateFormat.TraditionalOpenSSL)
    assert load(old, no_password).jwk == load(pem(private_key(name)), no_password).jwk


@pytest.mark.parametrize("name", ["rsa", "p256", "p384", "ed25519"])
def test_a_jwk_is_read_and_keeps_its_kid(name: str) -> None:
    key = load(json.dumps(private_jwk(name)).encode(), no_password)
    assert key.kid == name
    assert key.jwk == keys.signing_key(private_key(name), kid=name).jwk


def test_a_jwk_says_its_algorithm() -> None:
    key = load(json.dumps({**private_jwk("rsa"), "alg": "PS256"}).encode(), no_password)
    assert key.algorithm == key.jwk["alg"] == "PS256"
    assert key.jwk == keys.signing_key(private_key("rsa"), kid="rsa", algorithm="PS256").jwk


def test_a_jwk_without_kid_has_its_thumbprint() -> None:
    jwk = {name: value for name, value in private_jwk("p256").items() if name != "kid"}
    key = load(b" \n" + json.dumps({"keys": [jwk]}).encode(), no_password)
    assert key.kid == keys.thumbprint(key.jwk)


@pytest.mark.parametrize("content", [pem(private_key("p256")), json.dumps(private_jwk("p256")).encode()])
def test_a_kid_that_is_given_wins(content: bytes) -> None:
    assert load(content, no_password, kid="2026-11").jwk["kid"] == "2026-11"
    with pytest.raises(KeyRefused, match="empty kid"):
        load(content, no_password, kid=" ")


@pytest.mark.parametrize("name", ["rsa", "p256", "ed25519"])
def test_an_encrypted_pem_asks_for_its_password(name: str) -> None:
    content = pem(private_key(name), password=PASSWORD)
    assert is_encrypted(content)
    assert load(content, lambda: PASSWORD).jwk == keys.signing_key(private_key(name)).jwk
    for wrong in (b"wrong", b""):
        with pytest.raises(KeyRefused, match="cannot be decrypted"):
            load(content, lambda wrong=wrong: wrong)  # type: ignore[misc]


def test_an_encrypted_openssl_pem_asks_for_its_password() -> None:
    content = pem(private_key("rsa"), serialization.PrivateFormat.TraditionalOpenSSL, PASSWORD)
    assert is_encrypted(content)
    assert load(content, lambda: PASSWORD).jwk == keys.signing_key(private_key("rsa")).jwk


def test_a_key_is_kept_encrypted_where_a_password_is_given() -> None:
    key = keys.make(KeyType.EC)
    assert not is_encrypted(key.private_pem())
    assert is_encrypted(key.private_pem(PASSWORD))
    assert load(key.private_pem(PASSWORD), lambda: PASSWORD).jwk == key.jwk


def _private_numbers_wrong() -> bytes:
    return json.dumps({**private_jwk("rsa"), "d": "AQAB"}).encode()


def _public_pem() -> bytes:
    return (
        private_key("rsa")
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (pem(private_key("rsa-1024")), "RSA with 1024 bits: use 2048 to 8192"),
        (pem(private_key("p521")), "of a kind that is not taken"),
        (pem(ec.generate_private_key(ec.SECP256K1())), "of a kind that is not taken"),
        (pem(ed448.Ed448PrivateKey.generate()), "of a kind that is not taken"),
        (pem(dsa.generate_private_key(2048)), "of a kind that is not taken"),
        (pem(rsa.generate_private_key(public_exponent=3, key_size=2048)), "public exponent 3"),
        (pem(private_key("ed25519"), serialization.PrivateFormat.OpenSSH), "OpenSSH's own format"),
        (_public_pem(), "neither a PEM private key nor a JWK"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "neither a PEM private key nor a JWK"),
        (b"", "neither a PEM private key nor a JWK"),
        (b"\xff\xfe\x00", "neither a PEM private key nor a JWK"),
        (b"-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n", "damaged"),
        (pem(private_key("rsa"))[:200] + b"\n-----END PRIVATE KEY-----\n", "damaged"),
        (b"{", "no JSON"),
        (b"{}", "without a private part"),
        (b'{"keys": []}', "none or several"),
        (b'{"keys": "x"}', "none or several"),
        (json.dumps({"keys": [private_jwk("rsa"), private_jwk("p256")]}).encode(), "none or several"),
        (json.dumps({"kty": "oct", "k": "AAAA"}).encode(), "without a private part"),
        (json.dumps({"kty": "oct", "k": "AAAA", "d": "AAAA"}).encode(), "of type oct"),
        (json.dumps({**private_jwk("rsa"), "use": "enc"}).encode(), "another use"),
        (json.dumps({**private_jwk("rsa"), "alg": "HS256"}).encode(), "alg HS256"),
        (json.dumps({**private_jwk("rsa"), "alg": "ES256"}).encode(), "alg ES256"),
        (json.dumps({**private_jwk("p256"), "alg": "ES384"}).encode(), "alg ES384"),
        (json.dumps({**private_jwk("rsa"), "kid": 7}).encode(), "no text"),
        (json.dumps({**private_jwk("rsa"), "n": "&&&"}).encode(), "numbers make no key"),
        (json.dumps({**private_jwk("rsa"), "n": 7}).encode(), "numbers make no key"),
        (json.dumps({**private_jwk("p256"), "crv": "P-999"}).encode(), "numbers make no key"),
        (json.dumps({**private_jwk("ed25519"), "d": "AAAA"}).encode(), "numbers make no key"),
        (json.dumps(private_jwk("rsa-1024")).encode(), "RSA with 1024 bits"),
        (_private_numbers_wrong(), "numbers make no key"),
    ],
)
def test_what_cannot_sign_is_refused_and_never_shown(content: bytes, reason: str) -> None:
    with pytest.raises(KeyRefused, match=reason) as refusal:
        load(content, no_password)
    assert not [part for part in content.decode("latin-1").split('"') if len(part) > 40 and part in str(refusal.value)]
