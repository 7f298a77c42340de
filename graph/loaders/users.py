"""Users by id: what one request asks for at one time is one read."""

from collections.abc import Sequence

from strawberry.dataloader import DataLoader

from domain.users.model import User
from domain.users.service import UserService

MAX_BATCH = 1_000
"""Ids in one read of the store."""

UserLoader = DataLoader[str, User | None]


def user_loader(users: UserService) -> UserLoader:
    """A loader for one request; None stands for a user that is unknown or deleted."""

    async def load(ids: list[str]) -> Sequence[User | None]:
        found = await users.get(ids)
        return [found.get(id) for id in ids]

    return DataLoader(load_fn=load, max_batch_size=MAX_BATCH)
