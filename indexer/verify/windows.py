"""Store and index side by side in id order: the ranges of ids of which both have been read."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from domain.search.index import Held, IndexView
from domain.users.model import User
from domain.users.store import UserStore

PAGE = 1_000


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


Row = TypeVar("Row", bound=_Identified)


@dataclass(frozen=True, slots=True)
class Window:
    """All of the store and of the index from the end of the last window to the id `last` (None: to the end of both)."""

    users: Sequence[User]
    held: Sequence[Held]
    last: str | None


class _Side(Generic[Row]):
    """One of the two, read by the page."""

    def __init__(
        self, page: Callable[[str | None, int], Awaitable[Sequence[Row]]], after: str | None, limit: int
    ) -> None:
        self._page = page
        self._limit = limit
        self._after = after
        self._rows: Sequence[Row] = ()
        self._ended = False

    async def read(self) -> None:
        if not self._rows and not self._ended:
            self._rows = await self._page(self._after, self._limit)
            self._ended = len(self._rows) < self._limit
            self._after = self._rows[-1].id if self._rows else None

    @property
    def known_to(self) -> str | None:
        """The id up to which all is read; None: all there is."""
        return None if self._ended else self._rows[-1].id

    def take(self, last: str | None) -> Sequence[Row]:
        taken = self._rows if last is None else [row for row in self._rows if row.id <= last]
        self._rows = self._rows[len(taken) :]
        return taken


async def windows(
    store: UserStore, view: IndexView, after: str | None = None, *, limit: int = PAGE
) -> AsyncGenerator[Window]:
    """Every id behind `after`, in windows of up to `limit` (at most 1,000) rows a side. The last one has no `last`.

    `view` is older than every page of `store`. Raises StoreUnavailable, SearchUnavailable.
    """
    users, held = _Side(store.scan, after, limit), _Side(view.page, after, limit)
    while True:
        await users.read()
        await held.read()
        last = min((one for one in (users.known_to, held.known_to) if one is not None), default=None)
        yield Window(users.take(last), held.take(last), last)
        if last is None:
            return
