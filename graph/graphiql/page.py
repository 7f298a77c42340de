"""Serves the GraphiQL page and its assets under a policy that lets the page load and call nothing but this service."""

import json
from collections.abc import Callable
from html import escape
from os import PathLike, stat_result
from pathlib import Path
from string import Template

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from graph.graphiql.examples import as_tabs, load_examples

_FOLDER = Path(__file__).parent
_TEMPLATE = Template((_FOLDER / "page.html").read_text(encoding="utf-8"))
_NOT_BUILT = (_FOLDER / "not_built.html").read_text(encoding="utf-8")

_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "connect-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # the editor places lines by style attributes, makes its theme at run time
        "img-src data:",
        "font-src data:",  # GraphiQL's stylesheet holds its fonts
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_MEDIA_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}


def wants_page(request: Request) -> bool:
    """Whether a request to the GraphQL path comes from somebody who opened it in a browser."""
    return request.method == "GET" and "query" not in request.query_params and _accepts_html(request)


class GraphiQLPage:
    """The page at `path`; `render` it for a request that `wants_page`, and add its `routes` to the application's.

    `development_token` is asked at every view; the token it gives fills the headers editor. Outside development it
    gives None: whoever can open the page can read the token. Without a built `dist`, the page says how to build it.
    """

    def __init__(
        self,
        *,
        path: str = "/graphql",
        development_token: Callable[[], str | None] = lambda: None,
        dist: Path = _FOLDER / "dist",
    ) -> None:
        self._path = path
        self._development_token = development_token
        self._tabs = as_tabs(load_examples())
        manifest = dist / "manifest.json"
        self._manifest: dict[str, str] | None = json.loads(manifest.read_bytes()) if manifest.exists() else None
        self.routes: list[BaseRoute] = []
        if self._manifest is not None:
            self.routes.append(Mount(f"{path}/assets", app=_Assets(dist / "assets")))

    def render(self, request: Request) -> HTMLResponse:
        """Answer with the page, for this view alone: it may hold a token, so nothing may keep it."""
        html = _NOT_BUILT if self._manifest is None else self._fill(self._manifest, request.scope.get("root_path", ""))
        return HTMLResponse(html, headers={**_HEADERS, "Cache-Control": "no-store", "Vary": "Accept"})

    def _fill(self, manifest: dict[str, str], root_path: str) -> str:
        endpoint = root_path + self._path
        token = self._development_token()
        headers = json.dumps({"Authorization": f"Bearer {token}"}, indent=2) if token else None
        return _TEMPLATE.substitute(
            script=escape(f"{endpoint}/assets/{manifest['script']}"),
            style=escape(f"{endpoint}/assets/{manifest['style']}"),
            settings=_script_json({"endpoint": endpoint, "headers": headers, "tabs": self._tabs}),
        )


class _Assets(StaticFiles):
    """Files whose names change with their content, so that a browser keeps them for good.

    Where the build has put `<name>.gz` beside a file, those who accept gzip get that.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder)
        self._gzipped = {path.stem: (path, path.stat()) for path in folder.glob("*.gz")}

    def file_response(
        self, full_path: str | PathLike[str], stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        # A worker takes its policy from its own response, not from the page's.
        headers = {**_HEADERS, "Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
        # What the machine thinks of a suffix varies; a browser refuses a module of the wrong type.
        if media_type := _MEDIA_TYPES.get(Path(full_path).suffix):
            headers["Content-Type"] = media_type
        gzipped = self._gzipped.get(Path(full_path).name)
        if gzipped and _accepts_gzip(Headers(scope=scope)):
            full_path, stat_result = gzipped
            headers["Content-Encoding"] = "gzip"
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(headers)
        return response


def _accepts_html(request: Request) -> bool:
    ranges = (item.partition(";")[0].strip().lower() for item in request.headers.get("accept", "").split(","))
    return "text/html" in ranges


def _accepts_gzip(headers: Headers) -> bool:
    items = (item.replace(" ", "").lower() for item in headers.get("accept-encoding", "").split(","))
    weights = dict(item.partition(";q=")[::2] for item in items)
    weight = weights.get("gzip")
    return weight == "" or bool(weight and weight.strip("0."))  # RFC 9110: a weight of 0 is a refusal


def _script_json(value: object) -> str:
    """JSON that no HTML parser takes for the end of the script element, or for a comment, that holds it."""
    return json.dumps(value).replace("<", "\\u003c")
