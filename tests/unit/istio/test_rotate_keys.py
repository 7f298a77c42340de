"""The rotation as typed: what each step says, and its exit codes."""

import re
from datetime import UTC, datetime, timedelta

import generate_keys_and_token
import generate_token
import pytest
import rotate_keys
from rotate_keys import __doc__ as documentation
from rotate_keys import app

from keytool import manifest
from keytool.loading import is_encrypted
from tests.unit.istio.scripts import Workplace, assert_is_help, refused
from tests.unit.istio.test_generate_token import pem

AT_ONCE = ("--settle", "0", "--longest-life", "0", "--leeway", "0", "--key-type", "ed25519")


@pytest.fixture
def keys(place: Workplace) -> Workplace:
    arguments = ("--sub", "ada", "--key-type", "ec", "--ttl", "1", "--apply-to", place.manifest)
    assert place.run(generate_keys_and_token.app, *arguments).exit_code == 0
    return place


def at(monkeypatch: pytest.MonkeyPatch, ahead: timedelta) -> None:
    monkeypatch.setattr(rotate_keys, "now", lambda: datetime.now(UTC) + ahead)


def test_from_add_to_drop(keys: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    (old,) = (entry["kid"] for entry in keys.keys.published())
    added = keys.run(app, "add", "--apply-to", keys.manifest, *AT_ONCE)
    assert added.exit_code == 0, added.output
    new = keys.keys.published()[1]["kid"]
    assert f"{new} is published beside {old}; nothing is signed with it yet." in added.stdout
    assert f"kubectl apply -f {keys.manifest} -f {keys.keys.configmap}" in added.stdout
    assert re.search(
        r"Next, not before \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ:\n  python \S+rotate_keys\.py sign --out ", added.stdout
    )
    at(monkeypatch, timedelta(minutes=1))
    signed = keys.run(app, "sign")
    assert f"Tokens are signed with {new}; the private key before it is deleted." in signed.stdout
    assert re.search(r"Next, not before \S+Z:\n  python \S+rotate_keys\.py drop --out ", signed.stdout)
    at(monkeypatch, timedelta(minutes=2))
    dropped = keys.run(app, "drop")
    assert f"{old} is published no more: the rotation is complete." in dropped.stdout
    assert f"kubectl apply -f {keys.manifest}" in dropped.stdout
    assert [entry["kid"] for entry in manifest.read(keys.manifest).keys] == [new]
    again = keys.run(app, "drop")
    assert (again.exit_code, again.stdout) == (0, "Nothing to drop: no rotation is under way.\n")


def test_the_shipped_manifest_is_not_forgotten_where_it_publishes_the_key(
    keys: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotate_keys, "MANIFEST", keys.manifest)
    assert keys.run(app, "add", *AT_ONCE).exit_code == 0
    assert len(manifest.read(keys.manifest).keys) == 2


def test_a_shipped_manifest_with_other_keys_is_left_alone(keys: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest.write(keys.manifest, "https://issuer.example.com", [{"kid": "of others"}])
    monkeypatch.setattr(rotate_keys, "MANIFEST", keys.manifest)
    assert keys.run(app, "add", *AT_ONCE).exit_code == 0
    assert len(manifest.read(keys.manifest).keys) == 1


def test_the_next_steps_may_be_run_from_elsewhere(keys: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(keys.path)
    assert keys.run(app, "add", "--apply-to", keys.manifest.name, *AT_ONCE).exit_code == 0
    monkeypatch.chdir("/")
    assert keys.run(app, "sign", "--force").exit_code == 0
    assert keys.run(app, "drop", "--force").exit_code == 0
    assert len(manifest.read(keys.manifest).keys) == 1


def test_steps_are_refused_with_a_reason(keys: Workplace) -> None:
    assert refused(keys.run(app, "sign")) == "add comes next, not sign: see `rotate_keys.py status`."
    assert keys.run(app, "add", "--key-type", "ec").exit_code == 0
    told = refused(keys.run(app, "sign"))
    assert re.fullmatch(
        r"sign comes next, but not before \S+Z: not every verifier has the new key yet\. --force does it now\.", told
    )
    assert keys.run(app, "sign", "--force").exit_code == 0
    told = refused(keys.run(app, "drop"))
    assert re.fullmatch(
        r"drop comes next, but not before \S+Z: tokens of the old key may still be in use\. --force does it now\.", told
    )
    assert keys.run(app, "drop", "--force").exit_code == 0


def test_status_tells_where_one_is(keys: Workplace) -> None:
    told = keys.run(app, "status").stdout
    assert re.search(r"publishes \S{43}\.\n\nNext:\n  python \S+rotate_keys\.py add --out ", told)
    assert keys.run(app, "add", *AT_ONCE).exit_code == 0
    told = keys.run(app, "status").stdout
    assert re.search(
        r"publishes \S{43}, \S{43}\.\nLast step: add, at \S+Z\.\n\nNext, not before \S+Z:\n  .* sign ", told
    )


def test_the_next_key_is_kept_as_the_first_one_is(place: Workplace) -> None:
    password = place.path / "password"
    password.write_text("correct horse")
    secret = ("--password-file", password)
    assert place.run(generate_keys_and_token.app, "--sub", "a", "--key-type", "ec", *secret).exit_code == 0
    assert "is encrypted: give its password" in refused(place.run(app, "add", *AT_ONCE))
    assert not place.keys.next_private_key.exists()
    assert place.run(app, "add", *AT_ONCE, *secret).exit_code == 0
    assert is_encrypted(place.keys.next_private_key.read_bytes())
    assert place.run(app, "sign", "--force").exit_code == 0
    assert place.run(generate_token.app, "--sub", "ada", *secret).exit_code == 0


def test_with_a_key_of_ones_own(keys: Workplace) -> None:
    mine = pem(keys.path / "mine.pem", "ed25519")
    added = keys.run(app, "add", "--key", mine, "--kid", "mine", *AT_ONCE)
    assert added.exit_code == 0, added.output
    assert keys.keys.published()[1]["kid"] == "mine"
    signed = keys.run(app, "sign", "--force")
    assert "Sign with mine from now on, everywhere" in signed.stdout
    assert keys.run(generate_token.app, "--key", mine, "--kid", "mine", "--sub", "ada").exit_code == 0
    assert keys.run(app, "drop", "--force").exit_code == 0
    assert mine.exists()


def test_a_key_of_ones_own_beside_what_an_interrupted_add_left(keys: Workplace) -> None:
    pem(keys.keys.next_private_key, "ed25519")
    told = refused(keys.run(app, "add", "--key", pem(keys.path / "mine.pem", "rsa")))
    assert "is there from an interrupted add" in told
    assert keys.run(app, "add").exit_code == 0
    assert keys.keys.published()[1]["kty"] == "OKP"


def test_without_keys(place: Workplace) -> None:
    for step in ("add", "sign", "drop", "status"):
        assert "make keys with generate_keys_and_token.py" in refused(place.run(app, step))


@pytest.mark.parametrize("option", ["--settle", "--longest-life", "--leeway"])
def test_durations_are_checked(keys: Workplace, option: str) -> None:
    assert f"{option} is no duration" in refused(keys.run(app, "add", option, "soon"))
    assert f"{option} is out of bounds" in refused(keys.run(app, "add", option, "-PT1M"))
    assert len(keys.keys.published()) == 1


def test_wrong_usage(place: Workplace) -> None:
    assert place.run(app, "turn").exit_code == 2
    assert place.run(app, "add", "--key-type", "dsa").exit_code == 2


def test_the_documentation_is_the_help() -> None:
    assert_is_help(documentation, app)
