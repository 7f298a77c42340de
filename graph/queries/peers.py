"""peers: how other services do."""

from domain.identity import rights
from graph.context import Info
from graph.field import field
from graph.types.peer import Peer


@field("The services that give users some of their fields, and how they do; for administrators.")
async def peers(info: Info) -> list[Peer] | None:
    rights.require_peers(info.context.caller)
    return [Peer.of(status) for status in info.context.services.peers.status()]
