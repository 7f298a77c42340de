"""Which pages of other origins a browser lets call the API."""

from pathlib import Path

import pytest

from domain.errors import SettingsError
from domain.settings import load_settings
from tests.fixtures.issuer import AUDIENCE, ISSUER, jwk, jwks
from tests.unit.graph.api import open_api

DEVELOPER = "http://localhost:5173"
FRONT_END = "https://app.example.com"
PRODUCTION = {
    "environment": "production",
    "jwt_issuer": ISSUER,
    "jwt_audience": AUDIENCE,
    "jwt_jwks": jwks(jwk("p256")),
}
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


@pytest.mark.parametrize(
    ("settings", "origin", "allowed"),
    [
        ({}, DEVELOPER, True),
        ({}, "http://127.0.0.1", True),
        ({}, FRONT_END, False),
        ({}, "http://localhost.example.com", False),
        ({"cors_origins": f"https://other.example.com, {FRONT_END}"}, FRONT_END, True),
        ({"cors_origins": FRONT_END}, DEVELOPER, False),
        (PRODUCTION, DEVELOPER, False),
        (PRODUCTION | {"cors_origins": FRONT_END}, FRONT_END, True),
        (PRODUCTION | {"cors_origins": FRONT_END}, f"{FRONT_END}.evil.example", False),
    ],
)
async def test_an_origin(tmp_path: Path, settings: dict[str, str], origin: str, allowed: bool) -> None:
    async with open_api(tmp_path, **settings) as api:
        preflight = await api.client.options("/graphql", headers=PREFLIGHT | {"Origin": origin})
        answer = await api.client.post("/graphql", json={"query": "{ me { id } }"}, headers={"Origin": origin})
    for response in (preflight, answer):
        assert response.headers.get("access-control-allow-origin") == (origin if allowed else None)
        assert "access-control-allow-credentials" not in response.headers
    assert answer.status_code == 401
    assert (preflight.status_code == 200) is allowed


@pytest.mark.parametrize("given", ["app.example.com", "https://app.example.com/path", "https://a.example,"])
def test_what_is_no_origin_is_refused(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("CORS_ORIGINS", given)
    with pytest.raises(SettingsError, match="CORS_ORIGINS"):
        load_settings()
