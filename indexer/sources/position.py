"""A store's position as the ledger keeps it: the feed's own, or how far a resync has come. Pure."""

from dataclasses import dataclass

_MARK = "resync"


@dataclass(frozen=True, slots=True)
class Resync:
    """All users up to the id `after` (empty: none yet) are delivered; after the last one `feed` is followed from."""

    feed: str
    after: str = ""

    def __str__(self) -> str:
        return f"{_MARK}:{self.after}:{self.feed}"


def read_position(position: str) -> str | Resync:
    """The feed's own position, or the resync that is going on. No feed's position begins like a resync's."""
    mark, _, rest = position.partition(":")
    if mark != _MARK:
        return position
    after, _, feed = rest.partition(":")
    return Resync(feed, after)


def feed_position(position: str) -> str:
    """From where the feed must still be there."""
    read = read_position(position)
    return read.feed if isinstance(read, Resync) else read
