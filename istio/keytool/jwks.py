"""Sets of public keys (RFC 7517, section 5), as text that shows one key a line."""

import json
from collections.abc import Iterable, Sequence

from keytool.keys import Jwk

Entries = Sequence[Jwk]


def write(entries: Entries) -> str:
    """One line a key, so that the difference that a rotation makes is a line."""
    lines = ",\n".join(f"  {json.dumps(entry, separators=(', ', ': '))}" for entry in entries)
    return f'{{"keys": [\n{lines}\n]}}'


def read(text: str) -> Entries:
    """The entries of a JWKS. Raises ValueError for anything else."""
    document = json.loads(text)
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError("no list of keys")
    return entries


def kids(entries: Entries) -> Sequence[str]:
    """The names of the keys; a key without one is told by what it has for a name: nothing."""
    return [str(entry.get("kid", "a key without kid")) for entry in entries]


def with_key(entries: Entries, key: Jwk) -> Entries:
    """The same with that key too, in the place of one with the same kid."""
    return [*without(entries, [str(key["kid"])]), key]


def without(entries: Entries, names: Iterable[str]) -> Entries:
    """The same without the keys of those names."""
    dropped = set(names)
    return [entry for entry in entries if entry.get("kid") not in dropped]
