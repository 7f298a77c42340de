"""Tokens that hold, and the table of attacks that must not."""

import base64
import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Unauthenticated
from domain.identity.caller import Caller, Right
from domain.identity.keys import VerificationKey
from domain.identity.refusals import TokenRefused
from domain.identity.tokens import bearer_token
from tests.fixtures import issuer
from tests.fixtures.forgeries import compact
from tests.fixtures.issuer import jwk, private_key, signed, token, verifier

EVERY_KEY = [jwk("rsa"), jwk("p256"), jwk("p384"), jwk("ed25519")]


@pytest.mark.parametrize(
    ("name", "algorithm"),
    [
        *(("rsa", f"{family}{bits}") for family in ("RS", "PS") for bits in (256, 384, 512)),
        ("p256", "ES256"),
        ("p384", "ES384"),
        ("ed25519", "EdDSA"),
    ],
)
async def test_every_allowed_algorithm_holds(name: str, algorithm: str) -> None:
    assert await verifier(*EVERY_KEY).verify(token(name, algorithm)) == Caller(issuer.SUBJECT, frozenset({Right.READ}))


HOLDS: dict[str, Callable[[], str]] = {
    "audience list with us": lambda: token(aud=["other", issuer.AUDIENCE]),
    "expired within the leeway": lambda: token(exp=int(time.time()) - 30),
    "nbf within the leeway": lambda: token(nbf=int(time.time()) + 30),
    "no iat": lambda: token(iat=None),
    "a fraction of a second": lambda: token(exp=time.time() + 60.5),
}


@pytest.mark.parametrize("name", HOLDS)
async def test_what_also_holds(name: str) -> None:
    assert (await verifier().verify(HOLDS[name]())).subject == issuer.SUBJECT


async def test_rights_come_from_scope_and_mapped_roles() -> None:
    checks = verifier(roles_claim="realm_access.roles", role_scopes={"support": ["user:write"]})
    caller = await checks.verify(token(scope=None, realm_access={"roles": ["support", "root"]}))
    assert caller.rights == {Right.READ, Right.WRITE}


async def test_a_token_holds_until_the_leeway_is_over() -> None:
    at = int(time.time())
    checks = verifier(clock=lambda: datetime.fromtimestamp(at, UTC))
    await checks.verify(token(exp=at - 59))
    with pytest.raises(Unauthenticated, match="has expired"):
        await checks.verify(token(exp=at - 60))


async def test_a_token_without_kid_needs_a_set_of_one() -> None:
    bare = token(headers={"kid": None})
    assert (await verifier().verify(bare)).subject == issuer.SUBJECT
    with pytest.raises(Unauthenticated, match="unknown key"):
        await verifier(jwk("rsa"), jwk("rsa-other")).verify(bare)


async def test_keys_of_different_types_may_share_a_kid() -> None:
    checks = verifier(jwk("p256", kid="one"), jwk("rsa", kid="one"))
    assert (await checks.verify(token("rsa", headers={"kid": "one"}))).subject == issuer.SUBJECT


def _encoded(part: Any) -> str:
    data = part if isinstance(part, bytes) else orjson.dumps(part)
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unsigned(algorithm: Any, signature: str = "") -> str:
    return f"{_encoded({'alg': algorithm, 'kid': 'rsa'})}.{_encoded(issuer.claims())}.{signature}"


def _hmac_with_public_key(encoding: serialization.Encoding, layout: serialization.PublicFormat) -> str:
    """Key confusion: the public key, which everybody has, taken as an HMAC secret."""
    secret = private_key("rsa").public_key().public_bytes(encoding, layout)
    signing_input = f"{_encoded({'alg': 'HS256', 'kid': 'rsa'})}.{_encoded(issuer.claims())}"
    return f"{signing_input}.{_encoded(hmac.digest(secret, signing_input.encode(), hashlib.sha256))}"


def _with_payload(payload: bytes) -> str:
    return signed(payload, "rsa", "RS256", {"kid": "rsa"})


def _with_header(**members: Any) -> str:
    """Right but for these members, which PyJWT would not write."""
    signing_input = f"{_encoded({'alg': 'EdDSA', 'kid': 'ed25519', **members})}.{_encoded(issuer.claims())}"
    key = private_key("ed25519")
    assert isinstance(key, Ed25519PrivateKey)
    return f"{signing_input}.{_encoded(key.sign(signing_input.encode()))}"


def _without(claim: str) -> str:
    return _with_payload(orjson.dumps(issuer.claims(**{claim: None})))


def _tampered() -> str:
    header, _, signature = token().split(".")
    return f"{header}.{_encoded(issuer.claims(scope='user:admin'))}.{signature}"


def _twice(claim: str, value: str) -> Callable[[], str]:
    def make() -> str:
        return _with_payload(orjson.dumps(issuer.claims())[:-1] + f',"{claim}":{value}}}'.encode())

    return make


