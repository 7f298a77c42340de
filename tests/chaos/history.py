"""What every client was told, kept outside the system: one JSON object a line, written before the next call."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any


class Op(StrEnum):
    CREATE = "create"
    READ = "read"
    UPDATE = "update"
    DELETE = "delete"


class Outcome(StrEnum):
    """`CONFLICT` and `GONE` are answers: the user had another version, or was deleted, and nothing was written."""

    OK = "ok"
    CONFLICT = "conflict"
    GONE = "gone"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the API by `client`, between `start` and `end` (nanoseconds of the machine's monotonic clock).

    `user` is empty for a creation of unknown outcome. `expected`: the version that the write insists on, or 0.
    `version`: the one seen or written, 0 if no such user was seen or nothing is known. `text`: the display name seen,
    written or asked for; nothing for a deleted user.
    """

    client: int
    op: Op
    user: str
    expected: int
    version: int
    text: str | None
    outcome: Outcome
    start: int
    end: int

    @property
    def acknowledged(self) -> bool:
        """Whether it is a write that the API said is made."""
        return self.op is not Op.READ and self.outcome is Outcome.OK

    @classmethod
    def of(cls, value: dict[str, Any]) -> "Call":
        return cls(**{**value, "op": Op(value["op"]), "outcome": Outcome(value["outcome"])})


class History:
    """All calls so far, in memory and in the file `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.calls: list[Call] = []
        self._acknowledged: list[Call] = []
        self._deleted: set[str] = set()
        self._file = path.open("a", buffering=1)

    def __enter__(self) -> "History":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def add(self, call: Call) -> None:
        self._file.write(json.dumps(asdict(call)) + "\n")
        self.calls.append(call)
        if call.acknowledged:
            self._acknowledged.append(call)
        if call.op is Op.DELETE and call.outcome in (Outcome.OK, Outcome.UNKNOWN):
            self._deleted.add(call.user)

    def is_deleted(self, id: str) -> bool:
        """Whether that user is deleted, or may be."""
        return id in self._deleted

    def acknowledged_since(self, moment: int) -> Sequence[Call]:
        """The acknowledged writes that were begun after that nanosecond, the earliest last."""
        found = []
        for call in reversed(self._acknowledged):
            if call.end < moment:
                break
            if call.start > moment:
                found.append(call)
        return found

    def newest(self) -> Call | None:
        """The write that was acknowledged last, unless it is a deletion."""
        if not self._acknowledged or self._acknowledged[-1].op is Op.DELETE:
            return None
        return self._acknowledged[-1]


def load(path: Path) -> Sequence[Call]:
    """The calls of a history's file."""
    with path.open() as lines:
        return [Call.of(json.loads(line)) for line in lines]
