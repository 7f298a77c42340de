"""One question to one nameserver: over UDP, and over TCP where the answer is cut short."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import dns.asyncquery
import dns.exception
import dns.message

from domain.peers.dns.config import Nameserver


class NoReply(Exception):
    """The nameserver sent nothing that answers the question in time; `reason` is for people."""

    def __init__(self, server: Nameserver, reason: str) -> None:
        super().__init__(f"{server} {reason}")


Exchange = Callable[[dns.message.QueryMessage, Nameserver, timedelta], Awaitable[dns.message.Message]]
"""Asks a server and gives it that long, once over each of UDP and TCP. Raises NoReply."""


async def exchange(query: dns.message.QueryMessage, server: Nameserver, timeout: timedelta) -> dns.message.Message:
    """Datagrams that are garbage, from elsewhere, or answer another question are passed over: anybody can send them."""
    seconds = timeout.total_seconds()
    try:
        async with asyncio.timeout(seconds):
            return await _over_udp(query, server)
    except dns.message.Truncated:
        pass
    except TimeoutError as exc:
        raise NoReply(server, f"did not answer within {seconds:g} s") from exc
    except (OSError, EOFError) as exc:
        raise NoReply(server, f"could not be asked ({type(exc).__name__})") from exc
    return await _over_tcp(query, server, seconds)


async def _over_udp(query: dns.message.QueryMessage, server: Nameserver) -> dns.message.Message:
    return await dns.asyncquery.udp(
        query, server.host, port=server.port, ignore_unexpected=True, ignore_errors=True, raise_on_truncation=True
    )


async def _over_tcp(query: dns.message.QueryMessage, server: Nameserver, seconds: float) -> dns.message.Message:
    try:
        async with asyncio.timeout(seconds):
            return await dns.asyncquery.tcp(query, server.host, port=server.port)
    except TimeoutError as exc:
        raise NoReply(server, f"did not answer over TCP within {seconds:g} s") from exc
    except (OSError, EOFError) as exc:
        raise NoReply(server, f"could not be asked over TCP ({type(exc).__name__})") from exc
    except dns.exception.DNSException as exc:
        raise NoReply(server, f"answered over TCP with what is no answer ({type(exc).__name__})") from exc
