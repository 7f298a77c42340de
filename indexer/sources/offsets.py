"""Where to begin in a partition that was assigned just now, and whether something may be missing before it. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Start:
    """`offset`: of the first record to be read. `gap`: why only a resync closes what lies before it; empty if none."""

    offset: int
    gap: str = ""


def start(committed: int | None, begin: int, end: int, *, sink_empty: bool, begun: bool) -> Start:
    """Go on at what was `committed`, if the partition [`begin`, `end`] still has all that came after it.

    `begun`: whether anything of the topic was ever read. A partition with a gap is read from its beginning: what is
    read twice is stale, and does no harm.
    """
    if sink_empty:
        if begin == 0 and not begun:
            return Start(0)  # the first start: a topic that was never cut holds every user
        return Start(begin, "the sink is empty")
    if committed is None:
        return Start(begin, "no offset is committed")
    if committed < begin:
        return Start(begin, f"the topic begins at {begin} now, and was read up to {committed}")
    if committed > end:
        return Start(begin, f"the topic ends at {end} now, and was read up to {committed}")
    return Start(committed)
