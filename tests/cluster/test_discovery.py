"""Instances of a peer come and go in a cluster, and whoever asks for users with posts does not notice."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest

from domain.peers.refresh import DEFAULT_POLICY, EARLIEST
from tests.cluster import network
from tests.cluster.callers import Callers
from tests.cluster.cluster import Cluster
from tests.cluster.front_end import FrontEnd, front_end_on
from tests.cluster.posts import PostsService
from tests.cluster.waiting import until
from tests.integration.peers.posts import Posts
from tests.servers.coredns import CoreDNS
from tests.servers.fixtures import own_server
from tests.servers.ports import accepts

TTL = 2.0  # seconds, of the records that our CoreDNS serves
ON_THE_WAY = 1.0  # seconds from the API server to CoreDNS, and through a busy machine
GRACE = 1.0  # seconds from the change of the EndpointSlice to the end of the process; its record may still be held
CONFIRMED = DEFAULT_POLICY.confirm_after.total_seconds()
LONGEST_PAUSE = DEFAULT_POLICY.longest_after_failure.total_seconds()

Show = Callable[[str, object], None]


@pytest.fixture(scope="module")
async def posts(other_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PostsService]:
    addresses = reversed(list(network.addresses()))  # pods of other tests have the first ones
    service = PostsService(other_cluster.kubectl, addresses, tmp_path_factory.mktemp("posts"))
    await service.create()
    try:
        yield service
    finally:
        await service.end()


@pytest.fixture(scope="module")
async def name_server(other_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CoreDNS]:
    """One that may be killed."""
    folder = tmp_path_factory.mktemp("discovery-dns")
    async with own_server(CoreDNS, folder, kubeconfig=other_cluster.kubeconfig) as server:
        yield server


@pytest.fixture(scope="module")
async def front_end(name_server: CoreDNS, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FrontEnd]:
    async with front_end_on(name_server, tmp_path_factory.mktemp("discovery")) as front_end:
        yield front_end


@pytest.fixture
async def three(front_end: FrontEnd, posts: PostsService) -> tuple[Posts, ...]:
    """Three instances that are listed and known, and no others."""
    alive = [each for each in posts.listed if await accepts(each.port, each.host)]
    started = await asyncio.gather(*(posts.start() for _ in range(3 - len(alive))))
    instances = (*alive, *started)[:3]
    await posts.list(*instances)
    await until(lambda: front_end.content_with(*instances), "three instances are known")
    await posts.end(but=instances)
    return instances


async def test_one_that_is_added_is_asked_within_a_ttl(
    front_end: FrontEnd, posts: PostsService, three: tuple[Posts, ...], record_property: Show
) -> None:
    async with Callers(front_end) as callers:
        new = await posts.start()
        await posts.list(*three, new)
        seconds = await until(lambda: front_end.asked(new), "the new instance is asked", poll=0.05)
    assert callers.failures == {}
    assert seconds < TTL + ON_THE_WAY
    record_property("show", f"{callers}; asked {seconds:.1f} s after `kubectl apply`")


async def test_one_that_is_removed_and_ends_a_moment_later_costs_no_request(
    front_end: FrontEnd, posts: PostsService, three: tuple[Posts, ...], record_property: Show
) -> None:
    leaving, *staying = three
    async with Callers(front_end) as callers:
        await until(lambda: front_end.asked(*three), "all are asked")
        await posts.list(*staying)
        ending = asyncio.create_task(_end_later(leaving))
        seconds = await until(lambda: front_end.content_with(*staying), "it is known no more", poll=0.05)
        await ending
        await asyncio.sleep(GRACE)
    assert callers.failures == {}
    assert seconds < TTL + ON_THE_WAY
    record_property("show", f"{callers}; forgotten {seconds:.1f} s after `kubectl apply`")


async def test_a_rolling_restart_costs_no_request(
    front_end: FrontEnd, posts: PostsService, three: tuple[Posts, ...], record_property: Show
) -> None:
    """A new one is listed in place of an old one, which is killed while its record may still be held."""
    async with Callers(front_end) as callers:
        for old in three:
            new = await posts.start()
            await posts.list(*(each for each in posts.listed if each is not old), new)
            await asyncio.sleep(GRACE)
            await old.kill()
        await until(lambda: front_end.asked(*posts.listed), "all the new ones are asked")
    assert callers.failures == {}
    assert not set(posts.listed) & set(three)
    record_property("show", f"{callers}; 3 of 3 instances replaced")


async def test_one_that_is_killed_while_it_is_listed_costs_no_request(
    front_end: FrontEnd, three: tuple[Posts, ...], record_property: Show
) -> None:
    killed = three[0]
    async with Callers(front_end) as callers:
        await until(lambda: front_end.asked(*three), "all are asked")
        await killed.kill()
        await asyncio.sleep(2 * TTL)
        failures = (await front_end.instances())[killed.address]["failures"]
    assert callers.failures == {}
    assert failures > 0
    record_property("show", f"{callers}; requests that the dead instance had in {2 * TTL:.0f} s: {failures}")


async def test_where_none_are_left_users_lack_their_posts_alone_until_one_is_back(
    front_end: FrontEnd, posts: PostsService, three: tuple[Posts, ...], record_property: Show
) -> None:
    async def none() -> bool:
        return not await front_end.has_posts()

    looked = await _just_looked(front_end)
    await posts.list()
    seconds = await until(none, "there are no posts", poll=0.05)
    assert time.monotonic() - looked >= EARLIEST * TTL + CONFIRMED
    assert seconds < TTL + CONFIRMED + ON_THE_WAY
    await posts.list(three[0])
    back = await until(front_end.has_posts, "there are posts again", poll=0.05)
    assert back < TTL + ON_THE_WAY
    record_property("show", f"PEER_UNAVAILABLE {seconds:.1f} s after `kubectl apply`; back {back:.1f} s after it")


async def test_what_was_known_stands_while_dns_is_down(
    front_end: FrontEnd, posts: PostsService, three: tuple[Posts, ...], name_server: CoreDNS, record_property: Show
) -> None:
    """Also where it is not quite right any more: one of those that are known is dead, and a new one is not known."""
    async with Callers(front_end) as callers:
        await name_server.kill()
        try:
            new = await posts.start()
            await posts.list(*three[1:], new)
            await three[0].kill()
            await until(front_end.stale, "the failed look is told")
            await until(lambda: _not_looked_for(front_end, 3 * TTL), "what is known has grown old")
            peer = await front_end.peer()
        finally:
            await name_server.start()
        seconds = await until(lambda: front_end.asked(new), "the new instance is asked", poll=0.05)
    assert callers.failures == {}
    assert {each["address"] for each in peer["instances"]} == {each.address for each in three}
    assert peer["lookupAge"] > 3 * TTL
    assert seconds < LONGEST_PAUSE + ON_THE_WAY
    told = f"what was known {peer['lookupAge']:.1f} s ago stood; a new one was asked {seconds:.1f} s after DNS was back"
    record_property("show", f"{callers}; {told}")


async def _end_later(instance: Posts) -> None:
    await asyncio.sleep(GRACE)
    await instance.stop()


async def _not_looked_for(front_end: FrontEnd, seconds: float) -> bool:
    return float((await front_end.peer())["lookupAge"]) > seconds


async def _just_looked(front_end: FrontEnd) -> float:
    """When the service last asked DNS, by our clock and not later than in truth: a moment ago."""
    while True:
        asked = time.monotonic()
        age = float((await front_end.peer())["lookupAge"])
        if age < TTL / 10:
            return asked - age
        await asyncio.sleep(0.02)
