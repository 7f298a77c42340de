"""Adapter: instances that a file lists, read again when it changes, for development and tests."""

import asyncio
import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from domain.peers.address import parse_address
from domain.peers.instance import Instance
from domain.peers.resolver import MAX_INSTANCES, Resolution, ResolutionFailed

LOOK_EVERY = timedelta(seconds=1)
MAX_BYTES = 1_048_576
_UINT16 = 65535  # RFC 2782: the largest priority or weight

Version = tuple[int, int, int]


class FileResolver:
    """One `host:port [priority weight]` a line; empty lines and what follows a `#` say nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._version: Version | None = None
        self._resolution = Resolution(frozenset(), LOOK_EVERY)

    async def resolve(self) -> Resolution:
        try:
            return await asyncio.to_thread(self._read)
        except OSError as exc:
            raise ResolutionFailed(str(self._path), f"it cannot be read ({exc.strerror})") from exc
        except ValueError as exc:
            raise ResolutionFailed(str(self._path), str(exc)) from exc

    def _read(self) -> Resolution:
        with self._path.open("rb") as file:
            version = _version(os.fstat(file.fileno()))
            if version != self._version:
                self._resolution = Resolution(frozenset(parse_lines(_text(file.read(MAX_BYTES + 1)))), LOOK_EVERY)
                self._version = version
        return self._resolution


def parse_lines(text: str) -> list[Instance]:
    """Raises ValueError that names the line and says what is wrong."""
    lines: dict[str, int] = {}
    instances: list[Instance] = []
    for number, words in _lines(text):
        try:
            instance = _instance(words)
        except ValueError as exc:
            raise ValueError(f"line {number}: {exc}") from exc
        first = lines.setdefault(instance.address, number)
        if first != number:
            raise ValueError(f"line {number}: {instance.address} is in line {first} already")
        instances.append(instance)
    if len(instances) > MAX_INSTANCES:
        raise ValueError(f"it lists {len(instances)} instances: list at most {MAX_INSTANCES}")
    return instances


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if words := line.partition("#")[0].split():
            yield number, words


def _instance(words: list[str]) -> Instance:
    match words:
        case [address]:
            return Instance(*parse_address(address))
        case [address, priority, weight]:
            return Instance(*parse_address(address), _uint16("priority", priority), _uint16("weight", weight))
    raise ValueError(f"{' '.join(words)!r} is not `host:port` or `host:port priority weight`")


def _uint16(name: str, text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > _UINT16:
        raise ValueError(f"the {name} {text!r} is not a number from 0 to {_UINT16}")
    return int(text)


def _text(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError as exc:
        raise ValueError("it is not UTF-8 text") from exc


def _version(stat: os.stat_result) -> Version:
    """Another one whenever the file was written or replaced."""
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
