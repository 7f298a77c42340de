"""The index in Elasticsearch: its mapping, derived from the field table, and its settings."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from domain.search.document import SCHEMA
from domain.users.fields import FIELDS, Field, Kind, Tokens, Unique

GC_DELETES = "1h"
"""How long a deletion's version is remembered; the default of 60 s lets a late write resurrect a user."""

OWNER = "user-service"
"""What an index of ours says in its mapping's `_meta`."""

_TOKENS = {"type": "text", "analyzer": "whitespace", "index_options": "docs", "norms": False}
_KEYWORD = {"type": "keyword"}
_UNSEARCHED = {"type": "keyword", "index": False, "doc_values": False}
_TYPES: Mapping[Kind, Mapping[str, Any]] = {
    Kind.TEXT: _KEYWORD,
    Kind.TEXTS: _KEYWORD,
    Kind.STATUS: _KEYWORD,
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.INTEGER: {"type": "long"},
    Kind.TIME: {"type": "date", "format": "strict_date_time"},
    Kind.OBJECT: {"type": "object", "enabled": False},
}


def properties() -> dict[str, Any]:
    """The mapping's properties: the document's fields, and under `search` what queries and filters look up."""
    search: dict[str, Any] = {group.value: _TOKENS for group in Tokens}
    search |= {f.compared: _KEYWORD for f in FIELDS if f.unique is Unique.FOLDED}
    search["attributes"] = _KEYWORD
    return {f.name: _property(f) for f in FIELDS} | {"search": {"properties": search}}


def _property(field: Field) -> Mapping[str, Any]:
    kept_only = field.kind is Kind.TEXT and (not field.filterable or field.compared != field.name)
    return _UNSEARCHED if kept_only else _TYPES[field.kind]


def meta() -> dict[str, Any]:
    """What names an index as one of ours, of this release's shape."""
    digest = hashlib.blake2b(orjson.dumps(properties(), option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()
    return {"owner": OWNER, "schema": SCHEMA, "mapping": digest}


def mappings() -> dict[str, Any]:
    return {"dynamic": "strict", "_meta": meta(), "properties": properties()}


def settings(*, shards: int, replicas: int, refresh_interval: timedelta) -> dict[str, Any]:
    return {
        "index.number_of_shards": shards,
        "index.number_of_replicas": replicas,
        "index.refresh_interval": f"{refresh_interval // timedelta(milliseconds=1)}ms",
        "index.gc_deletes": GC_DELETES,
    }


def index_name(alias: str, at: datetime) -> str:
    """The name of an index made at the UTC time `at`, to the millisecond."""
    return f"{alias}-{at:%Y%m%d%H%M%S}{at.microsecond // 1000:03d}"
