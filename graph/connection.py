"""PageInfo: how a client goes on in a list (Relay's connection specification)."""

from collections.abc import Sequence
from typing import Self

import strawberry


@strawberry.federation.type(shareable=True)
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None

    @classmethod
    def of(cls, cursors: Sequence[str], *, more: bool, bounded: bool, backward: bool = False) -> Self:
        """Of the cursors of a page; `more` lies ahead in the page's direction, `bounded` says it had a start."""
        return cls(
            has_next_page=bounded if backward else more,
            has_previous_page=more if backward else bounded,
            start_cursor=cursors[0] if cursors else None,
            end_cursor=cursors[-1] if cursors else None,
        )
