"""The served process against the audits of GraphQL over HTTP that the npm package graphql-http holds."""

import asyncio
import json
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fixtures.npm import install_packages
from tests.integration.graph.process import serving

_FOLDER = Path(__file__).parent / "audit"
_TIMEOUT = 60  # seconds for all audits together

AUDITS = dict(line.split(" ", 1) for line in (_FOLDER / "audits.txt").read_text().splitlines())
"""By id: what the audit asks for."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`status` is ok, or what not keeping to it amounts to: notice (a MAY), warn (a SHOULD) or error (a MUST)."""

    id: str
    name: str
    status: str
    reason: str | None


@pytest.fixture(scope="module")
async def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    """What came of every audit that the package holds, by its id."""
    await asyncio.to_thread(install_packages, _FOLDER)
    async with serving(tmp_path_factory.mktemp("audit")) as (_, client):
        command = ["audit.mjs", str(client.base_url.join("/graphql")), client.headers["authorization"]]
        process = await asyncio.create_subprocess_exec("node", *command, cwd=_FOLDER, stdout=PIPE)
        try:
            async with asyncio.timeout(_TIMEOUT):
                output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert process.returncode == 0, "the audits did not run; standard error says why"
    return {fields["id"]: Outcome(**fields) for fields in json.loads(output)}


def test_the_package_holds_the_audits_that_are_listed(outcomes: Mapping[str, Outcome]) -> None:
    assert {id: outcome.name for id, outcome in outcomes.items()} == AUDITS


@pytest.mark.parametrize("id", AUDITS)
def test_audit(outcomes: Mapping[str, Outcome], id: str) -> None:
    outcome = outcomes[id]
    assert outcome.status == "ok", f"{outcome.name}: {outcome.reason}"
