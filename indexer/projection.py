"""Changes as index entries; a user of whom no document can be made is a dead letter."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from domain.clock import Clock, now
from domain.search.document import IndexEntry, SearchDocument, search_document
from domain.users.feed import Change
from domain.users.model import User
from indexer.dead_letters import DeadLetter

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Projection:
    """`name` is the pipeline's; `project` makes a user's document."""

    name: str
    clock: Clock = now
    project: Callable[[User], SearchDocument] = search_document

    def entries(self, changes: Sequence[Change]) -> tuple[list[IndexEntry], list[DeadLetter]]:
        """The entries of `changes`, and what can never be one: making a document is pure, it fails again."""
        entries: list[IndexEntry] = []
        refused: list[DeadLetter] = []
        for change in changes:
            if change.unreadable:
                refused.append(self._letter(change, f"unreadable: {change.unreadable}"))
                continue
            try:
                document = None if change.user is None else self.project(change.user)
            except Exception as exc:
                log.exception("no document", pipeline=self.name, user=change.id)
                refused.append(self._letter(change, f"no search document: {type(exc).__name__}"))
            else:
                entries.append(IndexEntry(change.id, change.version, document))
        return entries, refused

    def _letter(self, change: Change, reason: str) -> DeadLetter:
        return DeadLetter(change.id, change.version, self.name, reason, 1, self.clock())
