"""When keys are read again, and what serves while they cannot be."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from domain.identity.jwks import LoadedKeys, StaticKeys, from_file
from domain.identity.keys import KeysUnavailable, parse_keys
from tests.fixtures.issuer import jwk, jwks


class Issuer:
    """A JWKS that can be changed, taken down and made slow; and the time."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.down = False
        self.open = asyncio.Event()
        self.open.set()
        self.reads = 0
        self.now = 1000.0

    async def load(self) -> bytes:
        self.reads += 1
        await self.open.wait()
        if self.down:
            raise KeysUnavailable("down")
        return jwks(*(jwk(name) for name in self.names)).encode()

    def keys(self) -> LoadedKeys:
        return LoadedKeys(self.load, monotonic=lambda: self.now)


async def _settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def _until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not reached():  # noqa: ASYNC110 (the source has no event of its own)
            await asyncio.sleep(0.005)


async def _kids(keys: LoadedKeys, kid: str) -> list[str | None]:
    return [key.kid for key in await keys.find(kid)]


async def test_keys_are_read_at_the_first_use_and_kept() -> None:
    issuer = Issuer("rsa")
    keys = issuer.keys()
    assert issuer.reads == 0
    assert keys.status().age is None
    for _ in range(3):
        assert await _kids(keys, "rsa") == ["rsa"]
    assert issuer.reads == 1
    issuer.now += 7
    status = keys.status()
    assert (status.count, status.age, status.error) == (1, timedelta(seconds=7), None)


async def test_an_unknown_kid_reads_again_at_most_every_ten_seconds() -> None:
    issuer = Issuer("rsa")
    keys = issuer.keys()
    await keys.find("rsa")
    issuer.names = ("rsa", "p256")
    issuer.now += 9.9
    assert await _kids(keys, "p256") == []
    assert issuer.reads == 1
    issuer.now += 0.1
    assert await _kids(keys, "p256") == ["p256"]
    for _ in range(20):
        assert await _kids(keys, "made up") == []
    assert issuer.reads == 2


async def test_a_missing_kid_never_reads_again() -> None:
    issuer = Issuer("rsa", "p256")
    keys = issuer.keys()
    await keys.find("rsa")
    issuer.now += 60
    assert await keys.find(None) == ()
    assert issuer.reads == 1


async def test_callers_at_once_share_one_read() -> None:
    issuer = Issuer("rsa")
    issuer.open.clear()
    keys = issuer.keys()
    callers = [asyncio.create_task(_kids(keys, "rsa")) for _ in range(20)]
    await _settled()
    callers[0].cancel()  # it started the read: the others must not lose it
    await _settled()
    issuer.open.set()
    assert await asyncio.gather(*callers[1:]) == [["rsa"]] * 19
    assert issuer.reads == 1


async def test_old_keys_are_read_again_without_making_anybody_wait() -> None:
    issuer = Issuer("rsa")
    keys = issuer.keys()
    await keys.find("rsa")
    issuer.now += 301
    issuer.names = ("rsa", "p256")
    issuer.open.clear()
    assert await asyncio.wait_for(_kids(keys, "rsa"), 10) == ["rsa"]
    await _settled()
    assert issuer.reads == 2
    issuer.open.set()
    await _settled()
    assert await _kids(keys, "p256") == ["p256"]
    assert issuer.reads == 2


async def test_a_key_that_the_issuer_took_out_is_gone_after_the_next_read() -> None:
    issuer = Issuer("rsa", "p256")
    keys = issuer.keys()
    await keys.find("rsa")
    issuer.names = ("p256",)
    issuer.now += 301
    await keys.find("rsa")
    await _settled()
    assert await _kids(keys, "rsa") == []


async def test_the_last_good_keys_serve_while_the_issuer_is_down() -> None:
    issuer = Issuer("rsa")
    keys = issuer.keys()
    await keys.find("rsa")
    issuer.down = True
    issuer.now += 100_000
    assert await _kids(keys, "rsa") == ["rsa"]
    await _settled()
    assert await _kids(keys, "rsa") == ["rsa"]
    status = keys.status()
    assert (status.count, status.age, status.error) == (1, timedelta(seconds=100_000), "down")
    issuer.down = False
    issuer.now += 10
    await keys.find("rsa")
    await _settled()
    assert keys.status().error is None


