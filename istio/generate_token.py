"""Make a token with a key that is there: your own, or the one that generate_keys_and_token.py has made.

\b
  python istio/generate_token.py --key my-key.pem --issuer https://login.example.com --sub ada --scope user:read \\
    --apply-to istio/request-auth.yaml

The key is a PEM (an encrypted one asks for its password, or takes it from --password-file) or a JWK: RSA with 2048 to
8192 bits, EC on P-256 or P-384, or Ed25519. It stays where it is; public-key.pem, jwks.json, token (mode 0600) and
state.json are written into the folder of the keys. The kid is the JWK's own or --kid, else the RFC 7638 thumbprint.
The token alone goes to standard output:

\b
  TOKEN=$(python istio/generate_token.py --sub ada --ttl PT15M)

With --apply-to the issuer and all published keys are written into that manifest; its comments stay. A key other than
those that are published is refused, because the tokens of those would hold no more: that is what rotate_keys.py is for.

Exit codes: 0 done, 1 refused (nothing was written), 2 wrong usage.
"""

from pathlib import Path
from typing import Annotated

import typer

from keytool import options
from keytool.console import TERMINAL, now, password_source, read_key, refusals
from keytool.folder import KeyFolder
from keytool.issuing import Target, issue
from keytool.loading import load
from keytool.paths import KEYS
from keytool.report import issued

app = typer.Typer(
    context_settings=TERMINAL, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)


@app.command(help=__doc__)
def generate(
    *,
    payload: options.Payload = None,
    sub: options.Sub = None,
    roles: options.Roles = None,
    scope: options.Scope = None,
    aud: options.Audience = None,
    issuer: options.Issuer = None,
    ttl: options.Ttl = None,
    not_before: options.NotBefore = None,
    claim: options.Claim = None,
    key: Annotated[
        Path | None, typer.Option(metavar="PEM|JWK", help="[default: private-key.pem in the folder]")
    ] = None,
    kid: Annotated[
        str | None, typer.Option(help="How verifiers know the key [default: the JWK's, else its thumbprint]")
    ] = None,
    password_file: options.PasswordFile = None,
    out: options.Out = KEYS,
    apply_to: options.ApplyTo = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the keys that are published by this one.")] = False,
) -> None:
    given = options.TokenOptions(
        payload=payload,
        sub=sub,
        roles=roles,
        scope=scope,
        aud=aud,
        issuer=issuer,
        ttl=ttl,
        not_before=not_before,
        claim=claim,
    )
    folder = KeyFolder(out)
    path = key or folder.private_key
    with refusals():
        if key is None:
            folder.check_has_key()
        content = given.completed(now(), apply_to)
        signer = load(read_key(path), password_source(password_file), kid=kid)
        with folder.opened(create=True):
            token = issue(signer, content, Target(folder, apply_to, force))
    issued(token, content, signer, Target(folder, apply_to, force), private_key=path)


if __name__ == "__main__":
    app()
