"""One question to one nameserver: over UDP, and over TCP where the answer is cut short."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from datetime import timedelta

import dns.asyncbackend
import dns.asyncquery
import dns.exception
import dns.inet
import dns.message

from domain.peers.dns.config import Nameserver

_LENGTH = struct.Struct("!H")


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
    """By a socket of its own that is connected, so that a port where nobody listens says so at once."""
    family = dns.inet.af_for_address(server.host)
    where = (server.host, server.port)
    backend = dns.asyncbackend.get_default_backend()
    async with await backend.make_socket(family, socket.SOCK_DGRAM, 0, None, where) as own:
        return await dns.asyncquery.udp(
            query,
            server.host,
            port=server.port,
            ignore_unexpected=True,
            ignore_errors=True,
            raise_on_truncation=True,
            sock=own,
        )


async def _over_tcp(query: dns.message.QueryMessage, server: Nameserver, seconds: float) -> dns.message.Message:
    try:
        async with asyncio.timeout(seconds):
            wire = await _exchange_over_tcp(query.to_wire(), server)
    except TimeoutError as exc:
        raise NoReply(server, f"did not answer over TCP within {seconds:g} s") from exc
    except (OSError, EOFError) as exc:
        raise NoReply(server, f"could not be asked over TCP ({type(exc).__name__})") from exc
    try:
        # What is too long for UDP takes long to parse: 50 ms for 500 targets, in which the loop has to turn.
        reply = await asyncio.to_thread(dns.message.from_wire, wire)
    except dns.exception.DNSException as exc:
        raise NoReply(server, f"answered over TCP with what is no answer ({type(exc).__name__})") from exc
    if not query.is_response(reply):
        raise NoReply(server, "answered another question over TCP")
    return reply


async def _exchange_over_tcp(wire: bytes, server: Nameserver) -> bytes:
    """Messages have their length in front (RFC 1035, 4.2.2)."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        writer.write(_LENGTH.pack(len(wire)) + wire)
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        return await reader.readexactly(length)
    finally:
        writer.close()
