"""How this service talks to Kafka: connection settings, time limits, the vendor's errors, and closing what may hang."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from domain.errors import SettingsError
from domain.settings import Settings
from indexer.errors import KafkaUnavailable

CALL_SECONDS = 15.0
"""aiokafka tries for ever: every call gets this limit of ours."""

CLOSE_SECONDS = 3.0
REQUEST_MILLISECONDS = 10_000

_COORDINATOR_TASKS = ("_coordination_task", "_heartbeat_task", "_commit_refresh_task", "_reset_committed_task")


def connection(settings: Settings) -> dict[str, Any]:
    """The arguments that every client of aiokafka takes. Raises SettingsError."""
    if settings.kafka_bootstrap_servers is None:
        raise SettingsError("KAFKA_BOOTSTRAP_SERVERS is not set: it is where this pipeline reads or writes.")
    protocol = settings.kafka_security_protocol
    arguments: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap_servers,
        "security_protocol": protocol,
        "request_timeout_ms": REQUEST_MILLISECONDS,
    }
    if protocol.endswith("SSL"):
        arguments["ssl_context"] = ssl.create_default_context()
    if protocol.startswith("SASL"):
        if settings.kafka_username is None or settings.kafka_password is None:
            raise SettingsError(f"KAFKA_SECURITY_PROTOCOL={protocol} needs KAFKA_USERNAME and KAFKA_PASSWORD.")
        arguments |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_username,
            "sasl_plain_password": settings.kafka_password.get_secret_value(),
        }
    return arguments


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Errors and time-outs of aiokafka in the block become KafkaUnavailable; it asserts its transactions' states."""
    try:
        yield
    except TimeoutError as exc:
        raise KafkaUnavailable(f"{what} took too long") from exc
    except (KafkaError, OSError, AssertionError) as exc:
        raise KafkaUnavailable(f"{what}: {str(exc) or type(exc).__name__}") from exc


@contextlib.asynccontextmanager
async def limited(what: str, seconds: float = CALL_SECONDS) -> AsyncIterator[None]:
    """`translated`, with a time limit."""
    with translated(what):
        async with asyncio.timeout(seconds):
            yield


async def closed(closing: Coroutine[Any, Any, None]) -> bool:
    """Whether `closing` came to its end, by an error or not, within CLOSE_SECONDS.

    It is a task of its own: aiokafka cancels tasks and awaits them, and that would cancel the caller, too.
    """
    task = asyncio.create_task(closing)
    try:
        done, _ = await asyncio.wait({task}, timeout=CLOSE_SECONDS)
    finally:
        task.cancel()
    if not done or task.cancelled():
        return False
    error = task.exception()
    if error is not None and not isinstance(error, (KafkaError, OSError, AssertionError)):
        raise error
    return True


async def stop_consumer(consumer: AIOKafkaConsumer) -> None:
    """Stop `consumer`; if that fails, drop it: half stopped it would stay in its group and keep its partitions."""
    if await closed(consumer.stop()):
        return
    coordinator: Any = consumer._coordinator  # noqa: SLF001 (there is no public way to give up)
    fetcher: Any = consumer._fetcher  # noqa: SLF001
    background = [getattr(coordinator, name, None) for name in _COORDINATOR_TASKS]
    if fetcher is not None:
        background += [fetcher._fetch_task, *fetcher._pending_tasks]  # noqa: SLF001
    for task in background:
        if task is not None:
            task.cancel()
    await closed(consumer._client.close())  # noqa: SLF001


async def stop_producer(producer: AIOKafkaProducer) -> None:
    """Stop `producer`; if the broker does not answer, drop it: its stop() would wait for ever."""
    transactions: Any = producer._txn_manager  # noqa: SLF001 (a fatal error that nobody awaits is logged as a defect)
    if transactions is not None and transactions.is_fatal_error():
        transactions.wait_for_transaction_end().exception()
    if await closed(producer.stop()):
        return
    sender = producer._sender.sender_task  # noqa: SLF001 (there is no public way to give up)
    if sender is not None:
        sender.cancel()
    await closed(producer.client.close())
