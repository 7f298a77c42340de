"""Callers whose own user is suspended or deleted."""

from datetime import timedelta
from pathlib import Path

import pytest

from domain.errors import Forbidden, StoreUnavailable, Unauthenticated
from domain.identity.verifier import development_token, verifier
from domain.settings import load_settings
from domain.users.service import UserService
from graph.auth import STATUS_CACHED_FOR, Authenticator
from tests.contract.users.memory import MemoryDatabase, MemoryUserStore
from tests.unit.graph.api import Api

Headers = list[tuple[bytes, bytes]]


class Setting:
    """An authenticator over a store in memory, and a clock to turn."""

    def __init__(self, folder: Path) -> None:
        self.time = 1_000.0
        self.settings = load_settings(environment="development", data_dir=folder)
        self.store = MemoryUserStore(MemoryDatabase())
        self.users = UserService(self.store)
        self.authenticator = Authenticator(verifier(self.settings), self.store, monotonic=lambda: self.time)

    async def call(self, subject: str) -> str:
        token = development_token(self.settings, subject, ["user:read"], timedelta(hours=1))
        return (await self.authenticator.caller([(b"authorization", f"Bearer {token}".encode())])).subject


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path)


async def test_no_token(setting: Setting) -> None:
    with pytest.raises(Unauthenticated, match="There is no token"):
        await setting.authenticator.caller([])


async def test_a_suspended_caller_is_refused_within_five_seconds(setting: Setting) -> None:
    user = await setting.users.create({"username": "ada"})
    assert await setting.call(user.id) == user.id
    await setting.users.suspend(user.id)
    setting.time += STATUS_CACHED_FOR
    with pytest.raises(Forbidden, match=f"User {user.id} is SUSPENDED"):
        await setting.call(user.id)
    await setting.users.reactivate(user.id)
    setting.time += STATUS_CACHED_FOR
    assert await setting.call(user.id) == user.id
    await setting.users.delete(user.id)
    setting.time += STATUS_CACHED_FOR
    with pytest.raises(Forbidden, match="is DELETED"):
        await setting.call(user.id)


async def test_the_store_is_asked_once_in_five_seconds(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    user = await setting.users.create({"username": "ada"})
    reads = 0
    get = setting.store.get

    async def counted(ids: list[str]) -> object:
        nonlocal reads
        reads += 1
        return await get(ids)

    monkeypatch.setattr(setting.store, "get", counted)
    for seconds in (0, 2, 2, 2, 2):
        setting.time += seconds
        await setting.call(user.id)
    assert reads == 2


@pytest.mark.parametrize("subject", ["a-service", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "x" * 255])
async def test_what_is_no_user_of_ours_is_fine(setting: Setting, subject: str) -> None:
    assert await setting.call(subject) == subject


async def test_while_the_store_is_down_the_last_known_status_holds(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    active, suspended, unknown = [await setting.users.create({"username": name}) for name in ("a", "s", "u")]
    await setting.users.suspend(suspended.id)
    await setting.call(active.id)
    with pytest.raises(Forbidden):
        await setting.call(suspended.id)

    async def fail(_: object) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(setting.store, "get", fail)
    setting.time += 60
    assert await setting.call(active.id) == active.id
    assert await setting.call("a-service") == "a-service"
    with pytest.raises(Forbidden):
        await setting.call(suspended.id)
    with pytest.raises(StoreUnavailable):
        await setting.call(unknown.id)


@pytest.mark.parametrize(("command", "code"), [("suspend", "FORBIDDEN"), ("delete", "FORBIDDEN")])
async def test_a_refused_caller_meets_403_for_every_field(api: Api, command: str, code: str) -> None:
    user = await api.create(username="ada")
    await getattr(UserService(api.store), command)(user.id)
    response = await api.client.post(
        "/graphql", json={"query": "{ serviceInfo { mode } }"}, headers=api.headers(user.id, "user:admin")
    )
    assert response.status_code == 403
    assert response.json()["errors"][0]["extensions"]["code"] == code
