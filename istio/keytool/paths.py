"""Paths as short as they can be typed where one is."""

import os
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1]
"""The folder of the scripts and the manifests."""
KEYS = SCRIPTS / "keys"
MANIFEST = SCRIPTS / "request-auth.yaml"


def shown(path: Path) -> str:
    """Relative for what is below the working directory, else as it is."""
    relative = os.path.relpath(path)
    return relative if not relative.startswith("..") else str(path)


def script(name: str) -> str:
    """How a script is run from here."""
    return f"python {shown(SCRIPTS / name)}"
