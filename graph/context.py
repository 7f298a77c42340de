"""Context: what the resolvers of one request have."""

from collections.abc import Callable
from dataclasses import dataclass, field

import strawberry

from domain.identity.caller import Caller
from domain.peers.peers import NoPeers, Origin, PeerFields
from domain.search.change_token import ChangeTokens
from domain.search.service import SearchService
from domain.settings import Mode
from domain.users.service import UserService
from graph.index_lag import IndexLag
from graph.loaders.users import UserLoader, user_loader
from graph.peers.loader import PeerFieldLoader


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What lives as long as the process, the same for every request."""

    users: UserService
    search: SearchService
    change_tokens: ChangeTokens
    index_lag: IndexLag
    version: str
    mode: Mode
    peers: PeerFields = field(default_factory=NoPeers)


@dataclass(slots=True)
class Context:
    """What lives as long as one request; `operation` is query or mutation once that is known.

    `due` is when the answer has to be there, by the monotonic clock. `origin` says what peers may learn of the
    request, and is called if one is asked.
    """

    services: Services
    caller: Caller
    operation_name: str | None = None
    operation: str = "none"
    due: float | None = None
    origin: Callable[[], Origin] = Origin
    user_loader: UserLoader = field(init=False)
    peer_fields: PeerFieldLoader = field(init=False)

    def __post_init__(self) -> None:
        self.user_loader = user_loader(self.services.users)
        self.peer_fields = PeerFieldLoader(self.services.peers, self.origin)


Info = strawberry.Info[Context, None]
