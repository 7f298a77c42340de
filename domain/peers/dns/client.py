"""One question to the nameservers in turn, until one of them answers it."""

from dataclasses import replace

import dns.message
import dns.name
import dns.rdatatype

from domain.peers.dns.answer import Alias, Answer, BadReply, read_reply
from domain.peers.dns.config import DnsConfig, Nameserver
from domain.peers.dns.exchange import Exchange, NoReply, exchange

MAX_ALIASES = 8
UDP_PAYLOAD = 1232  # bytes: what passes everywhere without fragments (DNS flag day 2020)


class LookupFailed(Exception):
    """No nameserver answered the question; `reason` has what the last one did."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ServerOrder:
    """The nameservers in the order to ask: as configured, those that did not answer last."""

    def __init__(self) -> None:
        self._configured: tuple[Nameserver, ...] = ()
        self._order: tuple[Nameserver, ...] = ()

    def use(self, servers: tuple[Nameserver, ...]) -> None:
        """Another list than before starts in its own order."""
        if servers != self._configured:
            self._configured = self._order = servers

    @property
    def servers(self) -> tuple[Nameserver, ...]:
        return self._order

    def put_last(self, server: Nameserver) -> None:
        self._order = (*(other for other in self._order if other != server), server)


class DnsClient:
    """Asks as one configuration says; servers that fail are asked last from then on."""

    def __init__(self, config: DnsConfig, order: ServerOrder, exchange: Exchange = exchange) -> None:
        self._config = config
        self._order = order
        self._exchange = exchange
        order.use(config.nameservers)

    async def ask(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Answer:
        """The records of `name`, over aliases. Raises LookupFailed."""
        asked = [name]
        said = await self._ask_in_turn(name, kind)
        ttl = said.ttl
        while isinstance(said, Alias):
            if said.target in asked or len(asked) > MAX_ALIASES:
                raise LookupFailed(f"{dns.rdatatype.to_text(kind)} {name}: its aliases do not end")
            asked.append(said.target)
            said = await self._ask_in_turn(said.target, kind)
            ttl = min(ttl, said.ttl)
        return replace(said, ttl=ttl)

    async def _ask_in_turn(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Answer | Alias:
        failure = "there is no nameserver"
        for _ in range(self._config.attempts):
            for server in self._order.servers:
                try:
                    return await self._ask_one(server, name, kind)
                except NoReply as exc:
                    failure = str(exc)
                except BadReply as exc:
                    failure = f"{server} {exc.reason}"
                self._order.put_last(server)
        raise LookupFailed(f"{dns.rdatatype.to_text(kind)} {name}: {failure}")

    async def _ask_one(self, server: Nameserver, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Answer | Alias:
        query = dns.message.make_query(name, kind, use_edns=0, payload=UDP_PAYLOAD)
        return read_reply(await self._exchange(query, server, self._config.timeout))
