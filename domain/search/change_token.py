"""Change tokens: what a mutation made, signed, for a later search to wait for."""

import base64
import binascii
import hashlib
import hmac
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ulid import ULID

from domain.errors import BadInput
from domain.users.model import User

MAX_CHANGES = 1_000
"""The most changes of one token: an import's rows."""

_CONTEXT = b"user-service change token 1\0"
_CHANGE = struct.Struct(">16sQ")
_MAC_BYTES = 16
_MAX_TEXT = 4 * (MAX_CHANGES * _CHANGE.size + _MAC_BYTES + 2) // 3


@dataclass(frozen=True, slots=True)
class ChangeToken:
    """User `id` came to `version`, by being deleted or otherwise."""

    id: str
    version: int
    deleted: bool


class ChangeTokens:
    """Signs and reads tokens: URL-safe base64 of an HMAC-SHA256 (cut to 128 bits) and the changes, 24 bytes each."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, user: User) -> str:
        return self.sign_many((user,))

    def sign_many(self, users: Iterable[User]) -> str:
        """One token for all `users`. Raises ValueError for more than MAX_CHANGES."""
        changes = [_CHANGE.pack(ULID.from_str(user.id).bytes, user.version << 1 | user.deleted) for user in users]
        if len(changes) > MAX_CHANGES:
            raise ValueError(f"a change token holds at most {MAX_CHANGES} changes, not {len(changes)}")
        content = b"".join(changes)
        return base64.urlsafe_b64encode(self._mac(content) + content).rstrip(b"=").decode()

    def read(self, token: str) -> Sequence[ChangeToken]:
        """The changes of a token. Raises BadInput if this service did not sign it."""
        signed = _decode(token)
        mac, content = signed[:_MAC_BYTES], signed[_MAC_BYTES:]
        if len(content) % _CHANGE.size or not hmac.compare_digest(mac, self._mac(content)):
            raise _foreign()
        return [
            ChangeToken(str(ULID.from_bytes(id)), version_and_deleted >> 1, bool(version_and_deleted & 1))
            for id, version_and_deleted in _CHANGE.iter_unpack(content)
        ]

    def _mac(self, content: bytes) -> bytes:
        return hmac.digest(self._secret, _CONTEXT + content, hashlib.sha256)[:_MAC_BYTES]


def _decode(token: str) -> bytes:
    if len(token) > _MAX_TEXT:
        raise _foreign()
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as exc:
        raise _foreign() from exc


def _foreign() -> BadInput:
    return BadInput("waitFor holds a text that is no change token of this service.", field="waitFor")
