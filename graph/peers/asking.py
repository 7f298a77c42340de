"""How a running API sees its peers: asked by GraphQL, as anybody else would."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from pydantic import BaseModel, Field, ValidationError

from domain.errors import Forbidden, PeerUnavailable, ServiceError, SettingsError, Unauthenticated

TIMEOUT = 10.0
QUERY = """{ peers {
  name url circuit retryAfter lookupAge lookupError panic
  instances { address state priority weight latency inFlight requests failures }
} }"""

_WELL = frozenset({"ACTIVE", "SLOW_START"})

Peer = Mapping[str, Any]


class _Data(BaseModel):
    peers: list[dict[str, Any]]


class _Answer(BaseModel):
    data: _Data


class _Error(BaseModel):
    message: str
    extensions: dict[str, Any] = Field(default_factory=dict)


class _Refusal(BaseModel):
    errors: list[_Error] = Field(min_length=1)


async def ask_for_peers(url: str, token: str) -> Sequence[Peer]:
    """What the API at `url` says. Raises PeerUnavailable if it says nothing, SettingsError if it refuses the token."""
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT, trust_env=False) as client:
            answer = (await client.post(url, json={"query": QUERY}, headers=headers)).json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as exc:
        raise PeerUnavailable(url, f"it is no user service that answers: {type(exc).__name__}") from exc
    try:
        return _Answer.model_validate(answer).data.peers
    except ValidationError:
        raise _refusal(url, answer) from None


def _refusal(url: str, answer: Any) -> ServiceError:
    """What an answer without peers means."""
    try:
        error = _Refusal.model_validate(answer).errors[0]
    except ValidationError:
        return PeerUnavailable(url, "its answer is none of a user service")
    if error.extensions.get("code") in {Unauthenticated.code, Forbidden.code}:
        return SettingsError(f"{url} refuses: {error.message} Give an administrator's token by TOKEN.")
    return PeerUnavailable(url, error.message)


def is_well(peer: Peer) -> bool:
    """Whether requests go to it, and there is an instance that is well."""
    return peer["circuit"] == "CLOSED" and any(each["state"] in _WELL for each in peer["instances"])
