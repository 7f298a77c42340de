"""Which tokens were verified a moment ago, so that a busy caller does not pay for a signature in every request."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable

from domain.identity.caller import Caller


class TokenCache:
    """The last used verified tokens, by digest: the cache holds no token that could be stolen from it."""

    def __init__(self, *, capacity: int = 4096, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._capacity = capacity
        self._monotonic = monotonic
        self._callers: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()

    def get(self, token: str) -> Caller | None:
        digest = _digest(token)
        entry = self._callers.get(digest)
        if entry is None:
            return None
        until, caller = entry
        if self._monotonic() >= until:
            del self._callers[digest]
            return None
        self._callers.move_to_end(digest)
        return caller

    def put(self, token: str, caller: Caller, *, seconds: float) -> None:
        """Keeps the caller of this token for so long, at most; not at all if `seconds` is not positive."""
        if seconds <= 0:
            return
        self._callers[_digest(token)] = (self._monotonic() + seconds, caller)
        self._callers.move_to_end(_digest(token))
        if len(self._callers) > self._capacity:
            self._callers.popitem(last=False)

    def clear(self) -> None:
        self._callers.clear()

    def __len__(self) -> int:
        return len(self._callers)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
