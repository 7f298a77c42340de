import gzip
import json
import re
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount, Route

from graph.graphiql.page import GraphiQLPage, wants_page

TOKEN = "a.b.c"


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets/script-1.js").write_text("export {};")
    (tmp_path / "assets/style-1.css").write_text("a {}")
    (tmp_path / "manifest.json").write_text('{"script": "script-1.js", "style": "style-1.css"}')
    return tmp_path


def client(dist: Path, token: Callable[[], str | None] = lambda: None, *, prefix: str = "") -> httpx.AsyncClient:
    page = GraphiQLPage(development_token=token, dist=dist)
    app = Starlette(routes=[Route("/graphql", page.render), *page.routes])
    whole = Starlette(routes=[Mount(prefix, app=app)]) if prefix else app
    return httpx.AsyncClient(transport=httpx.ASGITransport(whole), base_url="http://service")


def settings(html: str) -> dict[str, Any]:
    (text,) = re.findall(r'<script type="application/json" id="settings">(.*?)</script>', html, re.DOTALL)
    value = json.loads(text)
    assert isinstance(value, dict)
    return value


def policy(headers: Mapping[str, str]) -> dict[str, str]:
    directives = (item.strip().partition(" ") for item in headers["content-security-policy"].split(";"))
    return {name: sources for name, _, sources in directives}


async def test_the_page_knows_its_endpoint_and_its_tabs(dist: Path) -> None:
    response = await client(dist).get("/graphql")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    value = settings(response.text)
    assert value["endpoint"] == "/graphql"
    assert value["headers"] is None
    assert value["tabs"][0]["query"].startswith("# Run it")
    assert json.loads(value["tabs"][1]["variables"]) == {"by": {"externalId": "sample-1"}}


async def test_the_development_token_fills_the_headers_and_is_asked_at_every_view(dist: Path) -> None:
    tokens = iter(["first", "second"])
    browser = client(dist, lambda: next(tokens))
    seen = [json.loads(settings((await browser.get("/graphql")).text)["headers"]) for _ in range(2)]
    assert seen == [{"Authorization": "Bearer first"}, {"Authorization": "Bearer second"}]


async def test_no_cache_keeps_a_page_that_holds_a_token(dist: Path) -> None:
    headers = (await client(dist, lambda: TOKEN).get("/graphql")).headers
    assert headers["cache-control"] == "no-store"
    assert headers["vary"] == "Accept"


async def test_a_value_cannot_end_the_script_element_that_holds_it(dist: Path) -> None:
    evil = "</script><!--<script>alert(1)</script>"
    html = (await client(dist, lambda: evil).get("/graphql")).text
    assert evil not in html
    assert json.loads(settings(html)["headers"]) == {"Authorization": f"Bearer {evil}"}


async def test_behind_a_path_prefix_every_address_has_it(dist: Path) -> None:
    browser = client(dist, prefix="/users")
    html = (await browser.get("/users/graphql")).text
    assert settings(html)["endpoint"] == "/users/graphql"
    assert '"/users/graphql/assets/script-1.js"' in html
    assert (await browser.get("/users/graphql/assets/script-1.js")).status_code == 200


async def test_the_policy_lets_in_nothing_from_elsewhere_and_no_script_in_the_page(dist: Path) -> None:
    directives = policy((await client(dist).get("/graphql")).headers)
    assert directives["default-src"] == "'none'"
    assert {directives[name] for name in ("script-src", "worker-src", "connect-src")} == {"'self'"}
    assert {directives[name] for name in ("base-uri", "form-action", "frame-ancestors")} == {"'none'"}
    assert {source for sources in directives.values() for source in sources.split()} == {
        "'none'",
        "'self'",
        "data:",
        "'unsafe-inline'",
    }
    assert [name for name, sources in directives.items() if "'unsafe-inline'" in sources] == ["style-src"]


