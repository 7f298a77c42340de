"""The posts themselves: made up from the id of whoever wrote them, and the same at every start."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

MOST = 12
_FIRST = datetime(2026, 1, 1, tzinfo=UTC)
_ABOUT = ("gardens", "bicycles", "old maps", "bread", "the tide", "chess", "birds", "radio", "trains", "the moon")
_WHAT = ("A letter about", "What I learned from", "Ten notes on", "In praise of", "Against", "A year with")


@dataclass(frozen=True, slots=True)
class Post:
    id: str
    author: str
    title: str
    written_at: datetime
    likes: int


def posts_of(author: str) -> Sequence[Post]:
    """All posts of a user, at most MOST, the newest first."""
    random = Random(author)  # noqa: S311 (samples, not secrets)
    return [_post(author, number, random) for number in reversed(range(random.randrange(MOST + 1)))]


def post(id: str) -> Post | None:
    """The post with this id, which is `<author>-<number>`."""
    author, _, _ = id.rpartition("-")
    return next((each for each in posts_of(author) if each.id == id), None)


def _post(author: str, number: int, random: Random) -> Post:
    return Post(
        id=f"{author}-{number}",
        author=author,
        title=f"{random.choice(_WHAT)} {random.choice(_ABOUT)}",
        written_at=_FIRST + timedelta(days=20 * number, minutes=random.randrange(20_000)),
        likes=random.randrange(500),
    )
