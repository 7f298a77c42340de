"""CoreDNS: it serves a cluster's Services as a cluster does, and zones of a test's own."""

from collections.abc import Sequence
from pathlib import Path

import dns.asyncquery
import dns.exception
import dns.message

from tests.servers.golang import GoServer
from tests.servers.tools import COREDNS

_CLUSTER = """\
cluster.local:{port} {{
    bind 127.0.0.1
    errors
    kubernetes cluster.local {{
        kubeconfig {kubeconfig}
        ttl {ttl}
    }}
}}
"""


def cluster_zone(port: int, kubeconfig: Path, ttl: int = 2) -> str:
    """The part of a Corefile that serves a cluster's names; `ttl` in seconds, 5 in most clusters."""
    return _CLUSTER.format(port=port, kubeconfig=kubeconfig, ttl=ttl)


class CoreDNS(GoServer):
    """A name server on 127.0.0.1, by UDP and TCP."""

    name = "coredns"
    version = COREDNS.version
    tool = COREDNS

    def __init__(self, data_dir: Path, port: int | None = None, *, kubeconfig: Path, zones: str = "") -> None:
        """`zones` is the rest of the Corefile: server blocks for further zones, with `{port}` where theirs goes."""
        super().__init__(data_dir, port)
        self._corefile = cluster_zone(self.port, kubeconfig) + zones.replace("{port}", str(self.port))

    @property
    def url(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def _prepare(self) -> None:
        (self.data_dir / "Corefile").write_text(self._corefile)

    def _command(self) -> Sequence[str]:
        return [self._program(), "-conf", str(self.data_dir / "Corefile")]

    async def _answers(self) -> bool:
        """Whether it knows the cluster's names; before that it answers SERVFAIL."""
        try:
            question = dns.message.make_query("kubernetes.default.svc.cluster.local", "A")
            answer = await dns.asyncquery.udp(question, "127.0.0.1", port=self.port, timeout=1)
        except (OSError, dns.exception.DNSException):
            return False
        return bool(answer.answer)
