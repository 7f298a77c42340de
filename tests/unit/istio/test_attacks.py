"""The attack table is whole, explains every difference, and is what docs/identity.md shows."""

from itertools import chain
from pathlib import Path

import pytest

from tests.fixtures.attacks import TABLE, Attack, as_markdown

PAGE = Path(__file__).parents[3] / "docs" / "identity.md"
ATTACKS = list(chain.from_iterable(TABLE.values()))

ASKED_FOR = """
no token; empty header; `Bearer` only; two headers; lower-case scheme; expired; not yet valid; issued in the future
wrong issuer; wrong audience; audience list; missing sub; alg none; alg None; alg NONE; HS256 signed with the public key
other RSA key, right kid; right key, unknown kid; jku; x5u; jwk; crit; one bit; stripped signature; padded base64
not canonical; sub of another user, twice; 64 KB; deep JSON; roles as text; roles as a number; roles as a nested list
query string
""".strip().replace("\n", ";")


@pytest.mark.parametrize("name", [part.strip() for part in ASKED_FOR.split(";")])
def test_what_has_to_be_tried_is_in_the_table(name: str) -> None:
    assert any(name in attack.name for attack in ATTACKS)


def test_names_are_told_apart() -> None:
    names = [attack.name for attack in ATTACKS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_a_difference_is_explained_and_nothing_else_is(attack: Attack) -> None:
    assert ((attack.envoy == 200) != (attack.service == 200)) is bool(attack.difference)
    assert attack.service in (200, 401)
    assert attack.envoy in (200, 401, 403, 431)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_every_request_can_be_made(attack: Attack) -> None:
    assert all(isinstance(part, str) for header in attack.request().headers for part in header)


def test_the_page_shows_the_table() -> None:
    assert as_markdown() in PAGE.read_text()