def _padded_payload() -> str:
    """Signed as it stands, so that only the padding is wrong."""
    payload = orjson.dumps(issuer.claims(filler=""))
    payload = orjson.dumps(issuer.claims(filler="x" * ((1 - len(payload)) % 3)))
    encoded = base64.urlsafe_b64encode(payload).decode()
    assert encoded.endswith("==")
    signing_input = f"{_encoded({'alg': 'EdDSA', 'kid': 'ed25519'})}.{encoded}"
    key = private_key("ed25519")
    assert isinstance(key, Ed25519PrivateKey)
    return f"{signing_input}.{_encoded(key.sign(signing_input.encode()))}"


def _other_last_character() -> str:
    """A signature of 256 bytes leaves four bits of its last character unused: the same bytes, another text."""
    text = token()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) + 1]


def _own_key_in_header() -> str:
    return signed(
        orjson.dumps(issuer.claims()),
        "rsa-other",
        "RS256",
        {"kid": "rsa", "jwk": jwk("rsa-other"), "jku": "https://evil.example/jwks", "x5u": "https://evil.example/x"},
    )


_PEM, _DER = serialization.Encoding.PEM, serialization.Encoding.DER
_SPKI, _PKCS1 = serialization.PublicFormat.SubjectPublicKeyInfo, serialization.PublicFormat.PKCS1
_ALGORITHM, _MALFORMED = "algorithm is refused", "is malformed"
_SIGNATURE, _UNKNOWN, _UNFIT = "signature does not hold", "unknown key", "does not fit its key"

ATTACKS: dict[str, tuple[Callable[[], str], str]] = {
    **{f"alg {name!r}": (partial(_unsigned, name), _ALGORITHM) for name in ("none", "None", "NONE", "nOnE")},
    **{f"alg {name!r}": (partial(_unsigned, name), _ALGORITHM) for name in ("", None, 5, ["RS256"], "ES512")},
    "alg none with a signature": (lambda: _unsigned("none", _encoded(b"x")), _ALGORITHM),
    "HS256 with the public PEM": (lambda: _hmac_with_public_key(_PEM, _SPKI), _ALGORITHM),
    "HS256 with the public PKCS1": (lambda: _hmac_with_public_key(_PEM, _PKCS1), _ALGORITHM),
    "HS256 with the public DER": (lambda: _hmac_with_public_key(_DER, _SPKI), _ALGORITHM),
    "no signature": (lambda: _unsigned("RS256"), _SIGNATURE),
    "another key, right kid": (lambda: token("rsa-other", headers={"kid": "rsa"}), _SIGNATURE),
    "key in the header": (_own_key_in_header, _SIGNATURE),
    "tampered payload": (_tampered, _SIGNATURE),
    "unknown kid": (lambda: token(headers={"kid": "other"}), _UNKNOWN),
    "empty kid": (lambda: token(headers={"kid": ""}), _UNKNOWN),
    "kid not text": (lambda: f"{_encoded({'alg': 'RS256', 'kid': 5})}.{_encoded({})}.", _MALFORMED),
    "ES256 for an RSA kid": (lambda: token("p256", "ES256", headers={"kid": "rsa"}), _UNFIT),
    "RS256 for an EC kid": (lambda: token("rsa", "RS256", headers={"kid": "p256"}), _UNFIT),
    "ES256 for a P-384 kid": (lambda: token("p256", "ES256", headers={"kid": "p384"}), _UNFIT),
    "expired": (lambda: token(exp=int(time.time()) - 61), "has expired"),
    "exp is text": (lambda: token(exp=str(int(time.time()) + 60)), "exp is not a time"),
    "exp is beyond any time": (lambda: token(exp=2**60), "exp is not a time"),
    "exp is infinite": (lambda: _with_payload(b'{"iss":"i","aud":"a","sub":"s","exp":1e999}'), "exp is not a time"),
    "nbf in the future": (lambda: token(nbf=int(time.time()) + 600), "not valid yet"),
    "nbf is true": (lambda: token(nbf=True), "nbf is not a time"),
    "iat in the future": (lambda: token(iat=int(time.time()) + 600), "not valid yet"),
    "another issuer": (lambda: token(iss="https://evil.example"), "another issuer"),
    "issuer with a slash more": (lambda: token(iss=f"{issuer.ISSUER}/"), "another issuer"),
    "issuer is a list": (lambda: token(iss=[issuer.ISSUER]), "another issuer"),
    "another audience": (lambda: token(aud="other"), "another audience"),
    "audience list without us": (lambda: token(aud=["other", "more"]), "another audience"),
    "part of the audience": (lambda: token(aud=f"{issuer.AUDIENCE}-2"), "another audience"),
    "audience list with a number": (lambda: token(aud=[5, issuer.AUDIENCE]), "another audience"),
    "empty audience": (lambda: token(aud=[]), "another audience"),
    **{f"no {name}": (partial(_without, name), f"has no {name}") for name in ("iss", "aud", "sub", "exp")},
    "sub is a number": (lambda: token(sub=5), "sub is not a string"),
    "sub is empty": (lambda: token(sub=""), "sub is empty"),
    "sub is long": (lambda: token(sub="x" * 256), "sub is empty or longer"),
    "aud is there twice": (_twice("aud", f'"{issuer.AUDIENCE}"'), _MALFORMED),
    "a name is there twice, deep inside": (lambda: _with_payload(b'{"a":{"b":1,"b":2}}'), _MALFORMED),
    "exp is NaN": (lambda: _with_payload(b'{"iss":"i","aud":"a","sub":"s","exp":NaN}'), _MALFORMED),
    "jti is a number": (lambda: token(jti=5), _MALFORMED),
    "payload is deep": (lambda: _with_payload(b"[" * 9000), _MALFORMED),
    "padded signature": (lambda: f"{token('p256', 'ES256')}==", _MALFORMED),
    "padded payload": (_padded_payload, _MALFORMED),
    "unused bits of the signature": (_other_last_character, _MALFORMED),
    "payload is a list": (lambda: _with_payload(b"[]"), _MALFORMED),
    "payload is not JSON": (lambda: _with_payload(b"\xff{"), _MALFORMED),
    "crit unknown": (lambda: token(headers={"crit": ["exp"], "exp": 1}), _MALFORMED),
    "crit that PyJWT knows": (partial(_with_header, crit=["b64"], b64=True), "extensions"),
    "b64 without crit": (partial(_with_header, b64=True), "extensions"),
    "large": (lambda: token(filler="x" * 20_000), "larger than 16 KiB"),
    "empty": (lambda: "", _MALFORMED),
    "garbage": (lambda: "garbage", _MALFORMED),
    "dots": (lambda: "..", _MALFORMED),
    "five parts": (lambda: "a.b.c.d.e", _MALFORMED),
    "not ASCII": (lambda: f"{token()}é", _MALFORMED),
    "lone surrogate": (lambda: f"{token()}\ud800", _MALFORMED),
    "alg is there twice": (lambda: compact(b'{"alg":"none","alg":"RS256","kid":"rsa"}', b"{}"), _MALFORMED),
    "deep header": (lambda: f"{_encoded(b'[' * 9000)}.e30.", _MALFORMED),
}