async def test_an_issuer_without_a_usable_key_takes_no_good_key_away() -> None:
    issuer = Issuer("rsa")
    keys = issuer.keys()
    await keys.find("rsa")
    issuer.names = ()
    issuer.now += 301
    await keys.find("rsa")
    await _settled()
    assert await _kids(keys, "rsa") == ["rsa"]
    assert keys.status().error == "the JWKS has no usable key"


async def test_without_any_keys_it_says_so_and_tries_again_every_second() -> None:
    issuer = Issuer("rsa")
    issuer.down = True
    keys = issuer.keys()
    for _ in range(3):
        with pytest.raises(KeysUnavailable, match=r"keys are not available \(down\): try again in a moment"):
            await keys.find("rsa")
    assert issuer.reads == 1
    issuer.down = False
    issuer.now += 1
    assert await _kids(keys, "rsa") == ["rsa"]


async def test_the_generation_changes_with_the_keys_and_not_with_reading() -> None:
    issuer = Issuer("rsa")
    keys = issuer.keys()
    await keys.find("rsa")
    first = keys.generation
    issuer.now += 10
    await keys.refresh()
    assert (issuer.reads, keys.generation) == (2, first)
    issuer.names = ("p256",)
    issuer.now += 10
    await keys.refresh()
    assert keys.generation == first + 1


async def test_a_flood_of_made_up_kids_reads_once_an_interval() -> None:
    issuer = Issuer("rsa")
    keys = issuer.keys()
    await keys.find("rsa")
    for _ in range(3):
        issuer.now += 10
        await asyncio.gather(*(keys.find(f"made up {number}") for number in range(1_000)))
    assert issuer.reads == 4


async def test_once_started_a_key_that_was_taken_out_ends_although_nobody_calls() -> None:
    issuer = Issuer("rsa", "p256")
    keys = LoadedKeys(issuer.load, refresh_every=timedelta(seconds=0.01), retry_every=timedelta(0))
    keys.start()
    keys.start()
    await _until(lambda: keys.status().count == 2)
    issuer.names = ("p256",)
    await _until(lambda: keys.status().count == 1)
    issuer.down = True
    await _until(lambda: keys.status().error == "down")
    issuer.down = False
    await _until(lambda: keys.status().error is None)
    await keys.aclose()
    reads = issuer.reads
    await asyncio.sleep(0.05)
    assert issuer.reads == reads


async def test_an_attempt_that_breaks_in_an_unforeseen_way_is_not_the_last() -> None:
    attempts = 0

    async def load() -> bytes:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise LookupError("unforeseen")
        return jwks(jwk("rsa")).encode()

    keys = LoadedKeys(load, retry_every=timedelta(0))
    keys.start()
    await _until(lambda: keys.status().count == 1)
    await keys.aclose()


async def test_reads_are_counted_by_how_they_end() -> None:
    issuer = Issuer("rsa")
    keys = issuer.keys()
    await keys.find("rsa")
    issuer.down = True
    for _ in range(2):
        issuer.now += 10
        await keys.refresh()
    assert (keys.status().reads, keys.status().failures) == (1, 2)


async def test_closing_stops_a_read_under_way() -> None:
    issuer = Issuer("rsa")
    issuer.open.clear()
    keys = issuer.keys()
    caller = asyncio.create_task(keys.find("rsa"))
    await _settled()
    await keys.aclose()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await keys.aclose()
    assert keys.status().count == 0


async def test_static_keys_never_change() -> None:
    keys = StaticKeys(parse_keys(jwks(jwk("rsa"))))
    assert len(await keys.find("rsa")) == 1
    assert await keys.find("other") == ()
    assert (keys.status().count, keys.status().error) == (1, None)
    await keys.aclose()


async def test_a_file_is_read_and_a_missing_one_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    with pytest.raises(KeysUnavailable, match="the JWKS file cannot be read: No such file or directory"):
        await from_file(path)()
    path.write_text("{}")
    assert await from_file(path)() == b"{}"
