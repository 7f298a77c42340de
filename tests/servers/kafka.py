"""Kafka: one node that is broker and controller (KRaft)."""

import base64
import signal
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from tests.servers import cache
from tests.servers.java import find_jdk, missing_java, missing_maven
from tests.servers.local import LocalServer
from tests.servers.ports import free_port
from tests.servers.process import ProcessGroup
from tests.servers.server import StartError

JAVA = 17
MAVEN_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"

_SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
log.dirs={data_dir}/data
num.partitions=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=5
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=5
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
# A killed broker registers again only when its old session is over (9 s unless told).
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=300
"""

_OPEN = """\
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
"""

# The broker speaks to itself, when it ends transactions, on a listener of its own that asks for nothing.
_WITH_PASSWORDS = """\
listeners=SASL_PLAINTEXT://127.0.0.1:{port},ITSELF://127.0.0.1:{own_port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=SASL_PLAINTEXT://127.0.0.1:{port},ITSELF://127.0.0.1:{own_port}
listener.security.protocol.map=SASL_PLAINTEXT:SASL_PLAINTEXT,ITSELF:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=ITSELF
sasl.enabled.mechanisms={mechanism}
listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
"""

MECHANISM = "SCRAM-SHA-512"

LOGGING = """\
status=error
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=[%d] %p %m (%c{1})%n
rootLogger.level=warn
rootLogger.appenderRef.console.ref=console
"""


class KafkaServer(LocalServer):
    """A broker; topics are created on first use. With `accounts` (passwords by name) it asks for one of them."""

    name = "kafka"
    version: ClassVar[str] = "4.3.1"

    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        *,
        heap: str = "512m",
        accounts: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(data_dir, port)
        self._controller_port = free_port()
        self._own_port = free_port()
        self._heap = heap
        self._accounts = accounts or {}

    @classmethod
    def missing(cls) -> str | None:
        return missing_java(JAVA) or (None if cls.installed() else missing_maven())

    @classmethod
    def _fill(cls, folder: Path) -> None:
        pom = Path(__file__).with_name("kafka.pom.xml")
        command = ["mvn", "-q", "-B", "-f", str(pom), f"-Dkafka.version={cls.version}"]
        cache.run(
            cls.name,
            [
                *command,
                f"{MAVEN_PLUGIN}:copy-dependencies",
                "-DincludeScope=runtime",
                f"-DoutputDirectory={folder}/libs",
            ],
        )

    @property
    def url(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def _settings(self) -> Path:
        return self.data_dir / "server.properties"

    async def _prepare(self) -> None:
        (self.data_dir / "log4j2.properties").write_text(LOGGING)
        listeners = _WITH_PASSWORDS if self._accounts else _OPEN
        settings = (_SETTINGS + listeners).format(
            port=self.port,
            controller_port=self._controller_port,
            own_port=self._own_port,
            mechanism=MECHANISM,
            data_dir=self.data_dir,
        )
        self._settings.write_text(settings)
        if not (self.data_dir / "data" / "meta.properties").exists():
            await self._format()

    async def _format(self) -> None:
        """Give the empty data folder its cluster id, as KRaft requires, and its accounts."""
        options = ["--config", str(self._settings)]
        options += [f"--add-scram={_account(name, password)}" for name, password in self._accounts.items()]
        await self._tool("kafka.tools.StorageTool", "format", f"--cluster-id={_cluster_id()}", *options)

    async def set_password(self, name: str, password: str) -> None:
        """Of an account, while the broker runs: connections that are open stay so."""
        change = ["--alter", "--entity-type", "users", "--entity-name", name]
        where = ["--bootstrap-server", f"127.0.0.1:{self._own_port}"]
        value = f"{MECHANISM}=[password={password}]"
        await self._tool("kafka.admin.ConfigCommand", *where, *change, "--add-config", value)
        self._accounts = {**self._accounts, name: password}

    async def _tool(self, *arguments: str) -> None:
        """Run one of Kafka's tools to its end. Raises StartError."""
        group = ProcessGroup(self._java(*arguments), log=self.log, environment=self._environment(), cwd=self.data_dir)
        try:
            succeeded = await group.ended(self.start_timeout) and group.exit_code == 0
        finally:
            group.signal(signal.SIGKILL)
            group.release()
        if not succeeded:
            raise StartError(self.name, f"could not run {arguments[0]}", self.log)

    def _command(self) -> Sequence[str]:
        return self._java("kafka.Kafka", str(self._settings))

    def _java(self, *arguments: str) -> list[str]:
        return [
            str(find_jdk(JAVA)) + "/bin/java",
            *("-Xms128m", f"-Xmx{self._heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"),
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={self.data_dir}/log4j2.properties",
            *("-cp", f"{self.home()}/libs/*"),
            *arguments,
        ]

    async def _answers(self) -> bool:
        client = AIOKafkaClient(bootstrap_servers=self.url, request_timeout_ms=2000, **self._credentials())
        try:
            await client.bootstrap()
            return bool(client.cluster.brokers())
        except KafkaError:
            return False
        finally:
            await client.close()

    def _credentials(self) -> dict[str, str]:
        """Of the first account, as a client of aiokafka takes them."""
        if not self._accounts:
            return {}
        name, password = next(iter(self._accounts.items()))
        return {
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": MECHANISM,
            "sasl_plain_username": name,
            "sasl_plain_password": password,
        }


def _account(name: str, password: str) -> str:
    return f"{MECHANISM}=[name={name},password={password}]"


def _cluster_id() -> str:
    """22 characters of URL-safe base64; a leading hyphen would be read as an option."""
    return "A" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]
