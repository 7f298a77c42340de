"""Kafka Connect's REST interface: what a worker is asked, and its answers in our words."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from domain.errors import SettingsError
from domain.settings import Settings
from indexer.connectors.errors import ConnectorRefused, ConnectUnavailable
from indexer.connectors.file import base_of
from indexer.retry import delay

CALL_SECONDS = 30.0
"""A worker connects to the sink's server when it validates a configuration, and answers after that."""

REBALANCE_SECONDS = 60.0
_BUSY = (409, 503)
"""What a worker answers while its group rebalances, or while it starts."""


@dataclass(frozen=True, slots=True)
class Task:
    """`trace` is why it failed."""

    number: int
    state: str
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Connector:
    """A connector as its workers report it; `trace` is why it failed itself."""

    name: str
    plugin: str
    topics: Sequence[str]
    state: str
    trace: str = ""
    tasks: Sequence[Task] = field(default=())


@dataclass(frozen=True, slots=True)
class Validation:
    """Which options are known, those of transforms and of the worker included, and what is wrong with the values."""

    known: frozenset[str]
    errors: Sequence[str]


class ConnectWorker:
    """One worker; any worker of a group answers for all of it.

    Every method raises ConnectUnavailable if it does not answer, or is busy for longer than REBALANCE_SECONDS, and
    ConnectorRefused with the worker's own message if it will not do it.
    """

    def __init__(
        self, client: httpx.AsyncClient, *, monotonic: Callable[[], float] = time.monotonic, seconds: float = 60.0
    ) -> None:
        """`seconds`: how long to wait for a worker that is busy."""
        self._client = client
        self._where = f"{client.base_url.host}:{client.base_url.port or client.base_url.scheme}"
        self._monotonic = monotonic
        self._seconds = seconds

    async def connectors(self) -> Sequence[Connector]:
        """All of them, by name."""
        answer = await self._ask("GET", "/connectors?expand=info&expand=status")
        with self._understood():
            both = [entry for entry in answer.values() if entry.keys() >= {"info", "status"}]  # one may be just going
            return sorted(map(read_connector, both), key=lambda connector: connector.name)

    async def plugins(self) -> Sequence[str]:
        """The classes of the sinks that are installed."""
        answer = await self._ask("GET", "/connector-plugins")
        with self._understood():
            return sorted(plugin["class"] for plugin in answer)

    async def validate(self, name: str, config: Mapping[str, str]) -> Validation:
        """What the plugin says of the configuration; it may look at the server that it will write to."""
        plugin = quote(config["connector.class"], safe="")
        path = f"/connector-plugins/{plugin}/config/validate"
        answer = await self._ask("PUT", path, {**config, "name": name})
        with self._understood():
            values = [entry["value"] for entry in answer["configs"]]
            errors = [f"{value['name']}: {error}" for value in values for error in value["errors"]]
            return Validation(frozenset(value["name"] for value in values), errors)

    async def create(self, name: str, config: Mapping[str, str]) -> None:
        """A connector that is stopped: `begin` lets it run."""
        await self._ask("POST", "/connectors", {"name": name, "config": config, "initial_state": "STOPPED"})

    async def begin(self, name: str) -> None:
        """Let a stopped connector run from the beginning of its topic, whatever an earlier one of its name has read."""
        await self._ask("DELETE", _path(name, "offsets"), also_busy=(400, 500))  # an old task takes its time to stop
        await self._ask("PUT", _path(name, "resume"))

    async def restart(self, name: str) -> None:
        """The connector and all of its tasks."""
        await self._ask("POST", _path(name, "restart?includeTasks=true"))

    async def remove(self, name: str) -> None:
        """The connector; a task that hangs goes as soon as it stops hanging."""
        await self._ask("DELETE", _path(name))

    async def _ask(self, method: str, path: str, body: Any = None, *, also_busy: Sequence[int] = ()) -> Any:
        deadline = self._monotonic() + self._seconds
        attempt = 0
        while True:
            attempt += 1
            answer = await self._send(method, path, body)
            if answer.status_code not in (*_BUSY, *also_busy):
                return self._read(answer)
            if self._monotonic() > deadline:
                with self._understood():
                    said = message(answer)
                raise ConnectUnavailable(self._where, f"is still busy after {self._seconds:.0f} s ({said})")
            await asyncio.sleep(delay(attempt, random.random))

    async def _send(self, method: str, path: str, body: Any) -> httpx.Response:
        try:
            return await self._client.request(method, path, json=body)
        except httpx.TransportError as exc:
            raise ConnectUnavailable(self._where, f"did not answer ({type(exc).__name__})") from exc

    def _read(self, answer: httpx.Response) -> Any:
        if answer.status_code in (401, 403):
            raise ConnectUnavailable(self._where, "refuses our credentials")
        if answer.is_error:
            with self._understood():
                said = message(answer)
            raise ConnectorRefused("The request to Kafka Connect", [said])
        if not answer.content:
            return None
        with self._understood():
            return answer.json()

    @contextmanager
    def _understood(self) -> Iterator[None]:
        """Something else than a worker listens there, if its answer is not what a worker would say."""
        try:
            yield
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise ConnectUnavailable(self._where, "does not answer as Kafka Connect does") from exc


@asynccontextmanager
async def open_worker(settings: Settings) -> AsyncIterator[ConnectWorker]:
    """The worker at CONNECT_URL, credentials included. Raises SettingsError for a URL that is none."""
    try:
        url = httpx.URL(settings.connect_url.get_secret_value())
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        raise SettingsError("CONNECT_URL must be http(s)://[user:password@]host:port.")
    async with httpx.AsyncClient(base_url=url, timeout=CALL_SECONDS, trust_env=False) as client:
        yield ConnectWorker(client, seconds=REBALANCE_SECONDS)


def meant(name: str, connectors: Sequence[Connector]) -> Sequence[Connector]:
    """Those that are called so, or that were applied from a file of that name. Raises ConnectorRefused for none."""
    found = [connector for connector in connectors if name in (connector.name, base_of(connector.name))]
    if not found:
        names = ", ".join(connector.name for connector in connectors) or "none"
        raise ConnectorRefused(name, [f"there is no such connector; there are: {names}."])
    return found


def message(answer: httpx.Response) -> str:
    """What a worker says of an error, without the name of the exception before it.

    Raises ValueError, KeyError or TypeError for an answer that no worker gives.
    """
    said = str(answer.json()["message"])
    return said.rpartition("Exception: ")[2] or said


def read_connector(entry: Mapping[str, Any]) -> Connector:
    """A connector from `expand=info&expand=status`."""
    info, status = entry["info"], entry["status"]
    config = info["config"]
    return Connector(
        info["name"],
        config.get("connector.class", ""),
        [topic.strip() for topic in config.get("topics", "").split(",") if topic.strip()],
        status["connector"]["state"],
        status["connector"].get("trace", ""),
        [Task(task["id"], task["state"], task.get("trace", "")) for task in status["tasks"]],
    )


def _path(name: str, rest: str = "") -> str:
    return f"/connectors/{quote(name, safe='')}/{rest}".rstrip("/")
