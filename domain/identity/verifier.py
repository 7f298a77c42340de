"""From the settings to the verifier of tokens and, for development, to tokens."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from domain.errors import SettingsError
from domain.identity.caller import Right
from domain.identity.development import AUDIENCE, ISSUER, KEY_FILE, DevelopmentKeys
from domain.identity.jwks import KeySource, Load, LoadedKeys, StaticKeys, from_file, from_url, is_fetchable
from domain.identity.keys import KeysUnavailable, parse_keys
from domain.identity.tokens import TokenVerifier
from domain.settings import Settings

Guard = Callable[[Load], Load]

FILE_REFRESH = timedelta(seconds=1)


def verifier(settings: Settings, guard: Guard = lambda load: load) -> TokenVerifier:
    """The verifier that the settings ask for; to be closed by `aclose`. `guard` is put around fetches of a URL.

    Tokens are always checked: without JWT_ISSUER, JWT_AUDIENCE and JWT_JWKS this raises SettingsError, except in
    development with none of them, where the key in DATA_DIR signs and checks.
    """
    _check_role_scopes(settings)
    if _uses_development_keys(settings):
        _check_no_mesh(settings)
        keys: KeySource = StaticKeys(parse_keys(_development_keys(settings).jwks))
        return _verifier(settings, ISSUER, AUDIENCE, keys)
    if settings.jwt_issuer is None or settings.jwt_audience is None or settings.jwt_jwks is None:
        raise SettingsError(f"{_missing(settings)} must be set: every token is checked, in every mode.")
    return _verifier(settings, settings.jwt_issuer, settings.jwt_audience, key_source(settings.jwt_jwks, guard))


def key_source(jwks: str, guard: Guard = lambda load: load) -> KeySource:
    """The keys in a JWKS given as JSON, as a URL (fetched at the first use), or as a file's path (read again when
    changed). Raises SettingsError for JSON or a file without a usable key, or no URL.
    """
    jwks = jwks.strip()
    if jwks.lower().startswith(("http://", "https://")):
        if not is_fetchable(jwks):
            raise SettingsError("JWT_JWKS is no URL that can be fetched.")
        return LoadedKeys(guard(from_url(jwks)))
    try:
        if jwks.startswith("{"):
            return StaticKeys(parse_keys(jwks))
        path = Path(jwks)
        parse_keys(path.read_bytes())
    except KeysUnavailable as exc:
        raise SettingsError(f"JWT_JWKS is refused: {exc.reason}.") from exc
    except OSError as exc:
        raise SettingsError(f"JWT_JWKS is no JSON, no URL and no file that can be read: {exc.strerror}.") from exc
    return LoadedKeys(from_file(path), refresh_every=FILE_REFRESH, retry_every=FILE_REFRESH)


def development_token(settings: Settings, subject: str, scopes: Sequence[str], ttl: timedelta) -> str:
    """A token that `verifier(settings)` accepts. Raises SettingsError unless these settings use the development key."""
    if not _uses_development_keys(settings):
        raise SettingsError(
            "Tokens are signed here only in development: set ENVIRONMENT=development and unset JWT_ISSUER, "
            "JWT_AUDIENCE and JWT_JWKS, or ask the issuer."
        )
    return _development_keys(settings).sign(subject, scopes, ttl)


def _uses_development_keys(settings: Settings) -> bool:
    return settings.development and settings.jwt_issuer is settings.jwt_audience is settings.jwt_jwks is None


def _development_keys(settings: Settings) -> DevelopmentKeys:
    return DevelopmentKeys(settings.data_dir / KEY_FILE)


def _verifier(settings: Settings, issuer: str, audience: str, keys: KeySource) -> TokenVerifier:
    return TokenVerifier(
        issuer=issuer,
        audience=audience,
        keys=keys,
        leeway=settings.jwt_leeway,
        roles_claim=settings.jwt_roles_claim,
        role_scopes=settings.role_scopes,
    )


def _check_no_mesh(settings: Settings) -> None:
    if settings.trust_mesh_claims:
        raise SettingsError(
            "TRUST_MESH_CLAIMS is refused with the development key, whose tokens no mesh checks: "
            "unset it, or set JWT_ISSUER, JWT_AUDIENCE and JWT_JWKS."
        )


def _check_role_scopes(settings: Settings) -> None:
    for role, scopes in settings.role_scopes.items():
        for scope in scopes:
            if scope not in list(Right):
                known = ", ".join(Right)
                raise SettingsError(f"ROLE_SCOPES gives {role} the scope {scope}, which does not exist: use {known}.")


def _missing(settings: Settings) -> str:
    given = {
        "JWT_ISSUER": settings.jwt_issuer,
        "JWT_AUDIENCE": settings.jwt_audience,
        "JWT_JWKS": settings.jwt_jwks,
    }
    return ", ".join(name for name, value in given.items() if value is None)
