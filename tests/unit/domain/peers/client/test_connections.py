"""What the client of an instance keeps to itself."""

import httpx
import pytest

from domain.peers.client.connections import clients
from domain.peers.instance import Instance


async def test_a_cookie_that_one_answer_sets_is_not_sent_with_the_next_request() -> None:
    sent = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers.get("cookie"))
        return httpx.Response(200, headers={"set-cookie": "session=secret; Path=/"})

    async with clients(tls=False)(Instance("10.0.0.1", 80)) as client:
        client._transport = httpx.MockTransport(answer)
        await client.post("/graphql")
        await client.post("/graphql")
    assert sent == [None, None]


async def test_a_redirect_is_not_followed() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(307, headers={"location": "http://elsewhere/"})

    async with clients(tls=False)(Instance("10.0.0.1", 80)) as client:
        client._transport = httpx.MockTransport(answer)
        assert (await client.post("/graphql")).status_code == 307


@pytest.mark.parametrize(
    ("instance", "tls", "url"),
    [
        (Instance("10.0.0.1", 8080), False, "http://10.0.0.1:8080"),
        (Instance("fd00::1", 8443), True, "https://[fd00::1]:8443"),
    ],
)
def test_an_instance_has_a_url(instance: Instance, tls: bool, url: str) -> None:
    assert clients(tls=tls)(instance).base_url == httpx.URL(url)


async def test_no_proxy_stands_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    async with clients(tls=False)(Instance("10.0.0.1", 80)) as client:
        assert client._mounts == {}
