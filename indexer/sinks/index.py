"""A search index as a sink."""

from collections.abc import AsyncGenerator, Sequence

from domain.search.document import IndexEntry
from domain.search.index import IndexWriter, Result

PORTION = 500


class IndexSink:
    """`writer` is prepared."""

    def __init__(self, writer: IndexWriter) -> None:
        self._writer = writer

    async def write(self, entries: Sequence[IndexEntry], *, repair: bool = False) -> Sequence[Result]:
        return await self._writer.write(entries, repair=repair)

    async def empty(self) -> bool:
        return not await self._writer.scan(None, 1)

    async def held(self) -> AsyncGenerator[Sequence[tuple[str, int]]]:
        after: str | None = None
        while portion := await self._writer.scan(after, PORTION):
            yield portion
            after = portion[-1][0]
