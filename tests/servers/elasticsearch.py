"""Elasticsearch: Elastic's own minimal build, as it publishes it for tests."""

import os
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

import httpx

from tests.servers import cache
from tests.servers.java import find_jdk, missing_java, missing_maven
from tests.servers.local import LocalServer
from tests.servers.ports import free_port

JAVA = 21
_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
_NOBODY = 65534

_SETTINGS = """\
cluster.name: tests
node.name: tests
path.data: {data_dir}/data
path.logs: {data_dir}/logs
network.host: 127.0.0.1
http.port: {port}
http.max_content_length: 8mb
transport.port: {transport_port}
discovery.type: single-node
xpack.security.enabled: false
cluster.routing.allocation.disk.threshold_enabled: false
"""


class ElasticsearchServer(LocalServer):
    """A single node without security; its `pid` is the launcher's, the node is its child in the same group."""

    name = "elasticsearch"
    version: ClassVar[str] = "9.5.3"
    start_timeout: ClassVar[float] = 300.0  # after a kill the shards stay red while the log is replayed

    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        *,
        heap: str = "512m",
        compiler: Literal["c1", "full"] = "c1",
    ) -> None:
        """`c1` starts sooner and uses less; `full` compiles as in production, for benchmarks."""
        super().__init__(data_dir, port)
        self._transport_port = free_port()
        self._heap = heap
        self._compiler = compiler

    @classmethod
    def missing(cls) -> str | None:
        if os.geteuid() == 0 and shutil.which("setpriv") is None:
            return "it does not run as root and there is no setpriv: run as another user or install util-linux"
        return missing_java(JAVA) or (None if cls.installed() else missing_maven())

    @classmethod
    def _fill(cls, folder: Path) -> None:
        artifact = f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{cls.version}:zip"
        command = ["mvn", "-q", "-B", f"{_PLUGIN}:unpack", f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"]
        cache.run(cls.name, command, cwd=folder)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _distribution(self) -> Path:
        return self.home() / f"elasticsearch-{self.version}"

    async def _prepare(self) -> None:
        config = self.data_dir / "config"
        for folder in ("config", "data", "logs", "tmp"):
            (self.data_dir / folder).mkdir(exist_ok=True)
        shutil.copy(self._distribution() / "config" / "log4j2.properties", config)
        settings = _SETTINGS.format(data_dir=self.data_dir, port=self.port, transport_port=self._transport_port)
        (config / "elasticsearch.yml").write_text(settings)
        (config / "jvm.options").write_text("\n".join(self._jvm_options()) + "\n")

    def _jvm_options(self) -> list[str]:
        return [
            f"-Xms{self._heap}",
            f"-Xmx{self._heap}",
            *(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"] if self._compiler == "c1" else ["-XX:+UseG1GC"]),
            "-XX:+ExitOnOutOfMemoryError",
            # A folder of its own: Elasticsearch refuses to start when its home lies within the temporary folder.
            f"-Djava.io.tmpdir={self.data_dir}/tmp",
            f"-XX:ErrorFile={self.data_dir}/logs/hs_err_pid%p.log",
        ]

    def _environment(self) -> dict[str, str]:
        jdk = str(find_jdk(JAVA))
        return {
            **os.environ,
            "ES_HOME": str(self._distribution()),
            "ES_PATH_CONF": str(self.data_dir / "config"),
            "ES_TMPDIR": str(self.data_dir / "tmp"),
            "LIBFFI_TMPDIR": str(self.data_dir / "tmp"),
            "ES_DISTRIBUTION_TYPE": "zip",
            "ES_JAVA_OPTS": "",
            "ES_JAVA_HOME": jdk,
            "JAVA": f"{jdk}/bin/java",
            "JAVA_TYPE": "ES_JAVA_HOME",
            "HOSTNAME": socket.gethostname(),
        }

    def _cwd(self) -> Path:
        return self._distribution()

    def _command(self) -> Sequence[str]:
        return [
            *(_without_root() if os.geteuid() == 0 else ()),
            str(find_jdk(JAVA)) + "/bin/java",
            *("-Xmx64m", "-XX:+UseSerialGC"),
            *("-cp", f"{self._distribution()}/lib/tools/server-launcher/*"),
            "org.elasticsearch.server.launcher.ServerLauncher",
        ]

    async def _answers(self) -> bool:
        try:
            async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:
                health = await client.get(f"{self.url}/_cluster/health", params={"filter_path": "status"})
        except httpx.HTTPError:
            return False
        return health.is_success and health.json().get("status") in ("yellow", "green")


def _without_root() -> Sequence[str]:
    """Elasticsearch refuses an effective user of root.

    Only the effective user changes: the real one still may read a home, a cache and a data folder which lie below a
    root's home of mode 700 (access(2) asks for the real user, opening a file for the capability).
    """
    dac = "+dac_override"
    return ["setpriv", "--ruid=0", f"--euid={_NOBODY}", f"--inh-caps={dac}", f"--ambient-caps={dac}"]
