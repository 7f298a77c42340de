"""Reads a Dockerfile and a .dockerignore as far as these tests ask about them."""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template


@dataclass(frozen=True, slots=True)
class Copy:
    """One COPY: from the build context, or from `stage`; paths as they are written."""

    stage: str | None
    sources: Sequence[str]
    target: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A FROM and what follows it, as (keyword, value) in their order."""

    name: str
    base: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def values(self, keyword: str) -> Sequence[str]:
        return [value for given, value in self.instructions if given == keyword]

    def value(self, keyword: str) -> str:
        """The one that counts: the last."""
        return self.values(keyword)[-1]

    def command(self, keyword: str) -> list[str]:
        """The exec form, a JSON list, which may follow options."""
        text = self.value(keyword)
        words: list[str] = json.loads(text[text.index("[") :])
        return words

    def copies(self) -> Sequence[Copy]:
        found = []
        for value in self.values("COPY"):
            options = [word for word in shlex.split(value) if word.startswith("--")]
            *sources, target = [word for word in shlex.split(value) if not word.startswith("--")]
            stages = [option.removeprefix("--from=") for option in options if option.startswith("--from=")]
            found.append(Copy(stages[0] if stages else None, sources, target))
        return found

    def environment(self, **arguments: str) -> Mapping[str, str]:
        """The ENV of a container, built with these ARGs."""
        known: dict[str, str] = {"PATH": "/usr/bin"}
        given: dict[str, str] = {}
        for keyword, value in self.instructions:
            if keyword == "ARG":
                name, _, default = value.partition("=")
                known[name] = arguments.get(name, default)
            elif keyword == "ENV":
                pairs = dict(word.split("=", 1) for word in shlex.split(value))
                set_now = {name: Template(text).substitute(known) for name, text in pairs.items()}
                known |= set_now
                given |= set_now
        return given


def read_stages(path: Path) -> Sequence[Stage]:
    """The stages of the file, the final one last."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    stages: list[Stage] = []
    for line in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines():
        keyword, _, value = line.strip().partition(" ")
        if keyword == "FROM":
            base, *alias = value.split()
            stages.append(Stage(name=alias[1] if alias else "", base=base))
        elif keyword:
            stages[-1].instructions.append((keyword, value.strip()))
    return stages


def is_ignored(path: str, patterns: Sequence[str]) -> bool:
    """Whether a .dockerignore of these patterns keeps `path` out of the build: the last that matches decides."""
    ignored = False
    for pattern in patterns:
        if re.match(_as_regex(pattern.removeprefix("!")), path):
            ignored = not pattern.startswith("!")
    return ignored


def read_patterns(path: Path) -> Sequence[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _as_regex(pattern: str) -> str:
    """A match of a folder is one of all that it holds."""
    text = re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
    return text + "(?:/|$)"
