"""Programs built from Go modules into the cache, each pinned by a go.mod and a go.sum below tests/servers/go.

The parts of a cluster are published as source or as images; building them is the one way that works without a container
engine and without a package of the operating system.
"""

import hashlib
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from tests.servers import cache
from tests.servers.local import LocalServer

BUILD_TIMEOUT = 3_000.0  # seconds for one program, cold, on two busy cores
_MODULES = Path(__file__).with_name("go")
_GO = "no go on the PATH: install Go 1.26 or newer"

Report = Callable[[str], None]


@dataclass(frozen=True)
class GoTool:
    """Programs of one module, and files that come with it."""

    name: str
    """Its folder below tests/servers/go."""
    version: str
    programs: Mapping[str, str] = field(hash=False)
    """The package of each program."""
    files: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Where each file comes from, as `module:path`."""
    ldflags: str = ""

    @property
    def key(self) -> str:
        """The version, and a digest of what pins it: an edit there is another version."""
        pinned = b"".join(path.read_bytes() for path in sorted(self._module.iterdir()))
        return f"{self.version}-{hashlib.sha256(pinned).hexdigest()[:8]}"

    @property
    def home(self) -> Path:
        return cache.home(self.name, self.key)

    def path(self, name: str) -> Path:
        """Where a program or a file is, or will be."""
        return self.home / name

    def installed(self) -> bool:
        return self.home.exists()

    def missing(self) -> str | None:
        """Why it cannot be had here, or nothing."""
        return None if self.installed() or shutil.which("go") else _GO

    def install(self, report: Report = lambda _: None) -> None:
        """Build what is not there yet, telling `report` what is being done; raises InstallError."""
        cache.install(self.name, self.key, lambda folder: self._fill(folder, report))

    @property
    def _module(self) -> Path:
        return _MODULES / self.name

    def _fill(self, folder: Path, report: Report) -> None:
        for program, package in self.programs.items():
            report(f"{program}: building")
            begun = time.monotonic()
            self._build(folder / program, package)
            report(f"{program}: built in {time.monotonic() - begun:.0f} s")
        for name, source in self.files.items():
            module, _, path = source.partition(":")
            found = self._go("list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module).strip()
            shutil.copyfile(Path(found) / path, folder / name)

    def _build(self, program: Path, package: str) -> None:
        flags = ("-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", f"-s -w {self.ldflags}".strip())
        self._go("build", *flags, "-o", str(program), package)

    def _go(self, *arguments: str) -> str:
        environment = {"CGO_ENABLED": "0"}  # no C compiler is needed
        command = ["go", *arguments]
        return cache.run(self.name, command, cwd=self._module, environment=environment, timeout=BUILD_TIMEOUT)


class GoServer(LocalServer):
    """A server that is a program of one of these tools."""

    tool: ClassVar[GoTool]

    @classmethod
    def missing(cls) -> str | None:
        return cls.tool.missing()

    @classmethod
    def install(cls) -> None:
        cls.tool.install()

    @classmethod
    def home(cls) -> Path:
        return cls.tool.home

    @classmethod
    def _fill(cls, folder: Path) -> None:
        raise NotImplementedError  # its tool is installed as a whole

    def _program(self) -> str:
        return str(self.tool.path(self.name))
