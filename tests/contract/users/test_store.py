"""The contract of the user store: writes."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import NewerSchema, NotUnique
from domain.users.editing import new_write_id, tombstone
from domain.users.fields import BY_NAME
from domain.users.filter import EVERYONE
from domain.users.model import SCHEMA, User
from domain.users.page import BY_ID, Window
from domain.users.store import Write
from tests.contract.users.conftest import Parts
from tests.contract.users.users import T0, a_user, exactly

FULL = {
    "external_id": "Ext-1",
    "username": "Ünïcode",
    "given_name": "Nydia",
    "family_name": "Velázquez",
    "display_name": "Nydia M. Velázquez",
    "email": "Nydia@Example.org",
    "email_verified": True,
    "phone": "+12022243441",
    "locale": "es-PR",
    "timezone": "America/New_York",
    "picture_url": "https://example.org/n.png",
    "roles": ("member", "senator"),
    "attributes": {"state": "NY", "n": 1, "f": 1.0, "b": True, "deep": {"list": [1, None, "x"]}},
    "unknown": {"nextRelease": "kept"},
}


def changed(user: User, **values: object) -> User:
    return replace(user, version=user.version + 1, write_id=new_write_id(), **values)  # type: ignore[arg-type]


async def test_a_user_comes_back_as_written(parts: Parts) -> None:
    user = a_user(**FULL)
    assert await parts.store.write(Write(user))
    found = await parts.store.get([user.id, "01ARZ3NDEKTSV4RRFFQ69G5FAV"])
    assert found == {user.id: user}
    assert exactly(found.values()) == exactly([user])


async def test_a_bare_user_comes_back_bare(parts: Parts) -> None:
    user = a_user()
    await parts.store.write(Write(user))
    assert (await parts.store.get([user.id]))[user.id] == user


async def test_replace_is_a_compare_and_set(parts: Parts) -> None:
    user = a_user()
    await parts.store.write(Write(user))
    second = changed(user, given_name="B")
    assert await parts.store.write(Write(second, expected=1))
    assert not await parts.store.write(Write(changed(user, given_name="C"), expected=1))
    assert not await parts.store.write(Write(a_user(version=2), expected=1))
    assert (await parts.store.get([user.id]))[user.id] == second


async def test_an_id_is_inserted_once(parts: Parts) -> None:
    user = a_user()
    await parts.store.write(Write(user))
    with pytest.raises(NotUnique) as refused:
        await parts.store.write(Write(replace(user, username="another")))
    assert refused.value.field == "id"
    assert str(refused.value) == "Another user has this id: choose another one."


@pytest.mark.parametrize(
    ("field", "attribute", "one", "other"),
    [
        ("username", "username", "Ann", "aNN"),
        ("username", "username", "straße", "STRASSE"),
        ("username", "username", "e\u0301va", "\u00c9VA"),
        ("email", "email", "Ann@Example.org", "ann@example.ORG"),
        ("externalId", "external_id", "x", "x"),
    ],
)
async def test_unique_fields_refuse_the_same_value(
    parts: Parts, field: str, attribute: str, one: str, other: str
) -> None:
    await parts.store.write(Write(a_user(**{attribute: one})))
    with pytest.raises(NotUnique) as inserted:
        await parts.store.write(Write(a_user(**{attribute: other})))
    assert inserted.value.field == field
    third = a_user()
    await parts.store.write(Write(third))
    with pytest.raises(NotUnique) as replaced:
        await parts.store.write(Write(changed(third, **{attribute: other}), expected=1))
    assert replaced.value.field == field
    assert (await parts.store.get([third.id]))[third.id] == third


async def test_external_ids_are_case_exact_and_may_be_absent_twice(parts: Parts) -> None:
    for external_id in ("x", "X", None, None):
        assert await parts.store.write(Write(a_user(external_id=external_id)))
    assert await parts.store.count(EVERYONE) == 4


async def test_a_tombstone_frees_its_keys_and_is_hidden(parts: Parts) -> None:
    user = a_user(**FULL)
    await parts.store.write(Write(user))
    gone = tombstone(user, write_id="w", at=T0)
    assert await parts.store.write(Write(gone, expected=1))
    assert await parts.store.get([user.id]) == {user.id: gone}
    assert await parts.store.count(EVERYONE) == 0
    assert await parts.store.scan(None, 10) == []
    assert (await parts.store.page(EVERYONE, BY_ID, Window(10))).users == []
    assert await parts.store.find(BY_NAME["username"], ["ünïcode"]) == {}
    assert await parts.store.write(Write(a_user(**FULL)))


async def test_find_by_keys(parts: Parts) -> None:
    one, two = a_user(username="Ann", email="Ann@x.org"), a_user(username="Bob", external_id="B")
    await parts.store.write_many([Write(one), Write(two)])
    assert await parts.store.find(BY_NAME["username"], ["ann", "bob", "zoe", "Ann"]) == {"ann": one, "bob": two}
    assert await parts.store.find(BY_NAME["email"], ["ann@x.org"]) == {"ann@x.org": one}
    assert await parts.store.find(BY_NAME["externalId"], ["b", "B"]) == {"B": two}


async def test_a_newer_schema_is_read_and_never_written(parts: Parts) -> None:
    newer = a_user(schema=SCHEMA + 1)
    with pytest.raises(NewerSchema):
        await parts.store.write(Write(newer))
    result = await parts.store.write_many([Write(newer), Write(a_user())])
    assert isinstance(result[0], NewerSchema)
    assert result[1] is True
    assert await parts.store.get([newer.id]) == {}


async def test_write_many_settles_each_write_alone(parts: Parts) -> None:
    ann, bob, zoe = a_user(username="ann"), a_user(username="bob"), a_user(username="zoe")
    await parts.store.write_many([Write(ann), Write(bob), Write(zoe)])
    results = await parts.store.write_many(
        [
            Write(a_user(username="ANN")),
            Write(changed(bob, given_name="B"), expected=1),
            Write(changed(zoe), expected=7),
            Write(a_user(username="new")),
            Write(a_user(username="NEW")),
            Write(ann),
            Write(a_user(version=4), expected=3),
        ]
    )
    shown = [result if isinstance(result, bool) else (type(result), result.field) for result in results]
    assert shown == [(NotUnique, "username"), True, False, True, (NotUnique, "username"), (NotUnique, "id"), False]
    assert (await parts.store.get([bob.id]))[bob.id].given_name == "B"
    assert await parts.store.count(EVERYONE) == 4
    assert await parts.store.write_many([]) == []


async def test_many_writes_at_once(parts: Parts) -> None:
    users = [a_user() for _ in range(1000)]
    assert await parts.store.write_many([Write(user) for user in users]) == [True] * 1000
    again = [Write(changed(user, given_name="x"), expected=1) for user in users]
    assert await parts.store.write_many(again) == [True] * 1000
    assert {user.version for user in (await parts.store.get([user.id for user in users])).values()} == {2}


async def test_concurrent_writers_lose_no_update(parts: Parts) -> None:
    user = a_user()
    await parts.store.write(Write(user))

    async def increment(writer: int) -> None:
        done = 0
        while done < 5:
            read = (await parts.store.get([user.id]))[user.id]
            wanted = replace(
                read,
                version=read.version + 1,
                write_id=f"{writer}-{done}-{read.version}",
                attributes={"n": read.attributes.get("n", 0) + 1},
            )
            done += await parts.store.write(Write(wanted, expected=read.version))

    await asyncio.gather(*(increment(writer) for writer in range(8)))
    stored = (await parts.store.get([user.id]))[user.id]
    assert (stored.version, stored.attributes) == (41, {"n": 40})


async def test_one_of_many_concurrent_inserts_of_a_key_wins(parts: Parts) -> None:
    results = await asyncio.gather(
        *(parts.store.write(Write(a_user(username="same"))) for _ in range(10)), return_exceptions=True
    )
    assert sorted(str(type(result).__name__) for result in results) == ["NotUnique"] * 9 + ["bool"]


async def test_scan_goes_through_all_in_id_order(parts: Parts) -> None:
    users = sorted((a_user() for _ in range(25)), key=lambda user: user.id)
    await parts.store.write_many([Write(user) for user in users])
    seen: list[User] = []
    while found := await parts.store.scan(seen[-1].id if seen else None, 10):
        seen.extend(found)
    assert seen == users


async def test_only_expired_tombstones_are_removed(parts: Parts) -> None:
    users = [a_user() for _ in range(4)]
    await parts.store.write_many([Write(user) for user in users])
    for user, at in zip(users[:3], (T0, T0 + timedelta(days=1), T0 + timedelta(days=2)), strict=True):
        await parts.store.write(Write(tombstone(user, write_id="w", at=at), expected=1))
    assert await parts.store.remove_tombstones(T0 + timedelta(days=2), 1) == 1
    assert await parts.store.remove_tombstones(T0 + timedelta(days=2), 10) == 1
    assert await parts.store.remove_tombstones(T0 + timedelta(days=2), 10) == 0
    assert set(await parts.store.get([user.id for user in users])) == {users[2].id, users[3].id}


async def test_a_cancelled_write_leaves_the_store_usable(parts: Parts) -> None:
    for delay in (0, 0.0005, 0.002):
        task = asyncio.create_task(_write_many_times(parts))
        await asyncio.sleep(delay)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    user = a_user()
    assert await parts.store.write(Write(user))
    assert await parts.store.get([user.id]) == {user.id: user}


async def _write_many_times(parts: Parts) -> None:
    while True:
        await parts.store.write(Write(a_user()))
        await asyncio.sleep(0)


async def test_ping_answers(parts: Parts) -> None:
    await parts.store.ping()
