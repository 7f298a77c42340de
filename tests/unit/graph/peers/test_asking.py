"""What `python -m graph peers` makes of an answer."""

from typing import Any

import httpx
import pytest

from domain.errors import PeerUnavailable, ServiceError, SettingsError
from graph.peers import asking

URL = "http://api.example/graphql"


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes whoever is asked answer that."""
    client = httpx.AsyncClient

    def answer(body: Any) -> None:
        transport = httpx.MockTransport(lambda _: httpx.Response(200, json=body))
        monkeypatch.setattr(httpx, "AsyncClient", lambda **_: client(transport=transport))

    return answer


async def test_peers(answering: Any) -> None:
    answering({"data": {"peers": [{"name": "posts"}]}})
    assert await asking.ask_for_peers(URL, "token") == [{"name": "posts"}]


@pytest.mark.parametrize(
    "body", [[], {}, {"data": None}, {"data": []}, {"data": {"peers": None}}, {"errors": ["x"]}, 1]
)
async def test_an_answer_that_is_none(answering: Any, body: Any) -> None:
    answering(body)
    with pytest.raises(PeerUnavailable, match="none of a user service"):
        await asking.ask_for_peers(URL, "token")


@pytest.mark.parametrize(
    ("code", "kind", "told"),
    [
        ("FORBIDDEN", SettingsError, f"{URL} refuses: No. Give an administrator's token by TOKEN."),
        ("UNAUTHENTICATED", SettingsError, f"{URL} refuses: No. Give an administrator's token by TOKEN."),
        ("INTERNAL", PeerUnavailable, "No."),
    ],
)
async def test_a_refusal(answering: Any, code: str, kind: type[ServiceError], told: str) -> None:
    answering({"errors": [{"message": "No.", "extensions": {"code": code}}], "data": None})
    with pytest.raises(kind) as raised:
        await asking.ask_for_peers(URL, "token")
    assert told in str(raised.value)
