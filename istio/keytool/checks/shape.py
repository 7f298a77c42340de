"""What a value may look like: the few words that the table of known fields is written in."""

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Union

from keytool.checks.document import Path


class Leaf(Enum):
    TEXT = "a text"
    NUMBER = "a whole number, 0 or more"
    FRACTION = "a number"
    FLAG = "true or false"
    DURATION = "a duration such as 500ms, 30s or 1h, at least 1ms"
    PERCENT = "a whole number from 0 to 100"
    PORT = "a port from 1 to 65535"
    STATUS = "an HTTP status from 200 to 599"
    LABELS = "an object of texts"


Shape = Union[Leaf, frozenset[str], list["Shape"], Mapping[str, "Shape"]]  # noqa: UP007 (a recursive alias needs it)
"""A leaf; one of some words; a list of a shape; or an object of members: `name!` is required, `*` is any other name."""

_DURATION = re.compile(r"(\d+(\.\d+)?(h|m|s|ms|us|ns))+")
_SECONDS = {"h": 3600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_RANGES = {Leaf.NUMBER: (0, 2**31 - 1), Leaf.PERCENT: (0, 100), Leaf.PORT: (1, 65535), Leaf.STATUS: (200, 599)}


def mismatches(value: object, shape: Shape, path: Path) -> Iterator[tuple[Path, str, str]]:
    """Where `value` differs from `shape`: the path, what is wrong, what to do."""
    match shape:
        case Leaf():
            if not _fits(value, shape):
                yield path, f"{_name(path)} is {_shown(value)}", f"give {shape.value}"
        case frozenset():
            if value not in shape:
                yield path, f"{_name(path)} is {_shown(value)}", f"give one of {', '.join(sorted(shape))}"
        case list():
            yield from _list_mismatches(value, shape[0], path)
        case _:
            yield from _object_mismatches(value, shape, path)


def _list_mismatches(value: object, item: Shape, path: Path) -> Iterator[tuple[Path, str, str]]:
    if not isinstance(value, list):
        yield path, f"{_name(path)} is {_shown(value)}", "give a list"
        return
    for place, member in enumerate(value):
        yield from mismatches(member, item, (*path, place))


def _object_mismatches(value: object, members: Mapping[str, Shape], path: Path) -> Iterator[tuple[Path, str, str]]:
    if not isinstance(value, Mapping):
        yield path, f"{_name(path)} is {_shown(value)}", "give an object"
        return
    known = {name.rstrip("!"): member for name, member in members.items()}
    for name, member in value.items():
        shape = known.get(name, known.get("*"))
        if shape is None:
            yield (*path, name), f"unknown field {name} in {_name(path)}", f"known are {', '.join(sorted(known))}"
        else:
            yield from mismatches(member, shape, (*path, name))
    for name in members:
        if name.endswith("!") and name.rstrip("!") not in value:
            yield path, f"{_name(path)} has no {name.rstrip('!')}", "add it"


def _fits(value: object, leaf: Leaf) -> bool:
    match leaf:
        case Leaf.TEXT:
            return isinstance(value, str) and value != ""
        case Leaf.FLAG:
            return isinstance(value, bool)
        case Leaf.FRACTION:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case Leaf.DURATION:
            return isinstance(value, str) and _is_duration(value)
        case Leaf.LABELS:
            return isinstance(value, Mapping) and all(isinstance(member, str) for member in value.values())
    low, high = _RANGES[leaf]
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_duration(value: str) -> bool:
    """Istio's definitions take a millisecond or more, so zero is no way to say "none"."""
    if not _DURATION.fullmatch(value):
        return False
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in re.findall(r"([\d.]+)([a-z]+)", value))
    return seconds >= 1e-3


def _name(path: Path) -> str:
    """`spec.jwtRules[0].issuer`."""
    shown = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return shown.lstrip(".") or "the document"


def _shown(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, Mapping | list):
        return "an object" if isinstance(value, Mapping) else "a list"
    return repr(value) if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
