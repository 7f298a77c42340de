"""Tokens with a key that is there: one's own in every form, or the generated one."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import generate_keys_and_token
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from generate_token import __doc__ as documentation
from generate_token import app

from domain.identity.caller import Caller
from keytool import manifest
from keytool.paths import SCRIPTS
from tests.fixtures.issuer import private_jwk, private_key, verifier
from tests.unit.istio.scripts import Workplace, assert_is_help, refused

ISSUER = "https://issuer.example.com"


def pem(path: Path, name: str = "p256", password: bytes | None = None) -> Path:
    protection = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    path.touch(mode=0o600)
    path.write_bytes(
        private_key(name).private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)
    )
    return path


def jwk(path: Path, name: str = "p256") -> Path:
    path.touch(mode=0o600)
    path.write_text(json.dumps(private_jwk(name)))
    return path


async def assert_holds(place: Workplace, token: str) -> None:
    for entries in (place.keys.published(), manifest.read(place.manifest).keys):
        checks = verifier(*(dict(entry) for entry in entries), issuer=ISSUER)
        assert await checks.verify(token) == Caller("ada")


@pytest.mark.parametrize("form", [pem, jwk])
@pytest.mark.parametrize("name", ["rsa", "p256", "p384", "ed25519"])
async def test_with_a_key_of_ones_own(place: Workplace, form: object, name: str) -> None:
    file = (pem if form is pem else jwk)(place.path / "mine", name)
    result = place.run(app, "--key", file, "--sub", "ada", "--apply-to", place.manifest)
    assert result.exit_code == 0, result.output
    await assert_holds(place, result.stdout.strip())
    assert not list(place.keys.path.glob("*private*"))


def test_the_kid_is_the_owners(place: Workplace) -> None:
    token = place.run(app, "--key", jwk(place.path / "mine"), "--sub", "ada").stdout.strip()
    assert jwt.get_unverified_header(token)["kid"] == "p256"
    (entry,) = place.keys.published()
    assert entry["kid"] == "p256"
    named = place.run(app, "--key", pem(place.path / "other"), "--kid", "2026", "--sub", "ada", "--force")
    assert jwt.get_unverified_header(named.stdout.strip())["kid"] == "2026"


def test_an_encrypted_key_takes_its_password_from_a_file(place: Workplace) -> None:
    file = pem(place.path / "mine", password=b"correct horse")
    password = place.path / "password"
    password.write_text("correct horse\n")
    assert place.run(app, "--key", file, "--sub", "ada", "--password-file", password).exit_code == 0
    password.write_text("wrong\n")
    told = refused(place.run(app, "--key", file, "--sub", "ada", "--password-file", password))
    assert told == "The key cannot be decrypted: the password is not the right one."


def test_an_encrypted_key_needs_a_terminal_or_a_file(place: Workplace) -> None:
    file = pem(place.path / "mine", password=b"correct horse")
    told = refused(place.run(app, "--key", file, "--sub", "ada", stdin="correct horse\n"))
    assert "give its password with --password-file" in told


def test_an_encrypted_key_asks_at_a_terminal_and_does_not_show_what_is_typed(place: Workplace) -> None:
    file = pem(place.path / "mine", password=b"correct horse")
    options = ["--key", str(file), "--sub", "ada", "--out", str(place.keys.path)]
    command = [sys.executable, str(SCRIPTS / "generate_token.py"), *options]
    terminal, end = pty.openpty()
    with subprocess.Popen(command, stdin=end, stdout=end, stderr=end, start_new_session=True) as process:
        os.close(end)
        said = _typed(terminal, b"Password of the key: ", b"correct horse\n")
    assert process.returncode == 0, said
    assert b"correct horse" not in said
    assert place.keys.token.read_bytes() in said


def test_a_key_that_others_can_read_is_warned_of(place: Workplace) -> None:
    file = pem(place.path / "mine")
    file.chmod(0o644)
    assert f"Warning: others can read {file}: chmod 600 {file}" in place.run(app, "--key", file, "--sub", "a").stderr
    file.chmod(0o600)
    assert "Warning" not in place.run(app, "--key", file, "--sub", "a").stderr


@pytest.mark.parametrize("name", ["rsa-1024", "p521"])
def test_a_weak_or_strange_key_is_refused(place: Workplace, name: str) -> None:
    assert "The key is " in refused(place.run(app, "--key", pem(place.path / "mine", name), "--sub", "ada"))
    assert not place.keys.path.exists()


def test_a_missing_key_is_named(place: Workplace) -> None:
    told = refused(place.run(app, "--key", place.path / "none", "--sub", "ada"))
    assert told == f"The key {place.path / 'none'} cannot be read: No such file or directory."
    told = refused(place.run(app, "--sub", "ada"))
    assert "make keys with generate_keys_and_token.py, or give your own with --key" in told


async def test_more_tokens_with_the_generated_key(place: Workplace) -> None:
    first = place.run(generate_keys_and_token.app, "--sub", "ada", "--apply-to", place.manifest, "--key-type", "ec")
    before = place.manifest.read_bytes(), place.keys.jwks.read_bytes(), place.keys.private_key.read_bytes()
    second = place.run(app, "--sub", "ada", "--ttl", "P1D", "--apply-to", place.manifest)
    for result in (first, second):
        await assert_holds(place, result.stdout.strip())
    assert before == (place.manifest.read_bytes(), place.keys.jwks.read_bytes(), place.keys.private_key.read_bytes())
    assert place.keys.token.read_text() == second.stdout.strip()


def test_the_longest_token_is_remembered(place: Workplace) -> None:
    file = pem(place.path / "mine")
    expiries = [
        jwt.decode(
            place.run(app, "--key", file, "--sub", "ada", "--ttl", ttl).stdout.strip(),
            options={"verify_signature": False},
        )["exp"]
        for ttl in ("PT1H", "P2D", "60")
    ]
    (known,) = place.keys.read_state().last_expiry.values()
    assert known == max(expiries) == expiries[1]


def test_another_key_is_refused_because_the_tokens_of_the_first_are_in_use(place: Workplace) -> None:
    one, two = pem(place.path / "one"), pem(place.path / "two", "ed25519")
    assert place.run(app, "--key", one, "--kid", "one", "--sub", "ada", "--apply-to", place.manifest).exit_code == 0
    before = place.keys.jwks.read_bytes(), place.manifest.read_bytes()
    told = refused(place.run(app, "--key", two, "--sub", "ada", "--apply-to", place.manifest))
    assert "publishes other keys (one)" in told
    assert "rotate_keys.py" in told
    assert (place.keys.jwks.read_bytes(), place.manifest.read_bytes()) == before
    forced = place.run(app, "--key", two, "--kid", "two", "--sub", "ada", "--apply-to", place.manifest, "--force")
    assert forced.exit_code == 0
    assert [entry["kid"] for entry in manifest.read(place.manifest).keys] == ["two"]


def test_another_key_is_refused_without_a_manifest_too(place: Workplace) -> None:
    assert place.run(app, "--key", pem(place.path / "one"), "--kid", "one", "--sub", "ada").exit_code == 0
    told = refused(place.run(app, "--key", pem(place.path / "two", "ed25519"), "--sub", "ada"))
    assert "jwks.json publishes other keys (one)" in told


def test_the_issuer_of_a_manifest_in_use_is_kept(place: Workplace) -> None:
    file = pem(place.path / "mine")
    assert place.run(app, "--key", file, "--sub", "ada", "--apply-to", place.manifest).exit_code == 0
    told = refused(
        place.run(app, "--key", file, "--sub", "ada", "--issuer", "https://x.example", "--apply-to", place.manifest)
    )
    assert f"is for tokens of {ISSUER}, and this one is of https://x.example" in told


def test_a_folder_that_cannot_be_written(place: Workplace) -> None:
    (place.path / "keys").write_text("a file")
    told = refused(place.run(app, "--key", pem(place.path / "mine"), "--sub", "ada"))
    assert "cannot be used: " in told


def test_by_its_path_only_the_token_is_on_standard_output(place: Workplace) -> None:
    options = ["--key", str(pem(place.path / "mine")), "--sub", "ada", "--out", str(place.keys.path)]
    command = [sys.executable, str(SCRIPTS / "generate_token.py"), *options]
    done = subprocess.run(command, cwd=place.path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, place.keys.token.read_text() + "\n"), done.stderr


def test_the_documentation_is_the_help() -> None:
    assert_is_help(documentation, app)


def _typed(terminal: int, prompt: bytes, answer: bytes) -> bytes:
    """Everything that a terminal shows, until its program ends; the answer is typed when the prompt is there."""
    shown = b""
    while True:
        try:
            part = os.read(terminal, 1024)
        except OSError:  # Linux says so when the other end is closed
            part = b""
        if not part:
            os.close(terminal)
            return shown
        shown += part
        if prompt in shown and answer:
            os.write(terminal, answer)
            answer = b""
