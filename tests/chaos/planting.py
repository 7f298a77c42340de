"""That verify can see: one document of every kind of drift is planted in Elasticsearch, past the service."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import httpx
from ulid import ULID

from domain.search.document import SearchDocument, search_document
from domain.users.model import User
from tests.chaos.report import Drift
from tests.chaos.system import System
from tests.chaos.verifying import rebuild, verify

AHEAD = 5
"""Versions."""


@dataclass(frozen=True, slots=True)
class Planted:
    """One write: the document `id` of the index gets that version, or with no document is deleted."""

    kind: str
    id: str
    version: int
    document: SearchDocument | None


def plants(users: Mapping[str, User], draw: random.Random) -> Iterator[Planted]:
    """One of every kind, each at an id of its own drawn from the live `users`."""
    changed = sorted(id for id, user in users.items() if user.version > 1 and not user.deleted)
    missing, stale, different, ahead = (users[id] for id in draw.sample(changed, 4))
    yield Planted("missing", missing.id, missing.version, None)
    yield Planted("stale", stale.id, stale.version, search_document(stale) | {"version": stale.version - 1})
    orphan = str(ULID())
    yield Planted("orphaned", orphan, 1, search_document(missing) | {"id": orphan, "version": 1})
    yield Planted("different", different.id, different.version, search_document(different) | {"displayName": "planted"})
    later = ahead.version + AHEAD
    yield Planted("ahead", ahead.id, later, search_document(ahead) | {"version": later})


async def prove(system: System, users: Mapping[str, User], seed: int) -> list[str]:
    """Plant, verify, repair and rebuild; what of it did not go as it must, one line each."""
    planted = list(plants(users, random.Random(seed)))
    await _plant(system, planted)
    problems: list[str] = []
    code, report = await verify(system)
    seen = sorted((example["kind"], example["id"]) for example in report["examples"])
    if seen != sorted((one.kind, one.id) for one in planted) or set(report["found"].values()) != {1} or code != 1:
        problems.append(f"planted {planted}, verify ended with {code} and reports {report}")
    code, report = await verify(system, repair=True)
    if report["remaining"] != asdict(Drift(ahead=1)) or code != 1:
        problems.append(f"verify --repair ended with {code} and left {report}")
    if code := await rebuild(system):
        problems.append(f"rebuild ended with {code}")
    code, report = await verify(system)
    if report["drift"] or code:
        problems.append(f"after the rebuild verify ended with {code} and reports {report}")
    return problems


async def _plant(system: System, planted: list[Planted]) -> None:
    """`external_gte`, so that the engine's own version is the store's and a repair is not refused for it."""
    settings = system.settings
    assert settings.elasticsearch_url is not None
    url = f"{settings.elasticsearch_url.get_secret_value()}/{settings.search_alias}"
    async with httpx.AsyncClient(trust_env=False) as client:
        for one in planted:
            at = f"{url}/_doc/{one.id}?version={one.version}&version_type=external_gte"
            answer = await (client.delete(at) if one.document is None else client.put(at, json=one.document))
            answer.raise_for_status()
        (await client.post(f"{url}/_refresh")).raise_for_status()
