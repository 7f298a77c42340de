"""Kafka Connect: a worker with the project's own configuration and Camel's HTTP sink as its one plugin."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

import httpx

from tests.servers import cache
from tests.servers.java import find_jdk, missing_java, missing_maven
from tests.servers.kafka import JAVA, LOGGING, MAVEN_PLUGIN, KafkaServer
from tests.servers.local import LocalServer

DEPLOYED = Path(__file__).parents[2] / "deploy" / "kafka-connect"
_POMS = {"libs": Path(__file__).with_name("connect.pom.xml"), "plugins/http-sink": DEPLOYED / "http-sink.pom.xml"}


class ConnectServer(LocalServer):
    """A worker on the broker at `bootstrap_servers`; connectors may use the variables of `environment`."""

    name = "kafka-connect"
    version: ClassVar[str] = f"{KafkaServer.version}-http-sink-0.11.0"

    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        *,
        bootstrap_servers: str | None = None,
        environment: Mapping[str, str] | None = None,
        compiler: Literal["c1", "full"] = "c1",
    ) -> None:
        """`c1` starts sooner and uses less; `full` compiles as in production, for benchmarks."""
        super().__init__(data_dir, port)
        self._bootstrap_servers = bootstrap_servers or os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092")
        self._given = environment or {}
        self._compiler = compiler

    @classmethod
    def missing(cls) -> str | None:
        return missing_java(JAVA) or (None if cls.installed() else missing_maven())

    @classmethod
    def _fill(cls, folder: Path) -> None:
        for place, pom in _POMS.items():
            command = ["mvn", "-q", "-B", "-f", str(pom), f"-Dkafka.version={KafkaServer.version}"]
            options = ["-DincludeScope=runtime", f"-DoutputDirectory={folder}/{place}"]
            cache.run(cls.name, [*command, f"{MAVEN_PLUGIN}:copy-dependencies", *options])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _prepare(self) -> None:
        """The worker's file as it is deployed, but for the one line that cannot come from the environment."""
        (self.data_dir / "log4j2.properties").write_text(LOGGING)
        deployed = (DEPLOYED / "worker.properties").read_text()
        settings = deployed.replace("plugin.path=/opt/plugins\n", f"plugin.path={self.home()}/plugins\n")
        (self.data_dir / "worker.properties").write_text(settings)

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": self._bootstrap_servers,
            "CONNECT_LISTENERS": self.url,
            "CONNECT_ADVERTISED_HOST": "127.0.0.1",
            "CONNECT_REPLICATION": "1",
            **self._given,
        }

    def _command(self) -> Sequence[str]:
        return [
            str(find_jdk(JAVA)) + "/bin/java",
            *("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-Xshare:auto"),
            *(("-XX:TieredStopAtLevel=1",) if self._compiler == "c1" else ()),
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={self.data_dir}/log4j2.properties",
            *("-cp", f"{self.home()}/libs/*"),
            "org.apache.kafka.connect.cli.ConnectDistributed",
            str(self.data_dir / "worker.properties"),
        ]

    async def _answers(self) -> bool:
        """Whether the worker has joined its group and read what it knows; before that it refuses requests."""
        try:
            async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:
                return (await client.get(f"{self.url}/health")).is_success
        except httpx.HTTPError:
            return False
