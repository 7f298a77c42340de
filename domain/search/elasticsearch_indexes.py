"""Which indexes of ours Elasticsearch has, and to which of them the alias leads."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from elasticsearch import AsyncElasticsearch

from domain.clock import from_milliseconds
from domain.errors import IndexMismatch, SearchUnavailable
from domain.search.elasticsearch_mapping import OWNER, meta

_ASKED = "*.aliases,*.mappings._meta,*.settings.index.creation_date"


@dataclass(frozen=True, slots=True)
class FoundIndex:
    """One index; `meta` is what its mapping says of whose it is and of its shape."""

    name: str
    created_at: datetime
    serving: bool
    meta: Mapping[str, Any]

    @property
    def is_ours(self) -> bool:
        return self.meta.get("owner") == OWNER

    @property
    def fits(self) -> bool:
        return self.meta == meta()


@dataclass(frozen=True, slots=True)
class Indexes:
    """The indexes behind `alias` and those named like ours, the oldest first."""

    alias: str
    found: Sequence[FoundIndex]

    @property
    def serving(self) -> FoundIndex | None:
        """The one to which the alias leads, None without one. Raises IndexMismatch if there are several."""
        serving = [index for index in self.found if index.serving]
        if len(serving) > 1:
            raise IndexMismatch(
                f"The search alias {self.alias} leads to {' and '.join(index.name for index in serving)}: take it off "
                "all but the one that is complete (POST /_aliases), then see what it lacks (python -m indexer verify)."
            )
        return serving[0] if serving else None

    @property
    def ours(self) -> Sequence[FoundIndex]:
        """All that are ours. Raises IndexMismatch if the alias leads to several indexes, or to one that is not ours."""
        serving = self.serving
        if serving and not serving.is_ours:
            raise IndexMismatch(
                f"The search alias {self.alias} leads to {serving.name}, which this service has not made: take the "
                "alias off it, or set SEARCH_ALIAS."
            )
        return [index for index in self.found if index.is_ours]

    @property
    def kept(self) -> Sequence[str]:
        """The names of ours beside the serving one."""
        return [index.name for index in self.found if index.is_ours and not index.serving]

    def fitting(self, name: str) -> FoundIndex:
        """Ours of that name. Raises IndexMismatch if there is none, or if another release made it."""
        index = next((index for index in self.ours if index.name == name), None)
        if index is None:
            raise vanished(name)
        if not index.fits:
            raise IndexMismatch(
                f"The index {name} has the shape {dict(index.meta)}; this release writes {meta()}: "
                "build a new one (python -m indexer rebuild)."
            )
        return index


def vanished(name: str) -> IndexMismatch:
    return IndexMismatch(f"There is no index {name} of ours: build a new one (python -m indexer rebuild).")


async def find_indexes(client: AsyncElasticsearch, alias: str) -> Indexes:
    """One request. Raises what the client raises, and IndexMismatch if an index has the alias's name."""
    answer = await client.indices.get(
        index=[alias, f"{alias}-*"],
        ignore_unavailable=True,
        features="aliases,mappings,settings",
        filter_path=_ASKED,
    )
    if alias in answer.body:
        raise IndexMismatch(f"{alias} is an index, but has to be an alias: delete or rename it, or set SEARCH_ALIAS.")
    return read_indexes(alias, answer.body)


def read_indexes(alias: str, answer: Mapping[str, Any]) -> Indexes:
    """Of indexes by name those that the alias leads to, or that are named `<alias>-<UTC time>`."""
    ours = re.compile(rf"{re.escape(alias)}-\d{{14,}}")
    found = [
        FoundIndex(
            name,
            from_milliseconds(int(index["settings"]["index"]["creation_date"])),
            serving=alias in index.get("aliases", {}),
            meta=index.get("mappings", {}).get("_meta", {}),
        )
        for name, index in answer.items()
    ]
    relevant = (index for index in found if index.serving or ours.fullmatch(index.name))
    return Indexes(alias, sorted(relevant, key=lambda index: (index.created_at, index.name)))


async def refresh(client: AsyncElasticsearch, index: str) -> None:
    """Let searches see all that was written. Raises what the client raises, SearchUnavailable if a shard failed."""
    answer = await client.indices.refresh(index=index)
    if answer["_shards"]["failed"]:
        raise SearchUnavailable("A part of the search index does not show what was written: try again in a moment.")
