"""Search in Elasticsearch: the client, its errors, and what the API asks of the index."""

import ssl
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

from elasticsearch import (
    ApiError,
    AsyncElasticsearch,
    ConnectionTimeout,
    OrjsonSerializer,
    SSLError,
    TransportError,
    UnsupportedProductError,
)

from domain.errors import IndexMissing, InternalError, SearchRefused, SearchUnavailable, SettingsError
from domain.search.elasticsearch_query import search_body, versions_body
from domain.search.query import FacetValue, Hit, SearchRequest, SearchResult

_CONNECTIONS = 50


@asynccontextmanager
async def open_elasticsearch(url: str, *, timeout: timedelta) -> AsyncIterator[AsyncElasticsearch]:
    """A client of the cluster at `url`, credentials included; it connects when it is first used.

    It never repeats a request by itself: the API answers within its time, and the indexer has a backoff of its own.
    Raises SettingsError for a URL that is none.
    """
    try:
        client = AsyncElasticsearch(
            url,
            serializer=OrjsonSerializer(),
            request_timeout=timeout.total_seconds(),
            connections_per_node=_CONNECTIONS,
            max_retries=0,
            retry_on_timeout=False,
            retry_on_status=(),
            # The client's own context knows public authorities only, and no SSL_CERT_FILE.
            ssl_context=ssl.create_default_context() if url.startswith("https:") else None,
        )
    except ValueError as exc:
        raise SettingsError("ELASTICSEARCH_URL must be http(s)://[user:password@]host:port.") from exc
    try:
        yield client
    finally:
        await client.close()


@contextmanager
def translated(alias: str) -> Iterator[None]:
    """Turn the client's errors into ours; no message of the engine, which may hold personal data, goes on."""
    try:
        yield
    except ApiError as exc:
        raise _translation(exc, alias) from exc
    except TransportError as exc:
        raise SearchUnavailable(hint=_why_silent(exc)) from exc


def _translation(error: ApiError, alias: str) -> Exception:
    if error_type(error) == "media_type_header_exception":
        return SearchUnavailable(hint="This service needs Elasticsearch 9: what ELASTICSEARCH_URL leads to is older.")
    if _is_somebody_else(error):
        return SearchUnavailable(hint="What answers at ELASTICSEARCH_URL is no Elasticsearch.")
    match error.status_code:
        case 404:
            return missing(alias)
        case 401 | 403:
            return SearchRefused("The search engine refuses our credentials.", hint="Check ELASTICSEARCH_URL.")
        case 400:
            return InternalError(f"The search engine refused a request of ours ({error_type(error)}).")
        case status:
            return SearchUnavailable(hint=f"It answers with the status {status}.")


def _is_somebody_else(error: ApiError) -> bool:
    """A proxy before Elasticsearch may refuse by itself; it does not say that there is no such index."""
    if isinstance(error, UnsupportedProductError):
        return True
    return error.status_code in {400, 404, 405} and "x-elastic-product" not in error.meta.headers


def _why_silent(error: TransportError) -> str:
    match error:
        case ConnectionTimeout():
            return "It took longer than SEARCH_TIMEOUT: see how busy it is, and the host in ELASTICSEARCH_URL."
        case SSLError():
            return "It does not speak TLS that is trusted here: see https or http, and the host, in ELASTICSEARCH_URL."
        case _:
            return "It cannot be reached: see that it runs, and http or https, host and port in ELASTICSEARCH_URL."


def missing(alias: str) -> IndexMissing:
    return IndexMissing(f"There is no search index behind the alias {alias}: start the indexer, which makes it.")


def error_type(error: ApiError) -> str:
    """The engine's name for an error, such as `index_not_found_exception`."""
    body = error.body
    cause = body.get("error") if isinstance(body, Mapping) else None
    return str(cause.get("type", "unknown")) if isinstance(cause, Mapping) else "unknown"


class ElasticsearchIndex:
    """The SearchIndex behind an alias.

    All its searches carry one `preference`, so that they ask the same copies of the shards: replicas refresh at
    different times, and a change that `versions` has seen must be there in the `search` that follows.
    """

    def __init__(self, client: AsyncElasticsearch, alias: str, *, timeout: timedelta) -> None:
        self._client = client.options(request_timeout=timeout.total_seconds())
        self._alias = alias
        self._preference = uuid.uuid4().hex

    async def search(self, request: SearchRequest) -> SearchResult:
        if request.plan.finds_nobody:
            return SearchResult((), total=0, more=False, facets={facet.name: () for facet in request.facets})
        answer = await self._search(search_body(request))
        hits = [Hit(found["sort"][1], int(found["sort"][0])) for found in answer["hits"]["hits"]]
        return SearchResult(
            hits[: request.limit],
            total=answer["hits"]["total"]["value"],
            more=len(hits) > request.limit,
            facets={
                facet.name: [
                    FacetValue(bucket["key"], bucket["doc_count"])
                    for bucket in answer["aggregations"][facet.name]["buckets"]
                ]
                for facet in request.facets
            },
        )

    async def versions(self, ids: Sequence[str]) -> Mapping[str, int]:
        if not ids:
            return {}
        return dict(ids_and_versions(await self._search(versions_body(list(ids)))))

    async def ping(self) -> None:
        await self._search({"size": 0, "terminate_after": 1})

    async def _search(self, body: dict[str, Any]) -> Mapping[str, Any]:
        return await search(self._client, self._alias, body, self._preference)


async def search(
    client: AsyncElasticsearch, alias: str, body: dict[str, Any], preference: str | None = None
) -> Mapping[str, Any]:
    """The whole answer of a search: never the part that those shards gave which happen to be up."""
    with translated(alias):
        answer = await client.search(
            index=alias, body=body, preference=preference, allow_partial_search_results=False, request_cache=False
        )
    found: Mapping[str, Any] = answer.body
    return found


def ids_and_versions(answer: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """The hits of a search that asked for the doc value `version`."""
    return ((hit["_id"], hit["fields"]["version"][0]) for hit in answer["hits"]["hits"])
