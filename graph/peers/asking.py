"""How a running API sees its peers: asked by GraphQL, as anybody else would."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from domain.errors import PeerUnavailable, SettingsError

TIMEOUT = 10.0
QUERY = """{ peers {
  name url circuit retryAfter lookupAge lookupError panic
  instances { address state priority weight latency inFlight requests failures }
} }"""

_WELL = frozenset({"ACTIVE", "SLOW_START"})

Peer = Mapping[str, Any]


async def ask_for_peers(url: str, token: str) -> Sequence[Peer]:
    """What the API at `url` says. Raises PeerUnavailable if it says nothing, SettingsError if it refuses the token."""
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT, trust_env=False) as client:
            answer = (await client.post(url, json={"query": QUERY}, headers=headers)).json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as exc:
        raise PeerUnavailable(url, f"it is no user service that answers: {type(exc).__name__}") from exc
    if errors := answer.get("errors"):
        raise SettingsError(f"{url} refuses: {errors[0]['message']} Give an administrator's token by TOKEN.")
    peers: Sequence[Peer] = answer["data"]["peers"]
    return peers


def is_well(peer: Peer) -> bool:
    """Whether requests go to it, and there is an instance that is well."""
    return peer["circuit"] == "CLOSED" and any(each["state"] in _WELL for each in peer["instances"])
