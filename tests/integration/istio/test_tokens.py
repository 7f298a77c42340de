"""Tokens of the scripts on a real Envoy that is made from the manifests which the scripts have filled in."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import serialization

from keytool.checks.document import Document
from keytool.checks.reading import read
from tests.fixtures.issuer import private_jwk, private_key
from tests.integration.istio.raw_http import Upstream, upstream
from tests.integration.istio.raw_http import send as ask
from tests.integration.istio.stage import MANIFESTS, sidecar

GATEWAY = ("istio-system", "istio-ingressgateway")


@pytest_asyncio.fixture(scope="module")
async def behind() -> AsyncIterator[Upstream]:
    async with upstream() as told:
        yield told


@dataclass(frozen=True, slots=True)
class Workplace:
    """A copy of request-auth.yaml, and keys beside it; the other manifests are the shipped ones."""

    path: Path

    @property
    def manifest(self) -> Path:
        return self.path / "request-auth.yaml"

    def run(self, script: str, *arguments: str) -> str:
        """What it says on standard output."""
        command = [sys.executable, str(MANIFESTS / script), *arguments, "--out", "keys"]
        done = subprocess.run(command, cwd=self.path, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def documents(self) -> Sequence[Document]:
        files = [self.manifest, *(file for file in MANIFESTS.glob("*.yaml") if file.name != self.manifest.name)]
        return [document for file in files for document in read(file.name, file.read_text())[0]]


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    place = Workplace(tmp_path)
    place.manifest.write_bytes((MANIFESTS / place.manifest.name).read_bytes())
    return place


async def statuses(place: Workplace, behind: Upstream, tokens: Sequence[str]) -> list[int]:
    """What Envoy answers to each of them, by the manifests as they are now."""
    folder = place.path / f"envoy-{os.urandom(4).hex()}"
    folder.mkdir()
    async with sidecar(folder, behind.port, documents=place.documents()) as edge:
        tls = edge.caller(*GATEWAY)
        headers = [[("Authorization", f"Bearer {token}")] for token in tokens]
        return [(await ask(edge.port, "GET", "/graphql", header, tls=tls)).status for header in headers]


@pytest.mark.parametrize("options", [("rsa",), ("rsa", "--bits", "2048"), ("ec",), ("ed25519",)])
async def test_envoy_takes_every_type_of_key_that_is_made(
    place: Workplace, behind: Upstream, options: Sequence[str]
) -> None:
    arguments = ("--sub", "ada", "--apply-to", "request-auth.yaml", "--key-type", *options)
    token = place.run("generate_keys_and_token.py", *arguments)
    assert await statuses(place, behind, [token, token[:-8] + "AAAAAAAA"]) == [200, 401]


@pytest.mark.parametrize(
    ("name", "form"), [("rsa", "pem"), ("p256", "jwk"), ("p384", "pem"), ("p384", "jwk"), ("ed25519", "jwk")]
)
async def test_envoy_takes_every_type_of_key_of_ones_own(
    place: Workplace, behind: Upstream, name: str, form: str
) -> None:
    key = place.path / "mine"
    key.touch(mode=0o600)
    key.write_bytes(_pem(name) if form == "pem" else json.dumps(private_jwk(name)).encode())
    issuer = ("--issuer", "https://login.example/realms/one/")
    token = place.run("generate_token.py", "--key", "mine", "--sub", "ada", *issuer, "--apply-to", "request-auth.yaml")
    assert await statuses(place, behind, [token]) == [200]


async def test_a_rotation_refuses_no_token_in_use(place: Workplace, behind: Upstream) -> None:
    """A token of every moment, against the manifests of every later one until its key is dropped."""
    apply = ("--apply-to", "request-auth.yaml")
    tokens = [place.run("generate_keys_and_token.py", "--sub", "ada", "--ttl", "2", "--key-type", "ec", *apply)]
    at_once = ("--settle", "0", "--longest-life", "0", "--leeway", "0")
    place.run("rotate_keys.py", "add", "--key-type", "ed25519", *at_once, *apply)
    tokens.append(place.run("generate_token.py", "--sub", "ada"))
    assert await statuses(place, behind, tokens) == [200, 200]
    place.run("rotate_keys.py", "sign", "--force")
    tokens.append(place.run("generate_token.py", "--sub", "ada"))
    assert await statuses(place, behind, tokens) == [200, 200, 200]
    place.run("rotate_keys.py", "drop", "--force")
    tokens.append(place.run("generate_token.py", "--sub", "ada"))
    assert await statuses(place, behind, tokens) == [401, 401, 200, 200]


def _pem(name: str) -> bytes:
    return private_key(name).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
