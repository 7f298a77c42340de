"""The options that describe a token, the same in both scripts that make one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from keytool import claims, manifest
from keytool.claims import Claims
from keytool.durations import duration
from keytool.errors import ClaimRefused, ManifestRefused
from keytool.paths import MANIFEST

PAYLOAD_FILE_SIGN = "{"

Payload = Annotated[
    str | None, typer.Option(metavar="FILE|JSON", help="The claims, as a JSON object or a file of one.")
]
Sub = Annotated[str | None, typer.Option(help="Who the token is for: a user's id, or any name.")]
Roles = Annotated[list[str] | None, typer.Option(help="Roles, separated by commas; may be repeated.")]
Scope = Annotated[str | None, typer.Option(help='Scopes, separated by blanks: "user:read user:write".')]
Audience = Annotated[
    list[str] | None, typer.Option("--aud", help="Which service it is for; may be repeated [default: user-service]")
]
Issuer = Annotated[
    str | None, typer.Option(help="Who signs: the tokens' iss [default: the payload's, else the manifest's]")
]
Ttl = Annotated[str | None, typer.Option(help="How long it holds: seconds, or ISO 8601 [default: PT1H]")]
NotBefore = Annotated[str | None, typer.Option(help="After how long it begins to hold: seconds, or ISO 8601.")]
Claim = Annotated[
    list[str] | None, typer.Option(metavar="NAME=VALUE", help="Another claim, its value as JSON or text; repeatable.")
]
Out = Annotated[Path, typer.Option(help="The folder of the keys [default: istio/keys]", show_default=False)]
ApplyTo = Annotated[
    Path | None, typer.Option(metavar="MANIFEST", help="A request-auth.yaml to write issuer and keys into.")
]
PasswordFile = Annotated[Path | None, typer.Option(help="A file whose first line is the private key's password.")]


@dataclass(frozen=True, slots=True)
class TokenOptions:
    """As typed; None is what was not given."""

    payload: str | None = None
    sub: str | None = None
    roles: list[str] | None = None
    scope: str | None = None
    aud: list[str] | None = None
    issuer: str | None = None
    ttl: str | None = None
    not_before: str | None = None
    claim: list[str] | None = None

    def completed(self, now: datetime, apply_to: Path | None) -> Claims:
        """All claims of the token. Raises ClaimRefused, ManifestRefused."""
        payload = claims.read_payload(_payload_text(self.payload)) if self.payload is not None else {}
        given = claims.merged(payload, self._given(now))
        issuer = None if "iss" in given else _issuer_of(apply_to)
        ttl = None if self.ttl is None else _lifetime("--ttl", self.ttl)
        return claims.completed(given, issuer=issuer, ttl=ttl, at=now)

    def _given(self, now: datetime) -> Claims:
        given: Claims = {
            "sub": self.sub,
            "iss": self.issuer,
            "scope": None if self.scope is None else " ".join(self.scope.split()),
            "roles": [role.strip() for text in self.roles for role in text.split(",")] if self.roles else None,
            "aud": (self.aud[0] if len(self.aud) == 1 else self.aud) if self.aud else None,
            "nbf": None
            if self.not_before is None
            else int((now + _lifetime("--not-before", self.not_before)).timestamp()),
        }
        extra = [claims.read_claim(text) for text in self.claim or ()]
        return {name: value for name, value in given.items() if value is not None} | dict(extra)


def _payload_text(text: str) -> str:
    if text.lstrip().startswith(PAYLOAD_FILE_SIGN):
        return text
    try:
        return Path(text).read_text(encoding="utf-8")
    except OSError as exc:
        raise ClaimRefused(
            "--payload", f"is neither JSON nor a file that can be read ({exc.strerror}): {text}"
        ) from exc
    except UnicodeDecodeError:
        raise ClaimRefused("--payload", f"is a file that is no text in UTF-8: {text}") from None


def _lifetime(name: str, text: str) -> timedelta:
    return duration(name, text, least=timedelta(seconds=1), most=claims.MAX_TTL)


def _issuer_of(apply_to: Path | None) -> str | None:
    """The manifest that is to be filled in knows it; the one beside the scripts may."""
    if apply_to is not None:
        return manifest.read(apply_to).issuer
    try:
        return manifest.read(MANIFEST).issuer
    except ManifestRefused:
        return None
