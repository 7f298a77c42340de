"""A rotation, done: at every moment all tokens in use hold, and an interruption anywhere is repaired by repeating."""

import json
import os
import shutil
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keytool import files, issuing, jwks, manifest, rotating, tokens
from keytool.errors import FolderRefused, RotationRefused, TooEarly, WouldInvalidate
from keytool.folder import KeyFolder
from keytool.issuing import Target
from keytool.keys import KeyType, SigningKey, make, public_pem, signing_key
from keytool.loading import load
from keytool.paths import MANIFEST
from keytool.rotation import Policy, Step
from tests.fixtures.issuer import private_key, verifier

POLICY = Policy(settle=timedelta(minutes=5), longest_life=timedelta(hours=2), leeway=timedelta(minutes=1))
ISSUER = "https://issuer.example.com"
NOW = datetime.fromtimestamp(int(time.time()), UTC)
LATER, MUCH_LATER = NOW + timedelta(minutes=5), NOW + timedelta(hours=3)
FIRST = signing_key(private_key("p256"))


class Interrupted(Exception):
    """The power is gone."""


@pytest.fixture(autouse=True)
def _nothing_is_synced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk takes milliseconds for each of hundreds of files, and no test here takes its power away."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    """With one key, a token of it, and a manifest beside the folder."""
    manifest_of(tmp_path).write_bytes(MANIFEST.read_bytes())
    folder = KeyFolder(tmp_path / "keys")
    with folder.opened(create=True):
        issuing.issue(FIRST, claims(), target(folder), new_key_pem=FIRST.private_pem())
    return folder


def manifest_of(parent: Path) -> Path:
    return parent / "request-auth.yaml"


def target(folder: KeyFolder) -> Target:
    return Target(folder, manifest_of(folder.path.parent), force=False)


def claims() -> dict[str, object]:
    now = int(NOW.timestamp())
    return {"iss": ISSUER, "aud": "user-service", "sub": "ada", "iat": now, "exp": now + 3600}


def signer(folder: KeyFolder) -> SigningKey:
    return load(folder.private_key.read_bytes(), lambda: b"")


def made(folder: KeyFolder) -> Callable[[], tuple[SigningKey, bytes]]:
    """What the script does: the key that an interrupted step has left, or a new one."""

    def make_key() -> tuple[SigningKey, bytes]:
        left = folder.next_private_key
        key = load(left.read_bytes(), lambda: b"") if left.exists() else make(KeyType.ED25519)
        return key, key.private_pem()

    return make_key


def add(folder: KeyFolder, at: datetime = NOW, own: SigningKey | None = None) -> None:
    rotating.add(folder, own, made(folder), policy=POLICY, manifest_path=manifest_of(folder.path.parent), now=at)


def sign(folder: KeyFolder, at: datetime = LATER, *, force: bool = False) -> None:
    rotating.sign(folder, manifest_path=None, now=at, force=force)


def drop(folder: KeyFolder, at: datetime = MUCH_LATER, *, force: bool = False) -> None:
    rotating.drop(folder, manifest_path=None, now=at, force=force)


STEPS: tuple[Callable[[KeyFolder], None], ...] = (add, sign, drop)


def published(folder: KeyFolder) -> list[str]:
    """The kids that every verifier is told of: the file, the ConfigMap and the manifest say the same."""
    entries = folder.published()
    assert list(manifest.read(manifest_of(folder.path.parent)).keys) == list(entries)
    assert jwks.write(entries).splitlines()[1].strip() in folder.configmap.read_text()
    return list(jwks.kids(entries))


async def assert_all_tokens_hold(folder: KeyFolder, in_use: list[str]) -> None:
    """By the file, which the service reads, and by the manifest, which Envoy gets."""
    content = claims()
    in_use.append(tokens.sign(content, signer(folder)))
    for entries in (folder.published(), manifest.read(manifest_of(folder.path.parent)).keys):
        checks = verifier(*(dict(entry) for entry in entries), issuer=ISSUER)
        for token in in_use:
            await checks.verify(token)


async def test_the_three_steps(folder: KeyFolder) -> None:
    in_use = [folder.token.read_text()]
    assert published(folder) == [FIRST.kid]
    add(folder)
    old, new = published(folder)
    assert (old, signer(folder).kid) == (FIRST.kid, FIRST.kid)
    await assert_all_tokens_hold(folder, in_use)
    sign(folder)
    assert published(folder) == [FIRST.kid, new]
    assert signer(folder).kid == new
    assert not folder.next_private_key.exists()
    await assert_all_tokens_hold(folder, in_use)
    drop(folder)
    assert published(folder) == [new]
    await assert_all_tokens_hold(folder, [])
    assert folder.read_state().rotation is None
    assert FIRST.kid not in folder.read_state().last_expiry


def test_private_keys_are_private_at_every_step(folder: KeyFolder) -> None:
    for step in STEPS:
        step(folder)
        for path in folder.path.glob("*private-key.pem"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_state_has_no_secret(folder: KeyFolder) -> None:
    for step in STEPS[:2]:
        step(folder)
        state = folder.state.read_text()
        assert "PRIVATE" not in state
        assert set(json.loads(state)) == {"last_expiry", "rotation"}


@pytest.mark.parametrize("step", range(len(STEPS)))
def test_a_step_may_be_repeated(folder: KeyFolder, step: int) -> None:
    for earlier in STEPS[:step]:
        earlier(folder)
    STEPS[step](folder)
    before = _contents(folder)
    STEPS[step](folder)
    assert _contents(folder) == before


@pytest.mark.parametrize("survived", range(6))
@pytest.mark.parametrize("step", range(len(STEPS)))
async def test_an_interrupted_step_hurts_no_token_and_is_finished_by_its_repetition(
    folder: KeyFolder, step: int, survived: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After any number of writes that survived, the power is gone."""
    for earlier in STEPS[:step]:
        earlier(folder)
    with monkeypatch.context() as patched:
        done: list[object] = []
        patched.setattr(files, "write", _failing_after(survived, files.write, done))
        patched.setattr(files, "move", _failing_after(survived, files.move, done))
        with suppress(Interrupted):
            STEPS[step](folder)
    if step < 2:
        await assert_all_tokens_hold(folder, [folder.token.read_text()])
    STEPS[step](folder)
    for later in STEPS[step + 1 :]:
        later(folder)
    (new,) = published(folder)
    assert signer(folder).kid == new != FIRST.kid
    assert folder.read_state().rotation is None
    assert not folder.next_private_key.exists()


