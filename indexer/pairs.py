"""The pairs of a source and a sink by name, and which of them the settings mean. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.errors import SettingsError
from domain.settings import Mode, Settings


class From(StrEnum):
    SQLITE = "sqlite"
    MONGO = "mongo"
    KAFKA = "kafka"


class To(StrEnum):
    TANTIVY = "tantivy"
    KAFKA = "kafka"
    ELASTICSEARCH = "elasticsearch"


@dataclass(frozen=True, slots=True)
class Pair:
    source: From
    sink: To

    @property
    def name(self) -> str:
        return f"{self.source}-to-{self.sink}"


RELAY = Pair(From.MONGO, To.KAFKA)
INDEXER = Pair(From.KAFKA, To.ELASTICSEARCH)
DIRECT = Pair(From.MONGO, To.ELASTICSEARCH)
EMBEDDED = Pair(From.SQLITE, To.TANTIVY)

PAIRS: dict[Mode, tuple[Pair, ...]] = {
    Mode.EMBEDDED: (EMBEDDED,),
    Mode.WITHOUT_KAFKA: (DIRECT,),
    Mode.CLUSTER: (RELAY, INDEXER),
}


def choose(settings: Settings, source: From | None, sink: To | None) -> Sequence[Pair]:
    """The pairs of the settings' mode; the one that `source` and `sink` name, if they do.

    Raises SettingsError, naming the variable, if there is no such pair, or not in this mode.
    """
    pairs = PAIRS[settings.mode]
    chosen = [pair for pair in pairs if source in (None, pair.source) and sink in (None, pair.sink)]
    if chosen:
        return chosen
    wanted = f"--from {source or '(any)'} --to {sink or '(any)'}"
    known = {pair for all in PAIRS.values() for pair in all}
    fitting = [pair for pair in known if source in (None, pair.source) and sink in (None, pair.sink)]
    if not fitting:
        names = ", ".join(sorted(f"--from {pair.source} --to {pair.sink}" for pair in known))
        raise SettingsError(f"There is no pipeline {wanted}: choose one of {names}.")
    raise SettingsError(f"{wanted} does not run in the mode {settings.mode}: {_advice(settings, fitting[0])}.")


def _advice(settings: Settings, pair: Pair) -> str:
    """Which variables to set, or else to unset, to get to a mode with `pair`."""
    given = {
        "MONGODB_URL": settings.mongodb_url is not None,
        "ELASTICSEARCH_URL": settings.elasticsearch_url is not None,
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers is not None,
    }
    names = tuple(given)
    needed = {EMBEDDED: (), DIRECT: names[:2]}.get(pair, names)
    if missing := [name for name in needed if not given[name]]:
        return f"set {_listed(missing)}"
    return f"unset {_listed([name for name in names if given[name] and name not in needed])}"


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
