"""Search for users as a client asks for it: read your own writes, pages by cursor, facets, suggestions."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from domain.errors import BadInput, StoreUnavailable
from domain.search.change_token import MAX_CHANGES, ChangeToken, ChangeTokens
from domain.search.index import SearchIndex
from domain.search.query import (
    FacetValue,
    Plan,
    SearchRequest,
    SearchResult,
    plan,
    read_cursor,
    search_cursor,
    search_digest,
)
from domain.users.fields import BY_NAME, Field
from domain.users.filter import EVERYONE, Filter
from domain.users.page import page_size
from domain.users.store import UserStore

DEFAULT_WAIT = timedelta(seconds=5)
MAX_WAIT = timedelta(seconds=30)

_FIRST_POLL, _POLL_GROWTH = 0.02, 1.25
_LONGEST_POLL, _OLD_WAIT, _LONGEST_OLD_POLL = 0.1, 2.0, 0.5
"""What has not shown in two seconds is not about to: many that wait must not be a load while the indexer is down."""

_MARGIN = 1.0
"""Of what is left of a request so many seconds, but at most half of them, are the search's that follows the wait."""


@dataclass(frozen=True, slots=True)
class SearchHit:
    id: str
    score: int
    cursor: str


@dataclass(frozen=True, slots=True)
class SearchPage:
    """`total` and `facets` are of all found users; `fresh` is false if what was waited for did not show in time.

    `plan` is what was searched by, for `highlights`.
    """

    hits: Sequence[SearchHit]
    total: int
    more: bool
    plan: Plan
    facets: Mapping[str, Sequence[FacetValue]] = field(default_factory=dict)
    fresh: bool = True


class SearchService:
    """Every method raises SearchUnavailable if the engine does not answer."""

    def __init__(self, index: SearchIndex, store: UserStore, tokens: ChangeTokens) -> None:
        self._index = index
        self._store = store
        self._tokens = tokens

    async def search(
        self,
        query: str,
        *,
        filter: Filter = EVERYONE,
        facets: Sequence[str] = (),
        first: int | None = None,
        after: str | None = None,
        wait_for: Sequence[str] = (),
        timeout: timedelta | None = None,
        due: float | None = None,
    ) -> SearchPage:
        """A page of those whom `query` finds among those who meet `filter`, the best first.

        Waits at most `timeout` (5 s unless told, at most 30 s) until the changes of the tokens `wait_for` can be
        found, and less where the answer has to be there before: at `due`, by the monotonic clock.
        Raises BadInput for a bad query, size, cursor, facet, token or timeout.
        """
        planned = plan(query)
        mark = search_digest(planned, filter)
        request = SearchRequest(planned, page_size(first, None), filter, read_cursor(after, mark), _facets(facets))
        fresh = await self._wait_until(due, _newest(self._tokens, wait_for), _seconds(timeout))
        return _page(await self._index.search(request), planned, mark, fresh)

    async def suggest(self, prefix: str, *, first: int | None = None) -> Sequence[SearchHit]:
        """Those whose words begin as `prefix` does, the best first; only if there is nobody, with typos.

        Raises BadInput for a bad prefix or size.
        """
        request = SearchRequest(plan(prefix, typos=False, field="prefix"), page_size(first, None))
        result = await self._index.search(request)
        if not result.hits:
            request = replace(request, plan=plan(prefix))
            result = await self._index.search(request)
        return _page(result, request.plan, search_digest(request.plan, EVERYONE), fresh=True).hits

    async def _wait_until(self, due: float | None, changes: Mapping[str, ChangeToken], seconds: float) -> bool:
        """`_wait`, given up early enough for a search before `due`, also in the middle of a call."""
        left = None if due is None else due - time.monotonic()
        try:
            async with asyncio.timeout(None if left is None else left - min(_MARGIN, left / 2)):
                return await self._wait(changes, seconds)
        except TimeoutError:
            return False

    async def _wait(self, changes: Mapping[str, ChangeToken], seconds: float) -> bool:
        """Whether all `changes` can be found before `seconds` are over."""
        pending = dict(changes)
        begun = time.monotonic()
        pause, misses = _FIRST_POLL, 0
        while pending:
            versions = await self._index.versions(list(pending))
            pending = {id: change for id, change in pending.items() if not _shown(change, versions.get(id))}
            if not pending:
                break
            misses += 1
            if misses & (misses - 1) == 0:  # at the first miss, then ever more seldom
                pending = await self._deletions_known(pending)
            waited = time.monotonic() - begun
            if waited >= seconds:
                return False
            await asyncio.sleep(min(pause, seconds - waited))
            pause = min(pause * _POLL_GROWTH, _LONGEST_OLD_POLL if waited > _OLD_WAIT else _LONGEST_POLL)
        return True

    async def _deletions_known(self, pending: Mapping[str, ChangeToken]) -> dict[str, ChangeToken]:
        """`pending`, where a user that is deleted by now is waited for to be gone: its version may never show."""
        try:
            users = await self._store.get(list(pending))
        except StoreUnavailable:
            return dict(pending)
        return {
            id: replace(change, deleted=True) if id not in users or users[id].deleted else change
            for id, change in pending.items()
        }


def _shown(change: ChangeToken, version: int | None) -> bool:
    return version is None if change.deleted else version is not None and version >= change.version


def _newest(tokens: ChangeTokens, texts: Sequence[str]) -> dict[str, ChangeToken]:
    """The last change of each user that the tokens speak of."""
    if len(texts) > MAX_CHANGES:
        raise _too_many()
    newest: dict[str, ChangeToken] = {}
    for text in texts:
        for change in tokens.read(text):
            known = newest.get(change.id)
            if known is None or known.version < change.version:
                newest[change.id] = change
        if len(newest) > MAX_CHANGES:
            raise _too_many()
    return newest


def _too_many() -> BadInput:
    return BadInput(f"waitFor speaks of more than {MAX_CHANGES} changes.", field="waitFor")


def _seconds(timeout: timedelta | None) -> float:
    if timeout is None:
        return DEFAULT_WAIT.total_seconds()
    if not timedelta(0) <= timeout <= MAX_WAIT:
        raise BadInput(f"timeout must be 0 to {MAX_WAIT.total_seconds():.0f} seconds.", field="timeout")
    return timeout.total_seconds()


def _facets(names: Iterable[str]) -> tuple[Field, ...]:
    fields = tuple(BY_NAME.get(name) for name in dict.fromkeys(names))
    known = tuple(field for field in fields if field is not None and field.facetable)
    if len(known) != len(fields):
        choice = ", ".join(field.name for field in BY_NAME.values() if field.facetable)
        raise BadInput(f"Users can be counted by {choice} only.", field="facets")
    return known


def _page(result: SearchResult, plan: Plan, mark: str, fresh: bool) -> SearchPage:
    hits = [SearchHit(hit.id, hit.score, search_cursor(hit, mark)) for hit in result.hits]
    return SearchPage(hits, result.total, result.more, plan, result.facets, fresh)