def test_the_order_is_kept(folder: KeyFolder) -> None:
    with pytest.raises(RotationRefused, match=r"^add comes next, not sign"):
        sign(folder)
    add(folder)
    with pytest.raises(RotationRefused, match=r"^sign comes next, not drop"):
        drop(folder, force=True)
    sign(folder)
    with pytest.raises(RotationRefused, match=r"^drop comes next, not add"):
        add(folder)


def test_no_step_is_early_unless_forced(folder: KeyFolder) -> None:
    add(folder)
    with pytest.raises(TooEarly):
        sign(folder, LATER - timedelta(seconds=1))
    sign(folder, NOW, force=True)
    with pytest.raises(TooEarly):
        drop(folder, NOW + timedelta(hours=2))
    drop(folder, NOW + timedelta(hours=2, minutes=1))


def test_a_long_token_of_the_old_key_is_waited_for(folder: KeyFolder) -> None:
    long = {**claims(), "exp": int((NOW + timedelta(days=9)).timestamp())}
    issuing.issue(FIRST, long, target(folder))
    add(folder)
    sign(folder)
    with pytest.raises(TooEarly):
        drop(folder, NOW + timedelta(days=9))
    drop(folder, NOW + timedelta(days=9, minutes=1))


def test_without_keys_there_is_nothing_to_rotate(tmp_path: Path) -> None:
    empty = KeyFolder(tmp_path / "keys")
    with pytest.raises(FolderRefused, match=r"make keys with generate_keys_and_token\.py"), empty.opened():
        pass
    with empty.opened(create=True), pytest.raises(FolderRefused, match=r"jwks\.json is not there"):
        add(empty)


def test_the_time_for_the_next_step_begins_anew_when_a_manifest_joins(folder: KeyFolder) -> None:
    rotating.add(folder, None, made(folder), policy=POLICY, manifest_path=None, now=NOW)
    with pytest.raises(RotationRefused, match="lacks the new key"):
        rotating.sign(folder, manifest_path=manifest_of(folder.path.parent), now=LATER, force=True)
    add(folder, LATER)
    with pytest.raises(TooEarly):
        sign(folder, LATER + timedelta(minutes=4))
    sign(folder, LATER + timedelta(minutes=5))


def test_adding_again_may_lengthen_the_times_and_never_shortens_them(folder: KeyFolder) -> None:
    add(folder)
    for policy in (Policy(longest_life=timedelta(days=2)), Policy(timedelta(0), timedelta(0), timedelta(0))):
        rotating.add(folder, None, made(folder), policy=policy, manifest_path=None, now=LATER)
    known = folder.read_state().rotation
    assert known is not None
    assert known.policy == Policy(POLICY.settle, timedelta(days=2), POLICY.leeway)
    assert known.since == NOW


