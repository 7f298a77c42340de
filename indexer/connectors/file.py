"""A connector's file: what it has to say for this service, and the name of the connector that it means. Pure.

Kafka Connect reads a topic from the beginning only under a name that it does not know yet, because its consumer group
is `connect-<name>`. So the name of a connector is the file's name and a digest of its configuration.
"""

import difflib
import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from domain.settings import Settings
from indexer.connectors.errors import ConnectorRefused

ISOLATION = "consumer.override.isolation.level"

_DIGEST_BYTES = 5
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_APPLIED = re.compile(rf"(.+)-[0-9a-f]{{{2 * _DIGEST_BYTES}}}")
_INDEX_IN_URL = re.compile(r"/([^/${}?]+)/_doc/")
_MAPPING = "topic.to.external.resource.mapping"
_OPEN = ("key.converter.", "value.converter.", "header.converter.")
"""What starts so belongs to converters, which a worker does not tell the keys of."""


@dataclass(frozen=True, slots=True)
class ConnectorFile:
    """The file's `name` and `config`."""

    base: str
    config: Mapping[str, str]

    @property
    def name(self) -> str:
        """What the connector is called in Kafka Connect: another configuration is another connector."""
        text = orjson.dumps(self.config, option=orjson.OPT_SORT_KEYS)
        return f"{self.base}-{hashlib.blake2b(text, digest_size=_DIGEST_BYTES).hexdigest()}"

    @property
    def plugin(self) -> str:
        return self.config["connector.class"]


def base_of(name: str) -> str | None:
    """The name of the file that a connector of this name was applied from, if it was."""
    found = _APPLIED.fullmatch(name)
    return found[1] if found else None


def parse(content: bytes, label: str) -> ConnectorFile:
    """Read a file's content. Raises ConnectorRefused, naming it by `label`."""
    try:
        read = orjson.loads(content)
    except orjson.JSONDecodeError as exc:
        raise ConnectorRefused(label, [f"it is not JSON: {exc.msg} in line {exc.lineno}, column {exc.colno}."]) from exc
    if reasons := _misshapen(read):
        raise ConnectorRefused(label, reasons)
    return ConnectorFile(read["name"], read["config"])


def _misshapen(read: Any) -> list[str]:
    """What is not as {"name": text, "config": {text: text}} in what was read."""
    if not isinstance(read, dict) or read.keys() != {"name", "config"} or not isinstance(read["config"], dict):
        return ['it has to be {"name": "…", "config": {…}} and nothing else.']
    reasons = []
    if not isinstance(read["name"], str) or not _NAME.fullmatch(read["name"]):
        reasons.append("name: lower-case letters, digits, dots, underscores and hyphens, at most 100 of them.")
    reasons += [
        f'{key}: Kafka Connect takes texts only: write "{str(value).lower()}" in quotes.'
        for key, value in read["config"].items()
        if not isinstance(value, str)
    ]
    if not read["config"].get("connector.class"):
        reasons.append("connector.class: missing; it says which plugin this is for.")
    return reasons


def unfit(file: ConnectorFile, settings: Settings) -> Sequence[str]:
    """What in `file` does not go with this service's topic and index, in words."""
    topic, alias, config = settings.kafka_topic, settings.search_alias, file.config
    reasons = []
    if topic != alias:
        reasons.append(f"KAFKA_TOPIC is {topic} and SEARCH_ALIAS {alias}: a connector needs one name for both.")
    if config.get("topics") != topic:
        reasons.append(f"topics: {config.get('topics', 'missing')}; it has to be {topic}, as KAFKA_TOPIC says.")
    reasons += [f"{key}: it names the index {index}, but it has to be {alias}." for key, index in _others(file, alias)]
    if config.get(ISOLATION) != "read_committed":
        reasons.append(f"{ISOLATION}: it has to be read_committed, or what a relay took back gets into the index.")
    return reasons


def _others(file: ConnectorFile, alias: str) -> Sequence[tuple[str, str]]:
    """The options that name another index, and which."""
    named = [(key, found) for key, value in file.config.items() for found in _INDEX_IN_URL.findall(value)]
    mapped = [pair.rpartition(":")[2].strip() for pair in file.config.get(_MAPPING, "").split(",") if pair]
    return [(key, index) for key, index in [*named, *((_MAPPING, index) for index in mapped)] if index != alias]


def unknown(file: ConnectorFile, known: Collection[str]) -> Sequence[str]:
    """The options that neither the plugin nor the worker knows, in words: Kafka Connect itself would ignore them."""
    strange = [key for key in file.config if key not in known and not key.startswith(_OPEN)]
    return [f"{key}: {file.plugin} has no such option{_suggestion(key, known)}" for key in strange]


def _suggestion(key: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    return f": did you mean {close[0]}?" if close else "."
