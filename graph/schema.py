"""The schema: the roots, the scalars and the limits put together."""

from collections.abc import Sequence
from typing import Any

from graphql import (
    ASTValidationRule,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    Undefined,
)
from strawberry import federation
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import create_type

from domain.peers.sdl import PeerSchema
from domain.settings import Settings
from graph.documents import Documents, PreparedDocuments
from graph.executor import Executor
from graph.limits.aliases import alias_limit
from graph.limits.depth import depth_limit
from graph.limits.introspection import NoIntrospection
from graph.mutations.create_user import create_user
from graph.mutations.delete_user import delete_user
from graph.mutations.import_users import import_users
from graph.mutations.reactivate_user import reactivate_user
from graph.mutations.suspend_user import suspend_user
from graph.mutations.update_user import update_user
from graph.peers.fields import with_peer_fields
from graph.peers.schemas import peer_schemas
from graph.public_names import public_names
from graph.queries.entities import entities
from graph.queries.me import me
from graph.queries.nodes import node, nodes
from graph.queries.peers import peers
from graph.queries.search import search_users, suggest_users
from graph.queries.service import service_info
from graph.queries.users import user, user_by, users
from graph.types.scalars import SCALARS
from graph.types.user import User

Query = create_type(
    "Query", [user, user_by, users, search_users, suggest_users, me, node, nodes, peers, service_info, entities]
)
Mutation = create_type("Mutation", [create_user, update_user, suspend_user, reactivate_user, delete_user, import_users])


class Schema(federation.Schema):
    """Strawberry's, but errors are told and logged where the response is made, once: see errors.py."""

    @property
    def core(self) -> GraphQLSchema:
        """The schema of graphql-core that this one is made of."""
        return self._schema

    def add_peers(self, peers: Sequence[PeerSchema]) -> None:
        """Adds the fields and types of peers, before the first request."""
        self._schema = with_peer_fields(self._schema, peers)
        self._schema._strawberry_schema = self  # type: ignore[attr-defined]  # noqa: SLF001 (Strawberry looks there)

    def process_errors(self, *_: Any, **__: Any) -> None:
        pass


def build_schema(settings: Settings, added: Sequence[PeerSchema] | None = None) -> Schema:
    """The schema with the limits of `settings` and what peers add (`added`; None: those that PEER_SCHEMAS names).

    Raises SettingsError for a peer's SDL file that is refused.
    """
    rules: list[type[ASTValidationRule]] = [
        depth_limit(settings.max_query_depth),
        alias_limit(settings.max_query_aliases),
    ]
    if not settings.introspection_on:
        rules.append(NoIntrospection)
    documents = Documents(rules, max_tokens=settings.max_query_tokens)
    schema = Schema(
        query=Query,
        mutation=Mutation,
        types=[User],
        federation_version="2.5",  # what every router of the last years knows; we need no more
        config=StrawberryConfig(scalar_map=SCALARS),
        execution_context_class=Executor,
        extensions=[
            lambda: PreparedDocuments(documents, schema.core, max_variable_values=settings.max_variable_values)
        ],
    )
    _leave_out_null_defaults(schema.core)
    if found := peer_schemas(settings, schema.core) if added is None else added:
        schema.add_peers(found)
    return schema


def sdl() -> str:
    """The public names, in GraphQL's own language; they depend on no setting and no peer.

    Without the directives of federation, which most tools do not know: routers read `_service`.
    """
    return public_names(build_schema(Settings.model_construct()).as_str()) + "\n"


def _leave_out_null_defaults(schema: GraphQLSchema) -> None:
    """Strawberry writes a resolver's `= None` as `= null`, which tells a client nothing."""
    for type in schema.type_map.values():
        if isinstance(type, GraphQLInputObjectType):
            inputs = list(type.fields.values())
        elif isinstance(type, GraphQLObjectType):
            inputs = [argument for field in type.fields.values() for argument in field.args.values()]
        else:
            continue
        for input in inputs:
            if input.default_value is None:
                input.default_value = Undefined
