"""What the scripts say when they are done: where everything is, and the next command."""

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import typer

from keytool import claims
from keytool.claims import Claims
from keytool.folder import KeyFolder
from keytool.issuing import Target
from keytool.keys import SigningKey
from keytool.paths import KEYS, SCRIPTS, script, shown
from keytool.rotation import Next, Rotation, Step

HOST = "users.example.com"
QUERY = '{"query": "{ me { id username } serviceInfo { version } }"}'


def issued(token: str, content: Claims, key: SigningKey, target: Target, *, private_key: Path) -> None:
    """The token on standard output; on standard error the rest. Never a private key."""
    ends = datetime.fromtimestamp(claims.expiry(content), UTC)
    folder = target.folder
    rows = [
        ("private key", shown(private_key)),
        ("public key", shown(folder.public_key)),
        ("JWKS", f"{shown(folder.jwks)} (kid {key.kid}, {key.algorithm})"),
        ("token", f"{shown(folder.token)} (sub {content['sub']}, until {ends:%Y-%m-%dT%H:%M:%SZ})"),
    ]
    if target.manifest is not None:
        rows.append(("manifests", f"{shown(target.manifest)} (issuer {content['iss']}), {shown(folder.configmap)}"))
    for name, value in rows:
        typer.echo(f"{name:<12} {value}", err=True)
    typer.echo("\nNext:", err=True)
    for line in _next_of_issue(content, target):
        typer.echo(f"  {line}", err=True)
    typer.echo("", err=True)
    typer.echo(token)


def stepped(rotation: Rotation, coming: Next, folder: KeyFolder) -> None:
    """After `add` or `sign`: what is so now, what to do at once, and the next step with its time."""
    if rotation.done is Step.ADD:
        typer.echo(f"{rotation.new} is published beside {', '.join(rotation.old)}; nothing is signed with it yet.")
        _apply(rotation.manifest, folder)
    elif rotation.managed:
        typer.echo(f"Tokens are signed with {rotation.new}; the private key before it is deleted.")
    else:
        typer.echo(f"Sign with {rotation.new} from now on, everywhere, and with {', '.join(rotation.old)} no more.")
    show_next(coming, folder)


def dropped(old: Sequence[str], path: Path | None, folder: KeyFolder) -> None:
    """After `drop`."""
    if not old:
        typer.echo("Nothing to drop: no rotation is under way.")
        return
    typer.echo(f"{', '.join(old)} is published no more: the rotation is complete.")
    _apply(path, folder)


def show_next(coming: Next, folder: KeyFolder) -> None:
    """The command of the next step, and its time."""
    when = f", not before {coming.due:%Y-%m-%dT%H:%M:%SZ}" if coming.due else ""
    where = "" if folder.path == KEYS else f" --out {shlex.quote(shown(folder.path))}"
    typer.echo(f"\nNext{when}:\n  {script('rotate_keys.py')} {coming.step}{where}")


def _apply(path: Path | None, folder: KeyFolder) -> None:
    if path is None:
        typer.echo(f"Whoever reads {shown(folder.jwks)} learns of it at once: give it to all other verifiers now.")
    else:
        typer.echo(f"\nNow:\n  {_kubectl_apply(shown(path), folder)}")


def _kubectl_apply(manifests: str, folder: KeyFolder) -> str:
    """The mesh and the service learn of the keys together."""
    return f"kubectl apply -f {shlex.quote(manifests)} -f {shlex.quote(shown(folder.configmap))}"


def _next_of_issue(content: Claims, target: Target) -> Sequence[str]:
    curl = (
        f"""-H "Authorization: Bearer $(cat {shown(target.folder.token)})" """
        f"-H 'Content-Type: application/json' -d '{QUERY}'"
    )
    if target.manifest is not None:
        in_place = target.manifest.resolve().parent == SCRIPTS
        manifests = f"{shown(SCRIPTS)}/" if in_place else shown(target.manifest)
        return (_kubectl_apply(manifests, target.folder), f"curl https://{HOST}/graphql {curl}")
    settings = {
        "JWT_ISSUER": str(content["iss"]),
        "JWT_AUDIENCE": claims.audiences(content)[0],
        "JWT_JWKS": shown(target.folder.jwks),
    }
    variables = " ".join(f"{name}={shlex.quote(value)}" for name, value in settings.items())
    return (f"{variables} python -m graph serve", f"curl http://localhost:8000/graphql {curl}")
