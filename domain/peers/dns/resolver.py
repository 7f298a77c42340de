"""Adapter: the instances that the SRV records of a name lead to."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import timedelta

import dns.name
import dns.rdatatype

from domain.peers.dns.addresses import look_up
from domain.peers.dns.answer import Answer
from domain.peers.dns.client import DnsClient, LookupFailed, ServerOrder
from domain.peers.dns.config import DnsConfig, read
from domain.peers.dns.exchange import Exchange, exchange
from domain.peers.dns.names import candidates, parse_name
from domain.peers.dns.records import read_targets, to_instances
from domain.peers.dns.standing import Known, settle
from domain.peers.instances import bounded, one_an_address
from domain.peers.resolver import Resolution, ResolutionFailed

LOOKUP_TIMEOUT = timedelta(seconds=15)


class SrvResolver:
    """Looks a name like `_graphql._tcp.posts.default.svc` up, as `config` says at each look."""

    def __init__(
        self,
        name: str,
        *,
        config: Callable[[], DnsConfig] = read,
        exchange: Exchange = exchange,
        timeout: timedelta = LOOKUP_TIMEOUT,
    ) -> None:
        """Raises ValueError if DNS could not hold such a name."""
        self._name = parse_name(name)
        self._config = config
        self._exchange = exchange
        self._seconds = timeout.total_seconds()
        self._order = ServerOrder()
        self._known: Known = {}
        self._found_at: dns.name.Name | None = None

    async def resolve(self) -> Resolution:
        """A server that said there is nothing is asked last the next time, so that a second look hears another one."""
        try:
            async with asyncio.timeout(self._seconds):
                resolution = await self._look(self._config())
        except LookupFailed as exc:
            raise ResolutionFailed(str(self._name), exc.reason) from exc
        except TimeoutError as exc:
            raise ResolutionFailed(str(self._name), f"it took longer than {self._seconds:g} s") from exc
        if not resolution.instances:
            self._order.put_last(self._order.servers[0])
        return resolution

    async def _look(self, config: DnsConfig) -> Resolution:
        client = DnsClient(config, self._order, self._exchange)
        answer = await self._search(client, candidates(self._name, config.search, config.ndots))
        if answer.records is None:
            return Resolution(frozenset(), timedelta(seconds=answer.ttl))
        targets = read_targets(answer.records)
        if targets.remarks and not targets.used:
            raise LookupFailed(f"no target can be used: {'; '.join(targets.remarks)}")
        found = await look_up(client, {target.name for target in targets.used}, answer.additional)
        standing = settle(found, self._known, answer.ttl)
        self._known = standing.addresses
        instances, beyond = bounded(one_an_address(to_instances(targets.used, standing.addresses)))
        return Resolution(instances, timedelta(seconds=standing.ttl), (*targets.remarks, *standing.remarks, *beyond))

    async def _search(self, client: DnsClient, names: Iterable[dns.name.Name]) -> Answer:
        """The first name with records; or nothing, for as long as that holds for all. Raises LookupFailed.

        A name that could not be asked ends the search: what a later one says may be about another service. But
        where the name that last had records has none now, it is no matter that later ones, never needed, fail.
        """
        nothing: dict[dns.name.Name, int] = {}
        for name in names:
            try:
                answer = await client.ask(name, dns.rdatatype.SRV)
            except LookupFailed:
                if self._found_at in nothing:
                    break
                raise
            if answer.records is not None:
                self._found_at = name
                return answer
            nothing[name] = answer.ttl
        return Answer(None, min(nothing.values()))
