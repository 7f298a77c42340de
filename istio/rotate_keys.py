"""Change the signing key without refusing one token that is in use: add, sign, drop.

\b
  python istio/rotate_keys.py add    then apply what it has changed
  python istio/rotate_keys.py sign   from now on the new key signs
  python istio/rotate_keys.py drop   the old tokens have expired; apply what it has changed

`add` publishes a new key beside the old one; `sign` begins to use it once every verifier can know it; `drop` publishes
the old one no more once its last token has expired. Each step says which one comes next and when, refuses to be early
(--force does it all the same: after a theft), and may be repeated after an interruption; `add` also to publish the key
in another manifest, or to wait longer. `status` tells where one is.
Where the rotation stands is kept in state.json beside the keys: no secret is in it.

Exit codes: 0 done, 1 refused (nothing was changed), 2 wrong usage.
"""

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from keytool import jwks, keys, manifest, options, rotating, rotation
from keytool.console import TERMINAL, now, password_source, read_key, refusals
from keytool.durations import duration
from keytool.errors import ManifestRefused
from keytool.folder import KeyFolder
from keytool.loading import AskPassword, is_encrypted, load
from keytool.paths import KEYS, MANIFEST, shown
from keytool.report import dropped, show_next, stepped

app = typer.Typer(
    context_settings=TERMINAL,
    help=__doc__,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

MOST = timedelta(days=366)
Force = Annotated[bool, typer.Option("--force", help="Do it now; tokens may be refused.")]
Manifest = Annotated[
    Path | None, typer.Option("--apply-to", metavar="MANIFEST", help="[default: the one that was given to add]")
]


@app.command()
def add(
    *,
    apply_to: Annotated[
        Path | None,
        typer.Option(metavar="MANIFEST", help="[default: istio/request-auth.yaml, if the old key is in it]"),
    ] = None,
    key: Annotated[Path | None, typer.Option(metavar="PEM|JWK", help="Your own new key [default: one is made]")] = None,
    kid: Annotated[str | None, typer.Option(help="How verifiers know your own new key.")] = None,
    key_type: Annotated[keys.KeyType, typer.Option(help="Of a key that is made; ec is P-256.")] = keys.KeyType.RSA,
    password_file: options.PasswordFile = None,
    settle: Annotated[str, typer.Option(help="How long verifiers take to learn of a key.")] = "PT5M",
    longest_life: Annotated[str, typer.Option(help="The longest time that any token holds.")] = "P1D",
    leeway: Annotated[str, typer.Option(help="How much late verifiers still take a token.")] = "PT1M",
    out: options.Out = KEYS,
) -> None:
    """Publish a new key beside the old one; nothing is signed with it yet."""
    with refusals():
        policy = rotation.Policy(
            settle=duration("--settle", settle, least=timedelta(0), most=MOST),
            longest_life=duration("--longest-life", longest_life, least=timedelta(0), most=MOST),
            leeway=duration("--leeway", leeway, least=timedelta(0), most=MOST),
        )
        folder, ask = KeyFolder(out), password_source(password_file)
        with folder.opened():
            own = _own_key(folder, key, kid, ask)
            make = partial(_made_key, folder, key_type, ask)
            path = apply_to.resolve() if apply_to else _manifest_in_use(folder)
            done = rotating.add(folder, own, make, policy=policy, manifest_path=path, now=now())
            coming = rotation.following(done, folder.read_state().last_expiry)
    stepped(done, coming, folder)


@app.command()
def sign(*, apply_to: Manifest = None, out: options.Out = KEYS, force: Force = False) -> None:
    """Sign with the new key from now on."""
    folder = KeyFolder(out)
    with refusals(), folder.opened():
        done = rotating.sign(folder, manifest_path=apply_to, now=now(), force=force)
        coming = rotation.following(done, folder.read_state().last_expiry)
    stepped(done, coming, folder)


@app.command()
def drop(*, apply_to: Manifest = None, out: options.Out = KEYS, force: Force = False) -> None:
    """Publish the old key no more."""
    folder = KeyFolder(out)
    with refusals(), folder.opened():
        under_way = folder.read_state().rotation
        old = rotating.drop(folder, manifest_path=apply_to, now=now(), force=force)
    dropped(old, apply_to or (under_way.manifest if under_way else None), folder)


@app.command()
def status(out: options.Out = KEYS) -> None:
    """Show what is published and which step comes next."""
    folder = KeyFolder(out)
    with refusals(), folder.opened():
        published, state = folder.published(), folder.read_state()
    typer.echo(f"{shown(folder.jwks)} publishes {', '.join(jwks.kids(published)) or 'nothing'}.")
    if state.rotation is not None:
        typer.echo(f"Last step: {state.rotation.done}, at {state.rotation.since:%Y-%m-%dT%H:%M:%SZ}.")
    show_next(rotation.following(state.rotation, state.last_expiry), folder)


def _manifest_in_use(folder: KeyFolder) -> Path | None:
    """The manifest beside the scripts, if it publishes our keys: it must learn of the new one before that signs."""
    try:
        published = jwks.kids(manifest.read(MANIFEST).keys)
    except ManifestRefused:
        return None
    return MANIFEST if set(published) & set(jwks.kids(folder.published())) else None


def _own_key(folder: KeyFolder, path: Path | None, kid: str | None, ask: AskPassword) -> keys.SigningKey | None:
    if path is None:
        return None
    folder.check_no_next_key()
    return load(read_key(path), ask, kid=kid)


def _made_key(folder: KeyFolder, key_type: keys.KeyType, ask: AskPassword) -> tuple[keys.SigningKey, bytes]:
    """The one that an interrupted `add` has left, or a new one that is kept as the old one is: encrypted or not."""
    if folder.next_private_key.exists():
        pem = folder.next_private_key.read_bytes()
        return load(pem, ask), pem
    made = keys.make(key_type)
    old = folder.private_key
    encrypted = old.exists() and is_encrypted(old.read_bytes())
    return made, made.private_pem(ask() if encrypted else None)


if __name__ == "__main__":
    app()
