"""Bulk writes to Elasticsearch: their lines, what their answers mean, and smaller ones where one is too large."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from elasticsearch import ApiError, AsyncElasticsearch

from domain.errors import IndexMismatch
from domain.search.document import IndexEntry
from domain.search.elasticsearch import missing
from domain.search.elasticsearch_indexes import vanished
from domain.search.index import Outcome, Result

VersionType = Literal["external", "external_gte"]

_APPLIED = Result(Outcome.APPLIED)
_STALE = Result(Outcome.STALE)
_TOO_LARGE = Result(Outcome.REJECTED, "larger than the search engine accepts")


@dataclass(frozen=True, slots=True)
class Target:
    """What a bulk writes to: our alias, or one index by its name.

    Nothing that is written to an alias makes an index, except a deletion with a version; nor does a deletion without
    one. Everything else that is written to an index makes it. So see that the target is there before writing to it.
    """

    name: str
    is_alias: bool

    def gone(self) -> Exception:
        return missing(self.name) if self.is_alias else vanished(self.name)


async def write_bulk(
    client: AsyncElasticsearch,
    target: Target,
    entries: Sequence[IndexEntry],
    version_type: VersionType,
    *,
    kept: Sequence[str] = (),
) -> list[Result]:
    """One result for each entry; deletions reach the indexes `kept` as well.

    Raises what the client raises, and what it means that the target is gone.
    """
    lines = bulk_lines(entries, version_type) + deletion_lines(entries, kept)
    try:
        items = await _bulk(client, target, lines)
    except ApiError as exc:
        if exc.status_code != 413:
            raise
        if len(entries) == 1:
            return [_TOO_LARGE]
        half = len(entries) // 2
        return [
            *await write_bulk(client, target, entries[:half], version_type, kept=kept),
            *await write_bulk(client, target, entries[half:], version_type, kept=kept),
        ]
    results = bulk_results(target, entries, kept, items)
    return results if version_type == "external" else await _deleted_anyway(client, target, entries, results)


async def _bulk(client: AsyncElasticsearch, target: Target, lines: Sequence[bytes]) -> Sequence[Mapping[str, Any]]:
    answer = await client.bulk(
        index=target.name,
        operations=lines,  # type: ignore[arg-type]  # lines of JSON go as they are
        require_alias=target.is_alias,
        filter_path="items.*.status,items.*.error.type,items.*.error.reason",
    )
    items: Sequence[Mapping[str, Any]] = answer.body["items"]
    return items


async def _deleted_anyway(
    client: AsyncElasticsearch, target: Target, entries: Sequence[IndexEntry], results: list[Result]
) -> list[Result]:
    """`results` of a repair, once the deletions that were stale are written again without a version.

    Who writes without versions, as Kafka Connect's HTTP sink does, leaves a document whose version for the engine is
    above the user's. A deletion is final, so it may go all the same; what the engine remembers of it is higher still,
    and holds back whatever is under way.
    """
    left = [
        entry
        for entry, result in zip(entries, results, strict=True)
        if entry.document is None and result.outcome is Outcome.STALE
    ]
    if not left:
        return results
    items = await _bulk(client, target, deletion_lines(left, [target.name]))
    found = {entry.id: _result(target, item) for entry, item in zip(left, items, strict=True)}
    return [found.get(entry.id, result) for entry, result in zip(entries, results, strict=True)]


def bulk_lines(entries: Sequence[IndexEntry], version_type: VersionType) -> list[bytes]:
    """The lines of a bulk request for its target."""
    lines = []
    for entry in entries:
        action = "delete" if entry.document is None else "index"
        lines.append(orjson.dumps({action: {"_id": entry.id, "version": entry.version, "version_type": version_type}}))
        if entry.document is not None:
            lines.append(orjson.dumps(entry.document))
    return lines


def deletion_lines(entries: Sequence[IndexEntry], kept: Sequence[str]) -> list[bytes]:
    """Deletions in the indexes `kept`, without a version: such a one never makes an index that is gone."""
    return [
        orjson.dumps({"delete": {"_index": index, "_id": entry.id}}) for entry in _deleted(entries) for index in kept
    ]


def bulk_results(
    target: Target, entries: Sequence[IndexEntry], kept: Sequence[str], items: Sequence[Mapping[str, Any]]
) -> list[Result]:
    """What became of each entry, from the items of the answer. Raises what it means that the target is gone."""
    results = dict(
        zip((entry.id for entry in entries), (_result(target, item) for item in items[: len(entries)]), strict=True)
    )
    elsewhere = [(entry, index) for entry in _deleted(entries) for index in kept]
    for (entry, index), item in zip(elsewhere, items[len(entries) :], strict=True):
        if item["delete"]["status"] not in {200, 404}:
            results[entry.id] = Result(Outcome.BUSY, f"no deletion in the index {index}: {_kind(item['delete'])}")
    return list(results.values())


def _deleted(entries: Sequence[IndexEntry]) -> list[IndexEntry]:
    return [entry for entry in entries if entry.document is None]


def _result(target: Target, item: Mapping[str, Any]) -> Result:
    """What became of one item. A status that is not known to be final is one to try again."""
    ((action, content),) = item.items()
    match content["status"]:
        case 200 | 201:
            return _APPLIED
        case 404 if action == "delete" and "error" not in content:
            return _APPLIED
        case 404:
            raise target.gone()
        case 409:
            return _STALE
        case 400 if "write index" in content["error"].get("reason", ""):
            raise IndexMismatch(
                f"The search alias {target.name} has no index to write to: see to which it leads (GET /_alias), and "
                "rebuild the index (python -m indexer rebuild)."
            )
        case 400:
            return Result(Outcome.REJECTED, _kind(content))
        case 413:
            return _TOO_LARGE
        case _:
            return Result(Outcome.BUSY, _kind(content))


def _kind(content: Mapping[str, Any]) -> str:
    return str(content.get("error", {}).get("type", "unknown"))