def test_a_manifest_that_somebody_put_back_is_noticed(folder: KeyFolder) -> None:
    kept = manifest_of(folder.path.parent).read_bytes()
    add(folder)
    manifest_of(folder.path.parent).write_bytes(kept)
    with pytest.raises(RotationRefused, match=r"lacks the new key .* repeat add with --apply-to"):
        sign(folder)
    add(folder)
    sign(folder)


def test_a_manifest_with_keys_of_others_is_not_overwritten(folder: KeyFolder) -> None:
    path = manifest_of(folder.path.parent)
    manifest.write(path, ISSUER, [{"kid": "of others"}])
    with pytest.raises(WouldInvalidate, match="of others"):
        add(folder)
    with pytest.raises(WouldInvalidate, match="of others"):
        rotating.drop(folder, manifest_path=path, now=NOW, force=True)
    assert folder.read_state().rotation is None
    assert not folder.next_private_key.exists()


def test_dropping_leaves_a_manifest_with_keys_of_others(folder: KeyFolder) -> None:
    add(folder)
    sign(folder)
    manifest.write(manifest_of(folder.path.parent), ISSUER, [*folder.published(), {"kid": "of others"}])
    with pytest.raises(WouldInvalidate, match="of others"):
        drop(folder, force=True)
    assert FIRST.kid in jwks.kids(folder.published())


def test_a_lost_jwks_is_noticed(folder: KeyFolder) -> None:
    add(folder)
    folder.publish([FIRST.jwk])
    with pytest.raises(FolderRefused, match=r"lacks the key .* restore it"):
        sign(folder)
    folder.jwks.write_text("nonsense")
    with pytest.raises(FolderRefused, match="is no JWKS"):
        sign(folder)


def test_an_own_key_stays_where_it_is(tmp_path: Path) -> None:
    manifest_of(tmp_path).write_bytes(MANIFEST.read_bytes())
    folder = KeyFolder(tmp_path / "keys")
    one, two = signing_key(private_key("p256"), kid="one"), signing_key(private_key("ed25519"), kid="two")
    with folder.opened(create=True):
        issuing.issue(one, claims(), target(folder))
    with pytest.raises(RotationRefused, match="one is the key in use"):
        add(folder, own=one)
    with pytest.raises(RotationRefused, match="Another key is published as one"):
        add(folder, own=signing_key(private_key("rsa"), kid="one"))
    add(folder, own=two)
    with pytest.raises(RotationRefused, match=r"A rotation to two is under way: finish it first\."):
        add(folder, own=signing_key(private_key("rsa"), kid="three"))
    add(folder, own=two)
    assert published(folder) == ["one", "two"]
    sign(folder)
    assert folder.public_key.read_bytes() == public_pem(two.jwk)
    drop(folder)
    assert published(folder) == ["two"]
    assert not list(folder.path.glob("*private*"))


def test_dropping_twice_repairs_the_manifest(folder: KeyFolder) -> None:
    path = manifest_of(folder.path.parent)
    for step in STEPS:
        step(folder)
    new = published(folder)
    shutil.copyfile(MANIFEST, path)
    assert rotating.drop(folder, manifest_path=path, now=NOW, force=False) == ()
    assert published(folder) == new
    assert folder.read_state().rotation is None


def test_a_new_start_by_force_forgets_the_rotation(folder: KeyFolder) -> None:
    add(folder)
    fresh = signing_key(private_key("rsa"))
    issuing.issue(fresh, claims(), Target(folder, target(folder).manifest, force=True), new_key_pem=fresh.private_pem())
    assert published(folder) == [fresh.kid]
    assert folder.read_state().rotation is None
    assert not folder.next_private_key.exists()


def test_the_steps_have_their_names() -> None:
    assert [step.__name__ for step in STEPS] == list(Step)


def _failing_after(count: int, real: Callable[..., None], done: list[object]) -> Callable[..., None]:
    def write(*arguments: object, **options: object) -> None:
        if len(done) >= count:
            raise Interrupted
        done.append(arguments)
        real(*arguments, **options)

    return write


def _contents(folder: KeyFolder) -> dict[str, bytes]:
    found = {path.name: path.read_bytes() for path in folder.path.iterdir()}
    return found | {"manifest": manifest_of(folder.path.parent).read_bytes()}
