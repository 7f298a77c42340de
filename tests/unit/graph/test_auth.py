"""Callers whose own user is suspended or deleted; claims that a sidecar hands over."""

import base64
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from structlog.testing import capture_logs

from domain.errors import Forbidden, StoreUnavailable, Unauthenticated
from domain.identity.caller import Caller, Right
from domain.identity.refusals import Cause
from domain.identity.verifier import development_token, verifier
from domain.settings import load_settings
from domain.users.service import UserService
from graph.auth import STATUS_CACHED_FOR, Authenticator
from tests.contract.users.memory import MemoryDatabase, MemoryUserStore
from tests.fixtures import issuer
from tests.fixtures.issuer import jwk, jwks, token
from tests.unit.graph.api import Api, open_api

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


SIDECAR, ELSEWHERE = "127.0.0.6", "10.0.0.7"
ATTACKER = {"sub": "attacker", "scope": "user:admin"}


def payload(**changes: object) -> tuple[bytes, bytes]:
    """The header of a sidecar that checked a token with these claims."""
    claims = orjson.dumps(issuer.claims(**changes))
    return b"x-jwt-payload", base64.urlsafe_b64encode(claims).rstrip(b"=")


def bearer(text: str) -> tuple[bytes, bytes]:
    return b"authorization", f"Bearer {text}".encode()


def in_a_mesh(*, trust: bool = True) -> Authenticator:
    return Authenticator(issuer.verifier(), MemoryUserStore(MemoryDatabase()), trust_mesh=trust)


@pytest.mark.parametrize("peer", [SIDECAR, "127.0.0.1", "::1", "::6"])
async def test_claims_of_the_sidecar_are_taken_where_that_is_asked_for(peer: str) -> None:
    caller = await in_a_mesh().caller([payload(scope="user:write")], peer)
    assert caller == Caller(issuer.SUBJECT, frozenset({Right.READ, Right.WRITE}))


@pytest.mark.parametrize(
    ("trust", "peer"),
    [(False, SIDECAR), (False, ELSEWHERE), (True, ELSEWHERE), (True, "::2"), (True, None), (True, "")],
)
async def test_a_forged_header_is_not_even_read(trust: bool, peer: str | None) -> None:
    for header in (payload(**ATTACKER), (b"x-jwt-payload", b"garbage")):
        with pytest.raises(Unauthenticated, match="There is no token"):
            await in_a_mesh(trust=trust).caller([header], peer)


@pytest.mark.parametrize("peer", [SIDECAR, ELSEWHERE])
@pytest.mark.parametrize("trust", [True, False])
async def test_with_a_token_the_header_counts_for_nothing(trust: bool, peer: str) -> None:
    caller = await in_a_mesh(trust=trust).caller([payload(**ATTACKER), bearer(token(scope=""))], peer)
    assert caller == Caller(issuer.SUBJECT)


@pytest.mark.parametrize(
    "authorization", [bearer("a.b.c"), (b"authorization", b""), (b"authorization", b"Basic eDp5"), bearer(token(exp=1))]
)
async def test_a_refused_token_is_not_made_good_by_the_header(authorization: tuple[bytes, bytes]) -> None:
    with pytest.raises(Unauthenticated, match=r"malformed|not understood|expired"):
        await in_a_mesh().caller([payload(**ATTACKER), authorization], SIDECAR)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: [payload(exp=1)], "has expired"),
        (lambda: [payload(aud="another-service")], "another audience"),
        (lambda: [payload(iss="https://evil.example")], "another issuer"),
        (lambda: [payload(nbf=2**40)], "not valid yet"),
        (lambda: [payload(sub=None)], "no sub"),
        (lambda: [payload(), payload()], "more than one x-jwt-payload"),
        (lambda: [(b"x-jwt-payload", b"")], "malformed"),
        (lambda: [(b"x-jwt-payload", b"garbage!")], "malformed"),
    ],
)  # made in the test: the claims hold for a minute
async def test_what_the_sidecar_hands_over_is_checked_all_the_same(make: Callable[[], Headers], message: str) -> None:
    headers = make()
    with pytest.raises(Unauthenticated, match=message):
        await in_a_mesh().caller(headers, SIDECAR)


async def test_a_suspended_user_is_refused_with_claims_too(setting: Setting) -> None:
    user = await setting.users.create({"username": "ada"})
    await setting.users.suspend(user.id)
    mesh = Authenticator(issuer.verifier(), setting.store, trust_mesh=True)
    with pytest.raises(Forbidden, match="is SUSPENDED"):
        await mesh.caller([payload(sub=user.id)], SIDECAR)


async def test_refusals_are_counted_by_cause() -> None:
    authenticator = in_a_mesh()
    for headers in ([], [payload(exp=1)], [bearer(token(exp=1))], [bearer("x")]):
        with pytest.raises(Unauthenticated):
            await authenticator.caller(headers, SIDECAR)
    assert authenticator.refusals == {Cause.MISSING: 1, Cause.EXPIRED: 2, Cause.MALFORMED: 1}


@pytest.mark.parametrize("trust", [True, False])
async def test_the_application_says_at_its_start_that_it_trusts(tmp_path: Path, trust: bool) -> None:
    given = {"jwt_issuer": issuer.ISSUER, "jwt_audience": issuer.AUDIENCE, "jwt_jwks": jwks(jwk("rsa"))}
    name, value = payload(scope="")
    with capture_logs() as logs:
        async with open_api(tmp_path, **given, trust_mesh_claims=trust) as opened:
            response = await opened.client.post(
                "/graphql", json={"query": "{ me { id } }"}, headers={name.decode(): value.decode()}
            )
    assert response.status_code == (200 if trust else 401)
    assert ["mesh_claims_trusted" for log in logs if log["event"] == "mesh_claims_trusted"] == (
        ["mesh_claims_trusted"] if trust else []
    )


@pytest.mark.parametrize(("command", "code"), [("suspend", "FORBIDDEN"), ("delete", "FORBIDDEN")])
async def test_a_refused_caller_meets_403_for_every_field(api: Api, command: str, code: str) -> None:
    user = await api.create(username="ada")
    await getattr(UserService(api.store), command)(user.id)
    response = await api.client.post(
        "/graphql", json={"query": "{ serviceInfo { mode } }"}, headers=api.headers(user.id, "user:admin")
    )
    assert response.status_code == 403
    assert response.json()["errors"][0]["extensions"]["code"] == code