@pytest.mark.parametrize("built", [True, False])
async def test_no_script_is_written_in_the_page(dist: Path, built: bool, tmp_path: Path) -> None:
    found: list[dict[str, str | None]] = []

    class Scripts(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert not [name for name, _ in attrs if name.startswith("on")]
            if tag == "script":
                found.append(dict(attrs))

    Scripts().feed((await client(dist if built else tmp_path / "none").get("/graphql")).text)
    assert all(script.get("src") or script.get("type") == "application/json" for script in found)
    assert len(found) == (2 if built else 0)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("script-1.js", "text/javascript; charset=utf-8"), ("style-1.css", "text/css; charset=utf-8")],
)
async def test_assets_are_kept_for_good_and_have_a_policy_for_workers(dist: Path, name: str, media_type: str) -> None:
    response = await client(dist).get(f"/graphql/assets/{name}")
    assert response.status_code == 200
    assert response.headers["content-type"] == media_type
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert policy(response.headers)["default-src"] == "'none'"


async def test_an_asset_that_the_browser_has_is_not_sent_again(dist: Path) -> None:
    browser = client(dist)
    etag = (await browser.get("/graphql/assets/script-1.js")).headers["etag"]
    assert (await browser.get("/graphql/assets/script-1.js", headers={"If-None-Match": etag})).status_code == 304


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("gzip; q=1.0", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000, br", False),
        ("br", False),
        ("", False),
    ],
)
async def test_an_asset_is_sent_compressed_to_those_who_accept_it(dist: Path, accepted: str, compressed: bool) -> None:
    (dist / "assets/script-1.js.gz").write_bytes(gzip.compress(b"export {};"))
    response = await client(dist).get("/graphql/assets/script-1.js", headers={"Accept-Encoding": accepted})
    assert response.headers.get("content-encoding") == ("gzip" if compressed else None)
    assert response.headers["vary"] == "Accept-Encoding"
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert response.text == "export {};"


async def test_the_two_forms_of_an_asset_are_not_taken_for_each_other(dist: Path) -> None:
    (dist / "assets/script-1.js.gz").write_bytes(gzip.compress(b"export {};"))
    browser = client(dist)
    plain, compressed = [
        (await browser.get("/graphql/assets/script-1.js", headers={"Accept-Encoding": accepted})).headers["etag"]
        for accepted in ("identity", "gzip")
    ]
    assert plain != compressed


async def test_an_asset_without_a_compressed_form_is_sent_as_it_is(dist: Path) -> None:
    response = await client(dist).get("/graphql/assets/style-1.css", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in response.headers
    assert response.text == "a {}"


@pytest.mark.parametrize("path", ["none.js", "", "../manifest.json", "%2e%2e/manifest.json", "..%2fmanifest.json"])
async def test_nothing_but_assets_is_served(dist: Path, path: str) -> None:
    response = await client(dist).get(f"/graphql/assets/{path}")
    assert response.status_code == 404
    assert "cache-control" not in response.headers


async def test_without_a_build_the_page_says_how_to_get_one(tmp_path: Path) -> None:
    browser = client(tmp_path / "none", lambda: TOKEN)
    response = await browser.get("/graphql")
    assert response.status_code == 200
    assert "make graphiql" in response.text
    assert "Node 20" in response.text
    assert TOKEN not in response.text
    assert policy(response.headers)["default-src"] == "'none'"
    assert (await browser.get("/graphql/assets/script-1.js")).status_code == 404


@pytest.mark.parametrize(
    ("method", "accept", "query", "wanted"),
    [
        ("GET", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "", True),
        ("GET", "application/json, Text/HTML;q=0.5", "", True),
        ("GET", "text/html", "query=%7Bme%7Bid%7D%7D", False),
        ("GET", "text/html", "tab=1", True),
        ("GET", "*/*", "", False),
        ("GET", "application/json", "", False),
        ("GET", "text/htmlx", "", False),
        ("GET", None, "", False),
        ("POST", "text/html", "", False),
    ],
)
def test_the_page_is_for_browsers(method: str, accept: str | None, query: str, wanted: bool) -> None:
    headers = [] if accept is None else [(b"accept", accept.encode())]
    scope = {"type": "http", "method": method, "headers": headers, "query_string": query.encode()}
    assert wants_page(Request(scope)) is wanted
