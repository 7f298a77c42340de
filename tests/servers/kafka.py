"""Kafka: one node that is broker and controller (KRaft)."""

import base64
import signal
import uuid
from collections.abc import Sequence
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
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
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
    """A broker without authentication; topics are created on first use."""

    name = "kafka"
    version: ClassVar[str] = "4.3.1"

    def __init__(self, data_dir: Path, port: int | None = None, *, heap: str = "512m") -> None:
        super().__init__(data_dir, port)
        self._controller_port = free_port()
        self._heap = heap

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
        settings = _SETTINGS.format(port=self.port, controller_port=self._controller_port, data_dir=self.data_dir)
        self._settings.write_text(settings)
        if not (self.data_dir / "data" / "meta.properties").exists():
            await self._format()

    async def _format(self) -> None:
        """Give the empty data folder its cluster id, as KRaft requires."""
        command = self._java("kafka.tools.StorageTool", "format", f"--cluster-id={_cluster_id()}")
        command += ["--config", str(self._settings)]
        group = ProcessGroup(command, log=self.log, environment=self._environment(), cwd=self.data_dir)
        try:
            formatted = await group.ended(self.start_timeout) and group.exit_code == 0
        finally:
            group.signal(signal.SIGKILL)
            group.release()
        if not formatted:
            raise StartError(self.name, "could not format its data folder", self.log)

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
        client = AIOKafkaClient(bootstrap_servers=self.url, request_timeout_ms=2000)
        try:
            await client.bootstrap()
            return bool(client.cluster.brokers())
        except KafkaError:
            return False
        finally:
            await client.close()


def _cluster_id() -> str:
    """22 characters of URL-safe base64; a leading hyphen would be read as an option."""
    return "A" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]
