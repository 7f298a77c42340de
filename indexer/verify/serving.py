"""The index that serves, compared as a whole, even if a rebuild puts another one in its place meanwhile."""

from collections.abc import Callable

import structlog

from domain.errors import IndexMismatch, SearchUnavailable
from domain.progress import Advance
from domain.search.index import IndexCatalog, IndexInfo
from domain.users.store import UserStore
from indexer.verify.report import Report
from indexer.verify.verifier import PATIENCE_SECONDS, Repair, verify

MOST_SWAPS = 3

log = structlog.get_logger()


async def serving(catalog: IndexCatalog) -> IndexInfo:
    """The index to which the alias leads. Raises SearchUnavailable if there is none, IndexMismatch if it is no use."""
    found = [index for index in await catalog.indexes() if index.serving]
    if not found:
        raise SearchUnavailable("No index serves: start the indexer (python -m indexer run), which makes one.")
    if not found[0].fits:
        raise IndexMismatch(
            f"The index {found[0].name} has another shape than this release writes: "
            "make it anew (python -m indexer rebuild)."
        )
    return found[0]


async def verify_serving(
    store: UserStore,
    catalog: IndexCatalog,
    *,
    patience: float = PATIENCE_SECONDS,
    progress: Advance = lambda done, rows: None,
    repair_of: Callable[[str], Repair] | None = None,
) -> Report:
    """Like `verify` of the index that serves; begins again when another one has taken its place.

    Only the serving index is kept up to date: what an earlier one lacks by now is no drift.
    """
    for _ in range(MOST_SWAPS):
        index = (await serving(catalog)).name
        repair = repair_of(index) if repair_of else None
        try:
            report = await verify(store, catalog, index, patience=patience, progress=progress, repair=repair)
        except IndexMismatch:
            if (await serving(catalog)).name == index:
                raise
        else:
            if (await serving(catalog)).name == index:
                return report
        log.info("another index serves now: begin again", index=index)
    raise SearchUnavailable("Another index came to serve again and again while this one was compared: try again later.")
