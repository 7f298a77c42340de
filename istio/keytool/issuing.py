"""One token, made and put where it is used: everything is checked before anything is written."""

from dataclasses import dataclass
from pathlib import Path

from keytool import claims, jwks, manifest
from keytool.claims import Claims
from keytool.errors import ClaimRefused, ManifestRefused, WouldInvalidate
from keytool.folder import KeyFolder
from keytool.keys import SigningKey
from keytool.paths import shown
from keytool.tokens import sign


@dataclass(frozen=True, slots=True)
class Target:
    """Where the public half goes: the folder, and a manifest where one is to be filled in.

    `force` lets keys go whose tokens are in use.
    """

    folder: KeyFolder
    manifest: Path | None
    force: bool


def issue(key: SigningKey, content: Claims, target: Target, *, new_key_pem: bytes | None = None) -> str:
    """The token; the folder has to be open. With `new_key_pem` the key is new, and written first.

    Raises Refused, before anything is written.
    """
    folder = target.folder
    token = sign(content, key)
    published = _published(key, target, is_new=new_key_pem is not None)
    if target.manifest is not None:
        check_manifest(target.manifest, content, published, force=target.force)
    if new_key_pem is not None:
        folder.write_private_key(new_key_pem, replace=target.force)
    folder.write_public_key(key.jwk)
    if published != folder.published():
        folder.forget_rotation()
    folder.publish(published)
    folder.write_state(folder.read_state().with_token(key.kid, claims.expiry(content)))
    folder.write_token(token)
    if target.manifest is not None:
        manifest.write(target.manifest, str(content["iss"]), published)
    return token


def check_manifest(path: Path, content: Claims, keys: jwks.Entries, *, force: bool) -> None:
    """Raises ClaimRefused for a token that the manifest will not take, and WouldInvalidate for one that others need."""
    found = manifest.read(path)
    named = claims.audiences(content)
    if found.audiences and not set(found.audiences) & set(named):
        raise ClaimRefused(
            "aud", f"is {', '.join(named)}, but {shown(path)} takes {', '.join(found.audiences)}: give --aud"
        )
    lost = [kid for kid in jwks.kids(found.keys) if kid not in jwks.kids(keys)]
    if lost and not force:
        raise WouldInvalidate(path, lost)
    if found.keys and found.issuer != content["iss"] and not force:
        raise ManifestRefused(
            path,
            f"is for tokens of {found.issuer}, and this one is of {content['iss']}: leave --issuer out, or --force",
        )


def _published(key: SigningKey, target: Target, *, is_new: bool) -> jwks.Entries:
    """What is published from now on: what was, if the key is among it; the key alone, if nothing was or by force."""
    before = target.folder.published()
    if key.jwk in before and not is_new:
        return list(before)
    if before and not target.force:
        raise WouldInvalidate(target.folder.jwks, jwks.kids(before))
    return [key.jwk]
