"""Finding a Java that is new enough, and downloading with Maven."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

_FOLDERS = ("/usr/lib/jvm", "/Library/Java/JavaVirtualMachines", "/opt/java")
_VERSION = re.compile(r'^JAVA_VERSION="(?:1\.)?(\d+)', re.MULTILINE)


def find_jdk(minimum: int) -> Path | None:
    """The home of the first Java of at least that major version: the environment's, the PATH's, then the system's."""
    return next((home for home in _homes() if (major_version(home) or 0) >= minimum), None)


def major_version(home: Path) -> int | None:
    """What the `release` file of a Java home says (8, 17, 25 ...), or nothing where no Java is."""
    release = home / "release"
    if not (home / "bin" / "java").exists() or not release.exists():
        return None
    found = _VERSION.search(release.read_text(errors="replace"))
    return int(found[1]) if found else None


def missing_java(minimum: int) -> str | None:
    """Why a server that needs that Java cannot run, or nothing."""
    if find_jdk(minimum) is None:
        return f"no JDK {minimum} or newer: install one or set JAVA_HOME"
    return None


def missing_maven() -> str | None:
    """Why nothing can be downloaded with Maven, or nothing."""
    return None if shutil.which("mvn") else "no mvn on the PATH: install Maven"


def _homes() -> Iterator[Path]:
    for variable in ("ES_JAVA_HOME", "JAVA_HOME"):
        if value := os.environ.get(variable):
            yield Path(value)
    if java := shutil.which("java"):
        yield Path(java).resolve().parents[1]
    for folder in map(Path, _FOLDERS):
        for home in sorted(folder.glob("*")):
            yield home
            yield home / "Contents" / "Home"