async def test_the_hand_made_header_is_right_but_for_its_members() -> None:
    assert (await verifier(*EVERY_KEY).verify(_with_header(jku="https://evil.example"))).subject == issuer.SUBJECT


@pytest.mark.parametrize("name", ATTACKS)
async def test_attacks_are_refused(name: str) -> None:
    make, message = ATTACKS[name]
    attack = make()
    with pytest.raises(Unauthenticated, match=message) as refusal:
        await verifier(*EVERY_KEY).verify(attack)
    assert not any(part in refusal.value.message for part in attack.split(".") if len(part) > 8)


CLAIMS: dict[str, dict[str, Any]] = {
    "right": {},
    "expired": {"exp": 1},
    "exp is text": {"exp": "soon"},
    "not yet valid": {"nbf": 2**40},
    "issued in the future": {"iat": 2**40},
    "another issuer": {"iss": "https://evil.example"},
    "another audience": {"aud": ["other"]},
    "sub is long": {"sub": "x" * 256},
    "jti is a list": {"jti": []},
    **{f"no {name}": {name: None} for name in ("iss", "aud", "sub", "exp")},
}


async def _verdict(caller: Awaitable[Caller]) -> object:
    try:
        return await caller
    except TokenRefused as exc:
        return exc.cause, exc.message


@pytest.mark.parametrize("name", CLAIMS)
async def test_claims_alone_meet_the_verdict_that_their_token_meets(name: str) -> None:
    async def accepted() -> Caller:
        return verifier().accept(issuer.claims(**CLAIMS[name]))

    verdict = await _verdict(accepted())
    assert verdict == await _verdict(verifier().verify(token(**CLAIMS[name])))
    assert isinstance(verdict, Caller) == (name == "right")


class _NoKeys:
    """Fails the test when a key is looked at."""

    generation = 0

    async def find(self, kid: str | None) -> Sequence[VerificationKey]:
        raise AssertionError(kid)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "HS384", "HS512", "ES256K"])
async def test_a_refused_algorithm_never_reaches_the_keys(algorithm: str) -> None:
    with pytest.raises(Unauthenticated, match=_ALGORITHM):
        await verifier(keys=_NoKeys()).verify(_unsigned(algorithm))


