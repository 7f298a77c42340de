"""Node: everything that can be asked for by its id alone."""

import strawberry


@strawberry.interface(description="Something with an id that is unique in the whole platform.")
class Node:
    id: strawberry.ID = strawberry.field(description="A ULID, the same in every API, token and event.")
