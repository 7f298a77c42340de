"""What one request asks of peers: everything that is asked at one time goes to a peer in one call."""

from collections.abc import Callable, Sequence
from typing import Any

from graphql import GraphQLResolveInfo
from strawberry.dataloader import DataLoader

from domain.peers.entities import Wanted
from domain.peers.peers import Origin, PeerFields
from domain.peers.selection import Operation, Selection, select


class PeerFieldLoader:
    """For one request."""

    def __init__(self, peers: PeerFields, origin: Callable[[], Origin]) -> None:
        self._peers = peers
        self._origin = origin
        self._loaders: dict[str, DataLoader[Wanted, Any]] = {}
        self._selections: dict[tuple[int, ...], Selection] = {}

    async def load(self, peer: str, id: str, info: GraphQLResolveInfo[Any]) -> Any:
        """What the peer says of that field of user `id`; a PeerUnavailable stands where it failed."""
        return await self._loader(peer).load((id, self._selection(info)))

    def _loader(self, peer: str) -> DataLoader[Wanted, Any]:
        if peer not in self._loaders:

            async def fetch(wanted: list[Wanted]) -> Sequence[Any]:
                found = await self._peers.fetch(peer, wanted, self._origin())
                return [found[each] for each in wanted]

            self._loaders[peer] = DataLoader(load_fn=fetch)
        return self._loaders[peer]

    def _selection(self, info: GraphQLResolveInfo[Any]) -> Selection:
        """One for all users of a list: the nodes are those of the document, which outlives the request."""
        key = tuple(map(id, info.field_nodes))
        if key not in self._selections:
            variables: Any = getattr(info.variable_values, "coerced", info.variable_values)  # Strawberry gives a dict
            operation = Operation(info.schema, info.operation, info.fragments, variables)
            self._selections[key] = select(info.field_nodes, operation, parent=info.parent_type.name)
        return self._selections[key]
