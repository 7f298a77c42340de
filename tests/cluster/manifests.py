"""The project's manifests as an operator has them: keys filled in by the project's scripts, in a folder of its own."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
ISTIO = ROOT / "istio"
OVERLAYS = ROOT / "deploy" / "overlays"


@dataclass(frozen=True)
class Manifests:
    """A copy of istio/ and its keys."""

    folder: Path

    @classmethod
    def made(cls, folder: Path, ttl: int = 3600) -> "Manifests":
        """With a new key pair, and a first token that holds for so many seconds."""
        made = cls(folder)
        made.istio.mkdir(parents=True)
        for path in ISTIO.glob("*.yaml"):
            shutil.copy(path, made.istio)
        made.script("generate_keys_and_token.py", "--sub", "operator", "--scope", "user:admin", "--ttl", str(ttl))
        return made

    @property
    def istio(self) -> Path:
        return self.folder / "istio"

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def request_auth(self) -> Path:
        return self.istio / "request-auth.yaml"

    @property
    def published_keys(self) -> Path:
        """The ConfigMap that tells the service what request-auth.yaml tells the mesh."""
        return self.keys / "jwks-configmap.yaml"

    @property
    def token(self) -> str:
        """The last one that a script has made."""
        return (self.keys / "token").read_text().strip()

    def script(self, name: str, *arguments: str, apply: bool = True) -> str:
        """Run one of the project's scripts on these keys, and on this manifest; its standard output."""
        places = ["--out", str(self.keys), *(["--apply-to", str(self.request_auth)] if apply else [])]
        command = [sys.executable, str(ISTIO / name), *arguments, *places]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{name}: {done.stderr}"
        return done.stdout

    def documents(self, name: str) -> Iterator[dict[str, Any]]:
        """What is in one file."""
        return documents(self.istio / name)


def documents(path: Path) -> Iterator[dict[str, Any]]:
    """The objects in a file of manifests."""
    yaml = YAML(typ="safe", pure=True)
    return (document for document in yaml.load_all(path.read_text()) if document)
