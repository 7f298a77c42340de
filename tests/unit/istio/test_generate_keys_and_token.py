"""From nothing: keys, a token that the service takes, and a manifest that is filled in."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from generate_keys_and_token import __doc__ as documentation
from generate_keys_and_token import app

from domain.identity.caller import Caller, Right
from keytool import manifest
from keytool.checks import jwks as jwks_check
from keytool.keys import thumbprint
from keytool.loading import is_encrypted, load
from keytool.paths import SCRIPTS
from tests.fixtures.issuer import verifier
from tests.unit.istio.scripts import Workplace, assert_is_help, refused

ISSUER = "https://issuer.example.com"
"""The shipped manifest's."""
MODES = {
    ".gitignore": 0o644,
    "private-key.pem": 0o600,
    "public-key.pem": 0o644,
    "jwks.json": 0o644,
    "jwks-configmap.yaml": 0o644,
    "token": 0o600,
    "state.json": 0o600,
}
SMALL = ("--key-type", "ec")


async def caller(place: Workplace, token: str, issuer: str = ISSUER) -> Caller:
    (entry,) = place.keys.published()
    return await verifier(dict(entry), issuer=issuer, role_scopes={"support": ["user:write"]}).verify(token)


@pytest.mark.parametrize("key_type", ["rsa", "ec", "ed25519"])
async def test_from_nothing_to_a_token_that_holds(place: Workplace, key_type: str) -> None:
    result = place.run(app, "--sub", "ada", "--scope", "user:read", "--key-type", key_type)
    assert result.exit_code == 0, result.output
    token = result.stdout.strip()
    assert await caller(place, token) == Caller("ada", frozenset({Right.READ}))
    assert place.keys.token.read_text() == token


def test_where_everything_is_and_who_may_read_it(place: Workplace) -> None:
    assert place.run(app, "--sub", "ada", *SMALL).exit_code == 0
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in place.keys.path.iterdir()} == MODES
    assert stat.S_IMODE(place.keys.path.stat().st_mode) == 0o700


def test_the_jwks_is_public_and_clean(place: Workplace) -> None:
    assert place.run(app, "--sub", "ada").exit_code == 0
    text = place.keys.jwks.read_text()
    (entry,) = json.loads(text)["keys"]
    assert set(entry) == {"kid", "use", "alg", "kty", "n", "e"}
    assert entry["kid"] == thumbprint(entry)
    assert list(jwks_check.faults(text)) == []


def test_the_manifest_gets_issuer_and_keys(place: Workplace) -> None:
    result = place.run(app, "--sub", "ada", "--issuer", "https://me.example", "--apply-to", place.manifest, *SMALL)
    assert result.exit_code == 0, result.output
    found = manifest.read(place.manifest)
    assert found.issuer == jwt.decode(result.stdout.strip(), options={"verify_signature": False})["iss"]
    assert found.issuer == "https://me.example"
    assert list(found.keys) == list(place.keys.published())


def test_it_says_where_everything_is_and_the_next_command(place: Workplace) -> None:
    told = place.run(app, "--sub", "ada", "--apply-to", place.manifest, *SMALL).stderr
    folder = place.keys
    for path in (folder.private_key, folder.public_key, folder.jwks, folder.token, folder.configmap, place.manifest):
        assert str(path) in told
    assert f"kubectl apply -f {place.manifest} -f {folder.configmap}" in told
    assert "curl https://users.example.com/graphql" in told


def test_without_a_manifest_the_next_command_starts_the_service(place: Workplace) -> None:
    told = place.run(app, "--sub", "ada", *SMALL).stderr
    settings = f"JWT_ISSUER={ISSUER} JWT_AUDIENCE=user-service JWT_JWKS={place.keys.jwks}"
    assert f"{settings} python -m graph serve" in told


