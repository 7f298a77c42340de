"""The shipped manifests with keys in them, and faults planted into copies."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from keytool.checks import find
from keytool.checks.document import Document
from keytool.checks.finding import Finding
from keytool.checks.jwks import PLACEHOLDER
from keytool.checks.reading import read, read_settings
from tests.fixtures.issuer import jwk, jwks

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "istio").glob("*.yaml"))
ISSUER = "https://issuer.example.com"


def shipped(keys: str = "") -> dict[str, str]:
    """Every file by its name; `keys` is the JWKS in place of the placeholder, one good key unless given."""
    keys = (keys or jwks(jwk("rsa"))).replace("'", "''")
    return {file.name: file.read_text().replace(f"jwks: {PLACEHOLDER}", f"jwks: '{keys}'") for file in FILES}


def planted(file: str, old: str, new: str, files: dict[str, str] | None = None) -> dict[str, str]:
    """The files with every `old` in that one replaced: it has to be there."""
    files = shipped() if files is None else files
    assert old in files[file], f"{file} no longer has {old!r}"
    return {**files, file: files[file].replace(old, new)}


def findings(files: dict[str, str]) -> Sequence[str]:
    """What the check says of these files, as it is shown."""
    read_files = [_read(name, text) for name, text in files.items()]
    documents = [document for found, _ in read_files for document in found]
    unread = [finding for _, wrong in read_files for finding in wrong]
    return [str(finding) for finding in (*unread, *find(documents))]


@cache  # most of a test's files are those of every other
def _read(name: str, text: str) -> tuple[Sequence[Document], Sequence[Finding]]:
    return read_settings(name, text) if name.endswith(".properties") else read(name, text)
