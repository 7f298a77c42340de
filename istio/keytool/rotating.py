"""The steps of a rotation, done: each is checked first, and may be repeated after an interruption.

Files are written in the order key, JWKS, manifest, state. What an interrupted step has left is found by its repetition,
and the time that the next step waits for begins when everything is in place.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from keytool import jwks, manifest
from keytool.errors import FolderRefused, RotationRefused, WouldInvalidate
from keytool.folder import KeyFolder
from keytool.keys import Jwk, SigningKey
from keytool.paths import shown
from keytool.rotation import Policy, Rotation, Step, allow, following
from keytool.state import State

MakeKey = Callable[[], tuple[SigningKey, bytes]]
"""A new key, and the PEM to keep it as."""


def add(
    folder: KeyFolder,
    own: SigningKey | None,
    make: MakeKey,
    *,
    policy: Policy,
    manifest_path: Path | None,
    now: datetime,
) -> Rotation:
    """Publishes the owner's own new key, or one that is made, beside those that are published. Raises Refused."""
    state, published = folder.read_state(), folder.published()
    if not published:
        raise FolderRefused(folder.jwks, "is not there: make keys with generate_keys_and_token.py")
    if state.rotation is not None:
        if own is not None and own.kid != state.rotation.new:
            raise RotationRefused(f"A rotation to {state.rotation.new} is under way: finish it first.")
        return _added_again(folder, state.rotation, policy, manifest_path=manifest_path, now=now)
    new, pem = (own, None) if own is not None else make()
    rotation = Rotation(
        done=Step.ADD,
        new=new.kid,
        old=_others(published, new),
        since=now,
        managed=pem is not None,
        policy=policy,
        manifest=manifest_path,
    )
    entries = jwks.with_key(published, new.jwk)
    check_manifest(manifest_path, entries)
    if pem is not None:
        folder.write_next_private_key(pem)
    _publish(folder, manifest_path, entries)
    folder.write_state(replace(state, rotation=rotation))
    return rotation


def sign(folder: KeyFolder, *, manifest_path: Path | None, now: datetime, force: bool) -> Rotation:
    """From now on the new key signs. Raises Refused, if a manifest lacks that key, too."""
    state = folder.read_state()
    rotation = state.rotation
    if rotation is not None and rotation.done is Step.SIGN:
        return rotation
    allow(Step.SIGN, following(rotation, state.last_expiry), now, force=force)
    if rotation is None:
        raise RotationRefused("add comes first: there is no new key.")
    path = manifest_path or rotation.manifest
    if path is not None and rotation.new not in jwks.kids(manifest.read(path).keys):
        raise RotationRefused(
            f"{shown(path)} lacks the new key {rotation.new}: repeat add with --apply-to, then apply it."
        )
    new = _published_key(folder, rotation.new)
    if rotation.managed:
        folder.sign_with_next()
    folder.write_public_key(new)
    signing = replace(rotation, done=Step.SIGN, since=now, manifest=path)
    folder.write_state(replace(state, rotation=signing))
    return signing


def drop(folder: KeyFolder, *, manifest_path: Path | None, now: datetime, force: bool) -> Sequence[str]:
    """Publishes the old keys no more, and returns their names; none if no rotation is under way. Raises Refused."""
    state, published = folder.read_state(), folder.published()
    rotation = state.rotation
    if rotation is None:
        check_manifest(manifest_path, published)
        _publish(folder, manifest_path, published)
        return ()
    allow(Step.DROP, following(rotation, state.last_expiry), now, force=force)
    path = manifest_path or rotation.manifest
    _published_key(folder, rotation.new)
    entries = jwks.without(published, rotation.old)
    check_manifest(path, entries, dropped=rotation.old)
    _publish(folder, path, entries)
    kept = {kid: expiry for kid, expiry in state.last_expiry.items() if kid not in rotation.old}
    folder.write_state(State(last_expiry=kept))
    return rotation.old


def check_manifest(path: Path | None, entries: jwks.Entries, *, dropped: Sequence[str] = ()) -> None:
    """Raises WouldInvalidate for a manifest that publishes keys of which we know nothing."""
    if path is None:
        return
    known = {*jwks.kids(entries), *dropped}
    unknown = [kid for kid in jwks.kids(manifest.read(path).keys) if kid not in known]
    if unknown:
        raise WouldInvalidate(path, unknown)


def _others(published: jwks.Entries, new: SigningKey) -> tuple[str, ...]:
    """The keys that are to go; the new one may be there already, from an interrupted step."""
    if any(entry.get("kid") == new.kid and entry != new.jwk for entry in published):
        raise RotationRefused(f"Another key is published as {new.kid}: give the new one a kid of its own.")
    others = tuple(kid for kid in jwks.kids(published) if kid != new.kid)
    if not others:
        raise RotationRefused(f"{new.kid} is the key in use: add another one.")
    return others


def _added_again(
    folder: KeyFolder, rotation: Rotation, policy: Policy, *, manifest_path: Path | None, now: datetime
) -> Rotation:
    """An add is repeated to wait longer, or to publish in a manifest: verifiers learn of the key from then on."""
    if rotation.done is not Step.ADD:
        raise RotationRefused("drop comes next, not add: see `rotate_keys.py status`.")
    path, published = manifest_path or rotation.manifest, folder.published()
    check_manifest(path, published)
    changed = _publish(folder, path, published)
    again = replace(
        rotation, since=now if changed else rotation.since, policy=rotation.policy.longest(policy), manifest=path
    )
    folder.write_state(replace(folder.read_state(), rotation=again))
    return again


def _publish(folder: KeyFolder, path: Path | None, entries: jwks.Entries) -> bool:
    """Whether the manifest was another one before."""
    folder.publish(entries)
    return path is not None and manifest.write(path, manifest.read(path).issuer, entries)


def _published_key(folder: KeyFolder, kid: str) -> Jwk:
    for entry in folder.published():
        if entry.get("kid") == kid:
            return entry
    raise FolderRefused(folder.jwks, f"lacks the key {kid} of the rotation under way: restore it")
