"""What the client's errors become: a message for callers, and a hint at the settings for operators."""

import ssl
from datetime import timedelta

import elasticsearch
import pytest
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig
from elasticsearch import ApiError, ConnectionTimeout, SSLError, UnsupportedProductError

from domain.errors import InternalError, SearchUnavailable
from domain.search.elasticsearch import open_elasticsearch, translated

SILENT = "The search engine did not answer: try again in a moment."
NODE = NodeConfig("http", "localhost", 9200)


def _answer(status: int, *, genuine: bool = True, kind: str = "") -> ApiError:
    headers = HttpHeaders({"x-elastic-product": "Elasticsearch"} if genuine else {})
    meta = ApiResponseMeta(status=status, http_version="1.1", headers=headers, duration=0.0, node=NODE)
    return ApiError("said", meta=meta, body={"error": {"type": kind}} if kind else {})


async def test_the_authorities_of_the_environment_are_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """As by every other client of ours, which leave it to Python: SSL_CERT_FILE, else those of the system."""
    made = ssl.create_default_context()
    monkeypatch.setattr("ssl.create_default_context", lambda: made)
    async with open_elasticsearch("https://localhost:9200", timeout=timedelta(seconds=1)) as client:
        [node] = client.transport.node_pool.all()
        assert node.config.ssl_context is made


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (ConnectionTimeout("late"), "It took longer than SEARCH_TIMEOUT"),
        (SSLError("no"), "It does not speak TLS that is trusted here"),
        (elasticsearch.ConnectionError("refused"), "It cannot be reached"),
        (_answer(503), "It answers with the status 503."),
        (_answer(429, genuine=False), "It answers with the status 429."),
        (_answer(404, genuine=False), "What answers at ELASTICSEARCH_URL is no Elasticsearch."),
        (
            _answer(400, kind="media_type_header_exception"),
            "This service needs Elasticsearch 9: what ELASTICSEARCH_URL",
        ),
        (UnsupportedProductError("no", meta=_answer(200).meta, body={}), "What answers at ELASTICSEARCH_URL is no"),
    ],
)
def test_who_does_not_answer_is_unavailable_and_operators_are_told_where_to_look(error: Exception, hint: str) -> None:
    with pytest.raises(SearchUnavailable) as raised, translated("users"):
        raise error
    assert raised.value.message == SILENT
    assert raised.value.hint.startswith(hint)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "refuses our credentials"),
        (403, "refuses our credentials"),
        (404, "no search index behind the alias users"),
    ],
)
def test_an_answer_that_says_why_is_told_to_everybody(status: int, told: str) -> None:
    with pytest.raises(SearchUnavailable, match=told) as raised, translated("users"):
        raise _answer(status)
    assert "ELASTICSEARCH_URL" not in raised.value.message


def test_a_request_that_is_refused_is_ours_to_mend() -> None:
    with pytest.raises(InternalError, match="refused a request of ours"), translated("users"):
        raise _answer(400)
