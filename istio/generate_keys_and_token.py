"""Make a key pair and a first token: for whoever has no issuer yet.

Writes into the folder of the keys (istio/keys, which git ignores): private-key.pem (mode 0600; it is never printed),
public-key.pem, jwks.json (its kid is the key's RFC 7638 thumbprint), token (0600) and state.json. The token alone goes
to standard output, everything else to standard error:

\b
  python istio/generate_keys_and_token.py --sub ada --scope user:admin --apply-to istio/request-auth.yaml

The claims come from options, or from a JSON object: --payload claims.json, or --payload '{"sub": "ada"}'.
With --apply-to the issuer and the public key are written into that manifest; its comments stay.

A private key that is there already is never overwritten, unless you say --force: its tokens are refused from then on.
To change keys without refusing anybody use rotate_keys.py.

Exit codes: 0 done, 1 refused (nothing was written), 2 wrong usage.
"""

from typing import Annotated

import typer

from keytool import keys, options
from keytool.console import TERMINAL, now, password_source, refusals
from keytool.folder import KeyFolder
from keytool.issuing import Target, issue
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
    key_type: Annotated[keys.KeyType, typer.Option(help="ec is P-256.")] = keys.KeyType.RSA,
    bits: Annotated[
        int | None,
        typer.Option(min=keys.MIN_RSA_BITS, max=keys.MAX_RSA_BITS, help="RSA's size [default: 3072]"),
    ] = None,
    password_file: options.PasswordFile = None,
    out: options.Out = KEYS,
    apply_to: options.ApplyTo = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace keys that are there; their tokens hold no more.")
    ] = False,
) -> None:
    if bits is not None and key_type is not keys.KeyType.RSA:
        raise typer.BadParameter(f"{key_type} has one size", param_hint="--bits")
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
    with refusals():
        content = given.completed(now(), apply_to)
        password = password_source(password_file)() if password_file else None
        with folder.opened(create=True):
            folder.check_free(force=force)
            key = keys.make(key_type, bits or keys.DEFAULT_RSA_BITS)
            token = issue(key, content, Target(folder, apply_to, force), new_key_pem=key.private_pem(password))
    issued(token, content, key, Target(folder, apply_to, force), private_key=folder.private_key)


if __name__ == "__main__":
    app()
