"""What is remembered beside the keys, without any secret: until when tokens hold, and a rotation under way."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pydantic import TypeAdapter

from keytool.rotation import Rotation


@dataclass(frozen=True, slots=True)
class State:
    """`last_expiry`: for a kid, the second in which the last token made here with it expires."""

    last_expiry: Mapping[str, int] = field(default_factory=dict)
    rotation: Rotation | None = None

    def with_token(self, kid: str, expiry: int) -> "State":
        return replace(self, last_expiry={**self.last_expiry, kid: max(expiry, self.last_expiry.get(kid, 0))})


_STATE = TypeAdapter(State)


def write(state: State) -> bytes:
    return _STATE.dump_json(state, indent=2) + b"\n"


def read(content: bytes) -> State:
    """Raises ValueError for what `write` would not have written."""
    state = _STATE.validate_json(content)
    if state.rotation is not None and state.rotation.since.tzinfo is None:
        raise ValueError("a time without its zone")
    return state