@given(st.text(max_size=60) | st.lists(st.binary(max_size=30), min_size=3, max_size=3))
async def test_no_text_raises_anything_else(text: str | list[bytes]) -> None:
    attack = text if isinstance(text, str) else ".".join(_encoded(part) for part in text)
    with pytest.raises(Unauthenticated):
        await verifier().verify(attack)


@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("alg", "kid", "crit", "b64", "typ"), st.none() | st.text() | st.lists(st.text()))
    ),
    st.recursive(st.none() | st.text() | st.integers(-(2**63), 2**63), lambda inner: st.dictionaries(st.text(), inner)),
)
async def test_no_json_raises_anything_else(header: dict[str, Any], payload: Any) -> None:
    with pytest.raises(Unauthenticated):
        await verifier().verify(f"{_encoded(header)}.{_encoded(payload)}.AAAA")


_json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(["iss", "aud", "sub", "exp", "nbf", "iat", "jti", "scope", "roles"]), _json_values)
async def test_no_signed_claim_raises_anything_else(name: str, value: Any) -> None:
    try:
        caller = await verifier().verify(token(**{name: value}))
    except Unauthenticated:
        return
    assert isinstance(caller.subject, str)


class _Timepiece:
    def __init__(self) -> None:
        self.elapsed = 0.0
        self.started = time.time()

    def monotonic(self) -> float:
        return self.elapsed

    def clock(self) -> datetime:
        return datetime.fromtimestamp(self.started + self.elapsed, UTC)


class _CountedKeys:
    generation = 0

    def __init__(self) -> None:
        self.asked = 0
        self._keys = verifier().keys

    async def find(self, kid: str | None) -> Sequence[VerificationKey]:
        self.asked += 1
        return await self._keys.find(kid)


async def test_a_verified_token_is_remembered_for_a_minute() -> None:
    time_of_test, keys = _Timepiece(), _CountedKeys()
    checks = verifier(keys=keys, clock=time_of_test.clock, monotonic=time_of_test.monotonic)
    text = token(exp=int(time_of_test.started) + 3600)
    first = await checks.verify(text)
    time_of_test.elapsed = 58
    assert await checks.verify(text) is first
    assert keys.asked == 1
    time_of_test.elapsed = 61
    await checks.verify(text)
    assert keys.asked == 2


async def test_a_verified_token_is_not_remembered_beyond_its_end() -> None:
    time_of_test, keys = _Timepiece(), _CountedKeys()
    checks = verifier(keys=keys, leeway=timedelta(0), clock=time_of_test.clock, monotonic=time_of_test.monotonic)
    text = token(iat=int(time_of_test.started), exp=int(time_of_test.started) + 20)
    await checks.verify(text)
    time_of_test.elapsed = 18
    await checks.verify(text)
    assert keys.asked == 1
    time_of_test.elapsed = 21
    with pytest.raises(Unauthenticated, match="has expired"):
        await checks.verify(text)


async def test_a_token_is_forgotten_with_the_key_that_verified_it() -> None:
    keys = _CountedKeys()
    checks = verifier(keys=keys)
    text = token()
    await checks.verify(text)
    keys.generation += 1
    await checks.verify(text)
    assert keys.asked == 2
    await checks.verify(text)
    assert keys.asked == 2


async def test_a_token_like_a_remembered_one_is_not_taken_for_it() -> None:
    checks = verifier()
    text = token()
    await checks.verify(text)
    with pytest.raises(Unauthenticated):
        await checks.verify(text[:-8] + "AAAAAAAA")


@pytest.mark.parametrize("value", [b"Bearer a.b-c_d", b"bearer a.b-c_d", b"BEARER   a.b-c_d", b" Bearer a.b-c_d\t"])
def test_a_bearer_token_is_taken_from_the_header(value: bytes) -> None:
    assert bearer_token([(b"host", b"x"), (b"Authorization", value)]) == "a.b-c_d"


def test_no_authorization_header_is_no_token() -> None:
    assert bearer_token([(b"host", b"x"), (b"x-authorization", b"Bearer a")]) is None


@pytest.mark.parametrize(
    "value",
    [
        *(b"", b"Bearer", b"Bearer ", b"Bearera", b"Basic dXNlcg==", b"a.b.c", b"Bearer a b", b"Bearer a, Bearer b"),
        *(b"Bearer a=b", b"Bearer \xff", b"Bearer a\nb", b"Bearer\ta"),
    ],
)
def test_another_authorization_header_is_refused(value: bytes) -> None:
    with pytest.raises(Unauthenticated, match="Authorization header is not understood"):
        bearer_token([(b"authorization", value)])


def test_two_authorization_headers_are_refused() -> None:
    with pytest.raises(Unauthenticated, match="more than one Authorization header"):
        bearer_token([(b"authorization", b"Bearer a"), (b"AUTHORIZATION", b"Bearer a")])
