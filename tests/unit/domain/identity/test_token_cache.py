"""Verified tokens are kept for so long, and only so many of them."""

from domain.identity.caller import Caller
from domain.identity.token_cache import TokenCache


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_token_is_forgotten_in_time() -> None:
    time = Time()
    cache = TokenCache(monotonic=time)
    cache.put("token", Caller("someone"), seconds=5)
    time.now = 4.9
    assert cache.get("token") == Caller("someone")
    time.now = 5.0
    assert cache.get("token") is None
    assert len(cache) == 0


def test_the_token_used_longest_ago_makes_room() -> None:
    cache = TokenCache(capacity=2)
    for name in ("a", "b"):
        cache.put(name, Caller(name), seconds=60)
    cache.get("a")
    cache.put("c", Caller("c"), seconds=60)
    assert [cache.get(name) is not None for name in ("a", "b", "c")] == [True, False, True]


def test_what_has_expired_is_not_kept() -> None:
    cache = TokenCache()
    cache.put("token", Caller("someone"), seconds=0)
    assert len(cache) == 0


def test_no_token_is_in_the_cache() -> None:
    cache = TokenCache()
    cache.put("very-secret-token", Caller("someone"), seconds=60)
    assert "very-secret-token" not in repr(vars(cache))
