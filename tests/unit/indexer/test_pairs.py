import pytest

from domain.errors import SettingsError
from domain.settings import load_settings
from indexer.pairs import DIRECT, EMBEDDED, INDEXER, RELAY, From, Pair, To, choose
from indexer.topics import POLICY, differences

MONGO = {"mongodb_url": "mongodb://m"}
SEARCH = {"elasticsearch_url": "http://e"}
KAFKA = {"kafka_bootstrap_servers": "k:9092"}
NONE: dict[str, str] = {}


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MONGODB_URL", "ELASTICSEARCH_URL", "KAFKA_BOOTSTRAP_SERVERS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("given", "source", "sink", "pairs"),
    [
        (NONE, None, None, [EMBEDDED]),
        (NONE, From.SQLITE, To.TANTIVY, [EMBEDDED]),
        (MONGO | SEARCH, None, None, [DIRECT]),
        (MONGO | SEARCH, From.MONGO, None, [DIRECT]),
        (MONGO | SEARCH | KAFKA, None, None, [RELAY, INDEXER]),
        (MONGO | SEARCH | KAFKA, From.MONGO, To.KAFKA, [RELAY]),
        (MONGO | SEARCH | KAFKA, None, To.ELASTICSEARCH, [INDEXER]),
    ],
)
def test_the_pairs_of_a_mode(given: dict[str, str], source: From | None, sink: To | None, pairs: list[Pair]) -> None:
    assert list(choose(load_settings(**given), source, sink)) == pairs


THREE = "MONGODB_URL, ELASTICSEARCH_URL and KAFKA_BOOTSTRAP_SERVERS"
ALL = (
    "--from kafka --to elasticsearch, --from mongo --to elasticsearch, "
    "--from mongo --to kafka, --from sqlite --to tantivy"
)


@pytest.mark.parametrize(
    ("given", "source", "sink", "message"),
    [
        (
            NONE,
            From.MONGO,
            To.KAFKA,
            f"--from mongo --to kafka does not run in the mode embedded: set {THREE}.",
        ),
        (
            MONGO | SEARCH,
            From.KAFKA,
            None,
            "--from kafka --to (any) does not run in the mode without-kafka: set KAFKA_BOOTSTRAP_SERVERS.",
        ),
        (
            NONE,
            From.MONGO,
            To.ELASTICSEARCH,
            "--from mongo --to elasticsearch does not run in the mode embedded: set MONGODB_URL and ELASTICSEARCH_URL.",
        ),
        (
            MONGO | SEARCH | KAFKA,
            From.MONGO,
            To.ELASTICSEARCH,
            "--from mongo --to elasticsearch does not run in the mode cluster: unset KAFKA_BOOTSTRAP_SERVERS.",
        ),
        (
            MONGO | SEARCH | KAFKA,
            From.SQLITE,
            None,
            f"--from sqlite --to (any) does not run in the mode cluster: unset {THREE}.",
        ),
        (
            MONGO | SEARCH,
            From.SQLITE,
            To.KAFKA,
            f"There is no pipeline --from sqlite --to kafka: choose one of {ALL}.",
        ),
    ],
)
def test_an_impossible_pair_names_what_to_change(
    given: dict[str, str], source: From | None, sink: To | None, message: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        choose(load_settings(**given), source, sink)
    assert caught.value.message == message


def test_a_topic_that_is_not_what_is_needed() -> None:
    assert differences(POLICY) == []
    assert differences({**POLICY, "cleanup.policy": "delete", "segment.ms": "604800000"}) == [
        "cleanup.policy is delete, not compact",
        "segment.ms is 604800000, not 3600000",
    ]
