"""What the tools refuse, each with a message that says what to do next.

Refused
├── KeyRefused          a private key that cannot be used
├── ClaimRefused        a claim that no verifier would take
├── ManifestRefused     a request-auth.yaml that cannot be filled
├── FolderRefused       a file among the keys that cannot be read or written
├── KeyExists           a private key would be overwritten
├── WouldInvalidate     keys would vanish whose tokens are in use
└── RotationRefused     a step out of its order
    └── TooEarly        the right step, but not yet
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from keytool.paths import shown


class Refused(Exception):
    """Nothing was done. The scripts show the message and exit with 1."""


class KeyRefused(Refused):
    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"The key {reason}: {remedy}.")
        self.reason = reason


class ClaimRefused(Refused):
    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} {reason}.")
        self.name = name


class ManifestRefused(Refused):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{shown(path)} {reason}.")
        self.path = path


class FolderRefused(Refused):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{shown(path)} {reason}.")
        self.path = path


class KeyExists(Refused):
    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{shown(path)} is there already and is kept: make another token with generate_token.py, replace the key "
            "without a gap with rotate_keys.py, or say --force to lose it at once."
        )
        self.path = path


class WouldInvalidate(Refused):
    def __init__(self, path: Path, kids: Iterable[str]) -> None:
        self.path, self.kids = path, tuple(kids)
        super().__init__(
            f"{shown(path)} publishes other keys ({', '.join(self.kids)}), and their tokens would be refused at once: "
            "change keys without a gap with rotate_keys.py, or say --force."
        )


class RotationRefused(Refused):
    """The message says which step comes next."""


class TooEarly(RotationRefused):
    def __init__(self, step: str, reason: str, due: datetime) -> None:
        self.step, self.due = step, due
        super().__init__(f"{step} comes next, but not before {due:%Y-%m-%dT%H:%M:%SZ}: {reason}. --force does it now.")
