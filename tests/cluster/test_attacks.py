"""The attack table through the gateway and the sidecar that istiod has configured: the same verdicts as everywhere."""

from collections.abc import AsyncIterator, Callable

import pytest

from keytool.checks.jwks import PLACEHOLDER
from tests.cluster import surroundings
from tests.cluster.manifests import ISTIO, Manifests
from tests.cluster.mesh import Mesh
from tests.cluster.upstream import Upstream
from tests.fixtures.attacks import BODY, JWKS, TABLE, Attack
from tests.fixtures.issuer import ISSUER, token
from tests.integration.istio.raw_http import send

ATTACKS = [attack for attacks in TABLE.values() for attack in attacks]


@pytest.fixture(scope="module")
async def tables_issuer(mesh: Mesh, manifests: Manifests) -> AsyncIterator[None]:
    """The shipped manifest with the table's issuer and keys, in force."""
    shipped = (ISTIO / "request-auth.yaml").read_text()
    filled = shipped.replace(f"jwks: {PLACEHOLDER}", f"jwks: '{JWKS}'").replace("https://issuer.example.com", ISSUER)
    await mesh.trust_issuer(filled, token())
    yield
    await mesh.trust(manifests)


@pytest.mark.usefixtures("tables_issuer")
async def test_every_attack_meets_the_verdict_of_the_table(
    mesh: Mesh, upstream: Upstream, record_property: Callable[[str, object], None]
) -> None:
    met = [(attack, await _status(mesh, attack)) for attack in ATTACKS]
    wrong = [f"{attack.name}: {status}, not {attack.envoy}" for attack, status in met if status != attack.envoy]
    assert not wrong, "\n".join(wrong)
    assert len(upstream.seen) == sum(status == 200 for _, status in met)
    record_property("show", f"{len(met)} attacks, {len(upstream.seen)} of them let in as the table says")


async def _status(mesh: Mesh, attack: Attack) -> int:
    request = attack.request()
    target = f"/graphql?{request.query}" if request.query else "/graphql"
    headers = [("Content-Type", "application/json"), *request.headers]
    response = await send(surroundings.HTTPS_PORT, "POST", target, headers, body=BODY, tls=mesh.trusting())
    return response.status
