"""MongoDB's protocol by SecantusDB: a replica set of one that needs no package of the operating system.

It is GPL-2.0-only: a tool run as a process from an environment of its own, never imported and never shipped.
"""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from tests.servers import cache
from tests.servers.local import LocalServer


class MongoServer(LocalServer):
    """A replica set of one member, durable write by write."""

    name = "mongodb"
    version: ClassVar[str] = "secantusdb-0.7.0b3"

    @classmethod
    def missing(cls) -> str | None:
        if cls.installed() or _uv() is not None:
            return None
        return "no uv in the environment or on the PATH: run `make setup`"

    @classmethod
    def _fill(cls, folder: Path) -> None:
        uv = _uv() or "uv"
        cache.run(
            cls.name,
            [uv, "venv", "--quiet", "--relocatable", "--allow-existing", "--python", sys.executable, str(folder)],
        )
        requirement = cls.version.replace("-", "==")
        cache.run(cls.name, [uv, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), requirement])

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/?replicaSet=secantus"  # the set's name is fixed

    async def _prepare(self) -> None:
        (self.data_dir / "data").mkdir(exist_ok=True)

    def _command(self) -> Sequence[str]:
        return [
            str(self.home() / "bin" / "python"),
            str(self.home() / "bin" / "secantusd-py"),
            *("--host", "127.0.0.1"),
            *("--port", str(self.port)),
            *("--storage-path", str(self.data_dir / "data")),
            "--sync-on-commit",  # without it a kill loses acknowledged writes and leaves gaps in resumed streams
            *("--noop-heartbeat-seconds", "10"),
            *("--log-level", "WARNING"),
        ]

    async def _answers(self) -> bool:
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(self.url, serverSelectionTimeoutMS=300)
        try:
            await client.admin.command("ping")
        except PyMongoError:
            return False
        finally:
            await client.close()
        return True


def _uv() -> str | None:
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else shutil.which("uv")
