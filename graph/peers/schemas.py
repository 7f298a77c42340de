"""The SDL files that PEER_SCHEMAS names, read against our own schema."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from graphql import GraphQLObjectType, GraphQLSchema

from domain.errors import SettingsError
from domain.peers.sdl import EXTENDED, PeerSchema, read_peer_schemas
from domain.settings import Settings

SUFFIX = ".graphql"


def peer_schemas(settings: Settings, core: GraphQLSchema) -> Sequence[PeerSchema]:
    """What the peers of `settings` add to `core`. Raises SettingsError: a file or folder that is not there or empty,
    a file that is refused.
    """
    user = core.type_map[EXTENDED]
    return read_peer_schemas(
        tuple(_files(settings.peer_schemas)),
        peers=settings.peers,
        our_types=core.type_map,
        our_fields=user.fields if isinstance(user, GraphQLObjectType) else (),
    )


def _files(paths: str) -> Iterator[Path]:
    for path in map(Path, filter(None, (part.strip() for part in paths.split(",")))):
        if not path.is_dir():
            yield path
            continue
        files = sorted(path.glob(f"*{SUFFIX}"))
        if not files:
            raise SettingsError(f"PEER_SCHEMAS: the folder {path} has no file *{SUFFIX}.")
        yield from files
