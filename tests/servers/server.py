"""What a test needs of a real server: start, stop, and every way in which one can fail."""

from pathlib import Path
from typing import Protocol


class Server(Protocol):
    """One real server in a process group of its own, on loopback, with its data in a folder that outlives it."""

    name: str
    """mongodb, elasticsearch or kafka."""

    @property
    def url(self) -> str:
        """What a client connects to: a MongoDB URI, an HTTP URL, or Kafka's `host:port`."""

    @property
    def pid(self) -> int:
        """The leader of the process group; raises ServerError when the server was never started."""

    async def start(self) -> None:
        """Start the process and wait until it answers; the port and the data are those of the last run.

        Raises ServerError, with the end of the log, when it ends or does not answer in time.
        """

    async def stop(self) -> None:
        """SIGTERM; SIGKILL when it is still there after a bounded wait. Does nothing when it does not run."""

    async def kill(self) -> None:
        """SIGKILL the whole process group and wait until nothing of it is left."""

    async def pause(self) -> None:
        """SIGSTOP: once this returns the server keeps its connections and answers nobody."""

    async def resume(self) -> None:
        """SIGCONT after `pause`."""


class ServerError(Exception):
    """A server that cannot be had here.

    ServerError
    ├── InstallError      it could not be installed
    ├── StartError        it ended, or did not do in time what it was told
    └── NotRunningError   it was never started
    """


class InstallError(ServerError):
    """A server that could not be installed."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"{name} could not be installed: {reason}")


class StartError(ServerError):
    """A server that ended, or that did not do in time what it was told."""

    def __init__(self, name: str, reason: str, log: Path) -> None:
        self.name = name
        self.reason = reason
        self.log = log
        super().__init__(f"{name} {reason}; the end of {log}:\n{last_lines(log)}")


class NotRunningError(ServerError):
    """A server that was never started."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"{name} was never started")


def last_lines(log: Path, count: int = 20) -> str:
    """The end of a log, or nothing when there is none."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
