"""Dead letters of a rebuild: kept like all others, and remembered, because the proof has to expect them."""

from collections.abc import Mapping, Sequence

from indexer.dead_letters import DeadLetter, DeadLetters


class Remembered:
    """A DeadLetters to which one can only add: what was refused elsewhere is not a rebuild's to drop.

    `ids` are the users of all letters that went through.
    """

    def __init__(self, letters: DeadLetters) -> None:
        self._letters = letters
        self.ids: set[str] = set()

    async def add(self, letters: Sequence[DeadLetter]) -> None:
        await self._letters.add(letters)
        self.ids.update(letter.id for letter in letters)

    async def get(self, keys: Sequence[str]) -> Mapping[str, DeadLetter]:
        return await self._letters.get(keys)

    async def page(self, after: str | None, limit: int) -> Sequence[DeadLetter]:
        return await self._letters.page(after, limit)

    async def drop(self, keys: Sequence[str]) -> None:
        """Nothing."""