@pytest.mark.parametrize("more", [(), ("--payload", "{")])
def test_no_private_key_is_ever_shown(place: Workplace, more: tuple[str, ...]) -> None:
    result = place.run(app, "--sub", "ada", "--apply-to", place.manifest, *SMALL)
    again = place.run(app, "--sub", "ada", *SMALL, *more)
    secret = place.keys.private_key.read_text().splitlines()[1:-1]
    for line in secret:
        assert line not in result.output
        assert line not in again.output
    public = (place.keys.jwks, place.keys.public_key, place.keys.state, place.keys.configmap, place.manifest)
    assert not [path for path in public if "PRIVATE" in path.read_text() or '"d":' in path.read_text()]


async def test_options_become_claims(place: Workplace) -> None:
    options = ("--sub=ada", "--roles=support, sales", "--roles=all", "--scope= user:read  x ", "--ttl=PT5M")
    more = ("--aud=user-service", "--aud=posts", "--issuer=https://me.example", "--claim=level=3", "--claim=team=red")
    token = place.run(app, *options, *more, *SMALL).stdout.strip()
    claims = jwt.decode(token, options={"verify_signature": False})
    life = claims.pop("exp") - claims.pop("iat")
    assert life == 300
    assert claims == {
        "sub": "ada",
        "roles": ["support", "sales", "all"],
        "scope": "user:read x",
        "aud": ["user-service", "posts"],
        "iss": "https://me.example",
        "level": 3,
        "team": "red",
    }
    assert await caller(place, token, "https://me.example") == Caller("ada", frozenset({Right.READ, Right.WRITE}))


def test_a_token_may_begin_to_hold_later(place: Workplace) -> None:
    token = place.run(app, "--sub", "ada", "--not-before", "PT2M", *SMALL).stdout.strip()
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["nbf"] - claims["iat"] in (119, 120, 121)


@pytest.mark.parametrize("as_file", [True, False])
def test_a_payload_is_json_or_a_file_of_it(place: Workplace, as_file: bool) -> None:
    payload = json.dumps({"sub": "ada", "roles": ["support"], "iss": "https://me.example"})
    file = place.path / "claims.json"
    file.write_text(payload)
    result = place.run(app, "--payload", file if as_file else payload, "--scope", "user:read", *SMALL)
    claims = jwt.decode(result.stdout.strip(), options={"verify_signature": False})
    assert (claims["sub"], claims["roles"], claims["scope"]) == ("ada", ["support"], "user:read")
    assert claims["iss"] == "https://me.example"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "sub is missing: give --sub, the user's id."),
        (("--payload", '{"roles": ["admin"]}'), "sub is missing: give --sub, the user's id."),
        (("--payload", "{"), "The payload is no JSON"),
        (("--payload", "nowhere.json"), "--payload is neither JSON nor a file that can be read"),
        (("--payload", "[]"), "--payload is neither JSON nor a file that can be read"),
        (("--payload", '{"sub": "ada", "exp": "tomorrow"}'), "exp must be a number"),
        (("--payload", '{"sub": "ada"}', "--sub", "bob"), "sub is in the payload and an option says otherwise"),
        (("--sub", "ada", "--ttl", "long"), "--ttl is no duration"),
        (("--sub", "ada", "--ttl", "0"), "--ttl is out of bounds"),
        (("--sub", "ada", "--ttl", "P2Y"), "--ttl is out of bounds"),
        (("--sub", "ada", "--claim", "x"), "--claim is not NAME=VALUE"),
        (("--sub", "ada", "--claim", "sub=bob"), "--claim cannot set sub"),
        (("--sub", "ada", "--roles", "a,"), "roles must be a list of texts"),
        (("--sub", "ada", "--issuer", ""), "iss must be text"),
        (("--sub", "ada", "--claim", "x=" + "y" * 20_000), "leave claims out"),
        (("--sub", "ada", "--apply-to", "nowhere.yaml"), "nowhere.yaml cannot be read"),
        (("--sub", "ada", "--password-file", "nowhere"), "and nowhere cannot be read"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_written(place: Workplace, arguments: tuple[str, ...], reason: str) -> None:
    assert reason in refused(place.run(app, *arguments, *SMALL))
    assert not place.keys.private_key.exists()
    assert not place.keys.jwks.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--bits", "1024"),
        ("--bits", "16384"),
        ("--bits", "2048", "--key-type", "ec"),
        ("--key-type", "dsa"),
        ("--unknown",),
    ],
)
def test_wrong_usage(place: Workplace, arguments: tuple[str, ...]) -> None:
    assert place.run(app, "--sub", "ada", *arguments).exit_code == 2
    assert not place.keys.path.exists()


