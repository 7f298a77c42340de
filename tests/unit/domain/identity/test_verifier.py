"""Which verifier the settings ask for; there is none that lets everybody in."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.errors import SettingsError, Unauthenticated
from domain.identity.caller import Right
from domain.identity.jwks import LoadedKeys, StaticKeys
from domain.identity.verifier import FILE_REFRESH, development_token, key_source, verifier
from domain.settings import Settings
from tests.fixtures import issuer
from tests.fixtures.issuer import jwk, jwks, token

GIVEN: dict[str, Any] = {
    "jwt_issuer": issuer.ISSUER,
    "jwt_audience": issuer.AUDIENCE,
    "jwt_jwks": jwks(jwk("rsa")),
}


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JWT_ISSUER", "JWT_AUDIENCE", "JWT_JWKS", "JWT_LEEWAY", "ENVIRONMENT", "ROLE_SCOPES", "DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


async def test_given_settings_are_used() -> None:
    settings = Settings(**GIVEN, jwt_roles_claim="groups", role_scopes={"ops": ["user:admin"]})
    caller = await verifier(settings).verify(token(groups=["ops"]))
    assert Right.ADMIN in caller.rights


async def test_the_leeway_is_used() -> None:
    with pytest.raises(Unauthenticated, match="has expired"):
        await verifier(Settings(**GIVEN, jwt_leeway=timedelta(0))).verify(token(exp=1))


@pytest.mark.parametrize("environment", ["production", "development"])
@pytest.mark.parametrize("missing", [["jwt_issuer"], ["jwt_audience"], ["jwt_jwks"], ["jwt_issuer", "jwt_jwks"]])
def test_half_of_the_settings_is_refused_everywhere(environment: str, missing: list[str], tmp_path: Path) -> None:
    rest = {name: value for name, value in GIVEN.items() if name not in missing}
    with pytest.raises(SettingsError) as refusal:
        verifier(Settings(**rest, environment=environment, data_dir=tmp_path))
    named = ", ".join(name.upper() for name in missing)
    assert refusal.value.message == f"{named} must be set: every token is checked, in every mode."
    assert not list(tmp_path.iterdir())


def test_production_without_any_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="JWT_ISSUER, JWT_AUDIENCE, JWT_JWKS must be set"):
        verifier(Settings(data_dir=tmp_path))
    with pytest.raises(SettingsError, match="only in development"):
        development_token(Settings(data_dir=tmp_path), "someone", [], timedelta(hours=1))
    assert not list(tmp_path.iterdir())


async def test_development_without_any_has_its_own_key(tmp_path: Path) -> None:
    settings = Settings(environment="development", data_dir=tmp_path)
    text = development_token(settings, "someone", ["user:admin"], timedelta(hours=1))
    caller = await verifier(settings).verify(text)
    assert (caller.subject, caller.has(Right.ADMIN)) == ("someone", True)


async def test_development_with_an_issuer_does_not_take_its_own_key(tmp_path: Path) -> None:
    alone = Settings(environment="development", data_dir=tmp_path)
    text = development_token(alone, "someone", ["user:admin"], timedelta(hours=1))
    with_issuer = Settings(environment="development", data_dir=tmp_path, **GIVEN)
    with pytest.raises(Unauthenticated):
        await verifier(with_issuer).verify(text)
    with pytest.raises(SettingsError, match="only in development"):
        development_token(with_issuer, "someone", [], timedelta(hours=1))


def test_a_role_that_gives_an_unknown_scope_is_refused() -> None:
    with pytest.raises(SettingsError, match="ROLE_SCOPES gives ops the scope user:all, which does not exist"):
        verifier(Settings(**GIVEN, role_scopes={"ops": ["user:read", "user:all"]}))


def test_claims_of_a_mesh_are_refused_where_no_mesh_checks_tokens(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="TRUST_MESH_CLAIMS is refused with the development key"):
        verifier(Settings(environment="development", data_dir=tmp_path, trust_mesh_claims=True))
    verifier(Settings(**GIVEN, trust_mesh_claims=True))


def test_claims_of_a_mesh_are_not_trusted_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRUST_MESH_CLAIMS", raising=False)
    assert Settings().trust_mesh_claims is False


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"keys": []}', "JWT_JWKS is refused: the JWKS has no usable key."),
        ("{", "JWT_JWKS is refused: the JWKS is not JSON."),
        ("missing.json", "JWT_JWKS is no JSON, no URL and no file that can be read: No such file or directory."),
        ("ftp://issuer.example/jwks", "No such file or directory"),
        ("x" * 5000, "File name too long"),
        ("http://", "JWT_JWKS is no URL that can be fetched."),
        ("https:///jwks", "JWT_JWKS is no URL that can be fetched."),
        ("https://[::1/jwks", "JWT_JWKS is no URL that can be fetched."),
        ("https://issuer.example:99999/jwks", "JWT_JWKS is no URL that can be fetched."),
    ],
)
def test_a_jwks_that_cannot_serve_is_refused_at_start_up(text: str, message: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        key_source(text)
    assert message in refusal.value.message


@pytest.mark.parametrize("url", ["https://issuer.example/jwks", " HTTP://issuer/jwks\n"])
def test_a_url_is_not_fetched_at_start_up(url: str) -> None:
    source = key_source(url)
    assert isinstance(source, LoadedKeys)
    assert source.status().count == 0


def test_json_is_static() -> None:
    assert isinstance(key_source(f"\n {jwks(jwk('rsa'))}"), StaticKeys)


async def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(jwks(jwk("rsa")))
    source = key_source(str(path))
    assert [key.kid for key in await source.find("rsa")] == ["rsa"]
    path.write_text(jwks(jwk("p256")))
    await asyncio.sleep(FILE_REFRESH.total_seconds() + 0.05)
    assert [key.kid for key in await source.find("p256")] == ["p256"]
    assert await source.find("rsa") == ()
    await source.aclose()
