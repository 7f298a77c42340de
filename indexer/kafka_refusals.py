"""Why there is no connection to Kafka, in terms of the settings: aiokafka writes the reason to its log only."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from domain.settings import Settings
from indexer.errors import AccountRefused, KafkaUnavailable
from indexer.kafka import CALL_SECONDS, connection

ASK_SECONDS = 5.0

_MEANINGS: Sequence[tuple[type[Exception], str]] = (
    (SaslAuthenticationFailed, "refuses KAFKA_USERNAME and KAFKA_PASSWORD"),
    (UnsupportedSaslMechanismError, "does not take {mechanism}"),
    (IllegalSaslStateError, "asks for no account, so {protocol} is wrong"),
    (ssl.SSLCertVerificationError, "has a certificate that is not trusted here ({why}): see KAFKA_BOOTSTRAP_SERVERS"),
    (ssl.SSLError, "does not speak TLS, so {protocol} is wrong"),
    (TimeoutError, "does not answer: see KAFKA_BOOTSTRAP_SERVERS, and whether {protocol} is right"),
    (ConnectionRefusedError, "cannot be reached ({why}): see KAFKA_BOOTSTRAP_SERVERS"),
    (ConnectionError, "closes the connection: see KAFKA_BOOTSTRAP_SERVERS, and whether {protocol} is right"),
    (OSError, "cannot be reached ({why}): see KAFKA_BOOTSTRAP_SERVERS"),
    (Exception, "closes the connection: see KAFKA_BOOTSTRAP_SERVERS, and whether {protocol} is right"),
)
"""The first that fits: most of them are kinds of OSError."""

_OF_ACCOUNTS = (SaslAuthenticationFailed, UnsupportedSaslMechanismError, IllegalSaslStateError)


@contextlib.asynccontextmanager
async def connecting(settings: Settings) -> AsyncIterator[None]:
    """What keeps the block, which starts a client, from connecting becomes KafkaUnavailable, naming the setting."""
    try:
        async with asyncio.timeout(CALL_SECONDS):
            yield
    except (KafkaError, OSError) as exc:
        raise await _why_not(connection(settings)) from exc


async def _why_not(arguments: Mapping[str, Any]) -> KafkaUnavailable:
    """What each of the brokers says that are asked first, in the time there is."""
    others = {name: value for name, value in arguments.items() if name != "bootstrap_servers"}
    found: dict[str, Exception] = {}
    for host, port, _ in collect_hosts(arguments["bootstrap_servers"]):
        try:
            async with asyncio.timeout(ASK_SECONDS):
                await _ask(host, port, others)
        except (OSError, KafkaError) as exc:
            found[f"{host}:{port}"] = exc
    if not found:
        return KafkaUnavailable("no broker answered when it had to, see KAFKA_BOOTSTRAP_SERVERS")
    kind = AccountRefused if all(isinstance(exc, _OF_ACCOUNTS) for exc in found.values()) else KafkaUnavailable
    return kind("; ".join(f"{place} {reason(exc, others)}" for place, exc in found.items()))


async def _ask(host: str, port: int, arguments: Mapping[str, Any]) -> None:
    opened = await create_conn(host, port, **arguments)
    try:
        await opened.send(MetadataRequest([]))
    finally:
        opened.close()


def reason(error: Exception, arguments: Mapping[str, Any]) -> str:
    """What it means that a connection by `arguments` ended with `error`, and which settings to look at."""
    meaning = next(text for kind, text in _MEANINGS if isinstance(error, kind))
    return meaning.format(
        protocol=f"KAFKA_SECURITY_PROTOCOL={arguments['security_protocol']}",
        mechanism=f"KAFKA_SASL_MECHANISM={arguments.get('sasl_mechanism')}",
        why=getattr(error, "verify_message", None) or getattr(error, "strerror", None) or type(error).__name__,
    )