def test_the_size_of_rsa(place: Workplace) -> None:
    assert place.run(app, "--sub", "ada", "--bits", "2048").exit_code == 0
    key = load(place.keys.private_key.read_bytes(), lambda: b"").private
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 2048


def test_a_private_key_is_kept_unless_forced(place: Workplace) -> None:
    assert place.run(app, "--sub", "ada", "--apply-to", place.manifest, *SMALL).exit_code == 0
    before = _contents(place)
    told = refused(place.run(app, "--sub", "bob", "--apply-to", place.manifest, *SMALL))
    assert "is there already and is kept" in told
    assert "--force" in told
    assert _contents(place) == before
    assert place.run(app, "--sub", "bob", "--apply-to", place.manifest, "--force", *SMALL).exit_code == 0
    assert _contents(place)["private-key.pem"] != before["private-key.pem"]
    assert list(manifest.read(place.manifest).keys) == list(place.keys.published())
    assert len(place.keys.published()) == 1


def test_keys_in_the_manifest_are_kept_unless_forced(place: Workplace) -> None:
    manifest.write(place.manifest, ISSUER, [{"kid": "of others"}])
    told = refused(place.run(app, "--sub", "ada", "--apply-to", place.manifest, *SMALL))
    assert "publishes other keys (of others)" in told
    assert not place.keys.private_key.exists()
    assert place.run(app, "--sub", "ada", "--apply-to", place.manifest, "--force", *SMALL).exit_code == 0


def test_a_token_that_the_manifest_does_not_take_is_refused(place: Workplace) -> None:
    told = refused(place.run(app, "--sub", "ada", "--aud", "posts", "--apply-to", place.manifest, *SMALL))
    assert told.startswith("aud is posts, but ")
    assert not place.keys.private_key.exists()


def test_the_key_is_kept_encrypted_with_a_password(place: Workplace) -> None:
    file = place.path / "password"
    file.write_text("correct horse\nsecond line\n")
    assert place.run(app, "--sub", "ada", "--password-file", file, *SMALL).exit_code == 0
    content = place.keys.private_key.read_bytes()
    assert is_encrypted(content)
    assert load(content, lambda: b"correct horse").jwk == place.keys.published()[0]
    file.write_text("\n")
    assert "is empty" in refused(place.run(app, "--sub", "ada", "--password-file", file, "--force", *SMALL))


def test_by_its_path_from_any_folder_with_a_wide_open_umask(tmp_path: Path) -> None:
    script = SCRIPTS / "generate_keys_and_token.py"
    command = [sys.executable, str(script), "--sub", "ada", "--out", "k", *SMALL]
    done = subprocess.run(command, cwd=tmp_path, umask=0, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == (tmp_path / "k" / "token").read_text()
    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "k" / "private-key.pem").stat().st_mode) == 0o600
    assert "JWT_JWKS=k/jwks.json" in done.stderr


def test_the_documentation_is_the_help() -> None:
    assert_is_help(documentation, app)


def test_git_ignores_the_default_folder() -> None:
    command = ["git", "check-ignore", "--quiet", "istio/keys/private-key.pem"]
    root = SCRIPTS.parent
    if not (root / ".git").exists():
        assert "/istio/keys/" in (root / ".gitignore").read_text().splitlines()
    else:
        done = subprocess.run(command, cwd=root, env={"PATH": os.environ["PATH"]}, timeout=30, check=False)
        assert done.returncode == 0


def _contents(place: Workplace) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in [*place.keys.path.iterdir(), place.manifest]}
