"""Which of a peer's instances may be asked: the first priority that is well (RFC 2782), or in need all of one."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Generic, Protocol, TypeVar


class HasPriority(Protocol):
    @property
    def priority(self) -> int: ...


MemberT = TypeVar("MemberT", bound=HasPriority)


@dataclass(frozen=True, slots=True)
class Choice(Generic[MemberT]):
    """`panic`: those in health are too few, so all of the priority are asked."""

    members: Sequence[MemberT]
    panic: bool


def choose(members: Collection[MemberT], usable: Callable[[MemberT], bool], *, panic_below: float) -> Choice[MemberT]:
    """The lowest priority of which at least the share `panic_below` is usable: a lone survivor of it would be
    overrun. If there is none, all of the lowest with a usable member, or of the lowest one.
    """
    levels = [list(level) for _, level in groupby(sorted(members, key=_priority), key=_priority)]
    healthy = [[member for member in level if usable(member)] for level in levels]
    for level, well in zip(levels, healthy, strict=True):
        if well and len(well) >= len(level) * panic_below:
            return Choice(well, panic=False)
    for level, well in zip(levels, healthy, strict=True):
        if well:
            return Choice(level, panic=True)
    return Choice(levels[0] if levels else [], panic=bool(levels))


def _priority(member: HasPriority) -> int:
    return member.priority
