"""A connector's file: its shape, its name, and what does not go with this service."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.settings import Settings
from indexer.connectors.errors import ConnectorRefused
from indexer.connectors.file import ConnectorFile, base_of, parse, unfit, unknown

CONFIG = {"connector.class": "a.Sink", "topics": "users", "consumer.override.isolation.level": "read_committed"}


def _file(**more: str) -> ConnectorFile:
    return ConnectorFile("users-sink", {**CONFIG, **{key.replace("__", "."): value for key, value in more.items()}})


def _refusal(content: Any) -> list[str]:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    with pytest.raises(ConnectorRefused) as caught:
        parse(raw, "sink.json")
    assert caught.value.message.startswith("sink.json is refused:\n  ")
    return list(caught.value.reasons)


def test_a_file_is_read() -> None:
    assert parse(json.dumps({"name": "users-sink", "config": CONFIG}).encode(), "sink.json") == _file()


def test_what_is_not_json_is_told_with_its_place() -> None:
    (reason,) = _refusal(b'{"name": "a",\n "config" {}}')
    assert reason.startswith("it is not JSON:")
    assert "line 2, column 11" in reason


@pytest.mark.parametrize("content", [[], {}, {"name": "a"}, CONFIG, {"name": "a", "config": []}])
def test_another_shape_is_refused(content: Any) -> None:
    assert _refusal(content) == ['it has to be {"name": "…", "config": {…}} and nothing else.']


def test_everything_that_is_wrong_is_told_at_once() -> None:
    assert _refusal({"name": "Users", "config": {"tasks.max": 1, "key.ignore": False}}) == [
        "name: lower-case letters, digits, dots, underscores and hyphens, at most 100 of them.",
        'tasks.max: Kafka Connect takes texts only: write "1" in quotes.',
        'key.ignore: Kafka Connect takes texts only: write "false" in quotes.',
        "connector.class: missing; it says which plugin this is for.",
    ]


def test_the_order_of_options_does_not_make_another_connector() -> None:
    assert ConnectorFile("a", dict(reversed(CONFIG.items()))).name == ConnectorFile("a", CONFIG).name


@given(
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=4),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=4),
)
def test_another_configuration_is_another_connector_of_the_same_file(one: dict[str, str], two: dict[str, str]) -> None:
    names = [ConnectorFile("users-sink", config).name for config in (one, two)]
    assert (names[0] == names[1]) is (one == two)
    assert [base_of(name) for name in names] == ["users-sink", "users-sink"]


@pytest.mark.parametrize(
    "name", ["users-sink", "users-sink-", "users-sink-0123", "users-sink-0123456789abc", "0123456789"]
)
def test_a_connector_that_no_file_made_has_no_base(name: str) -> None:
    assert base_of(name) is None


def test_a_file_that_fits() -> None:
    fitting = _file(camel__sink__url="${env:ELASTICSEARCH_URL}/users/_doc/${header[key]}")
    assert unfit(fitting, Settings()) == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"topics": "people"}, "topics: people; it has to be users, as KAFKA_TOPIC says."),
        ({"topics": "users,people"}, "topics: users,people; it has to be users, as KAFKA_TOPIC says."),
        (
            {"topic__to__external__resource__mapping": "users:people"},
            "topic.to.external.resource.mapping: it names the index people, but it has to be users.",
        ),
        (
            {"camel__sink__url": "http://a:9200/people/_doc/${header[key]}"},
            "camel.sink.url: it names the index people, but it has to be users.",
        ),
        (
            {"consumer__override__isolation__level": "read_uncommitted"},
            (
                "consumer.override.isolation.level: it has to be read_committed, "
                "or what a relay took back gets into the index."
            ),
        ),
    ],
)
def test_what_does_not_fit_is_told(options: dict[str, str], reason: str) -> None:
    assert unfit(_file(**options), Settings()) == [reason]


def test_a_topic_pattern_is_no_topic() -> None:
    config = {key: value for key, value in CONFIG.items() if key != "topics"} | {"topics.regex": "users.*"}
    assert unfit(ConnectorFile("a", config), Settings()) == [
        "topics: missing; it has to be users, as KAFKA_TOPIC says."
    ]


def test_topic_and_alias_have_one_name() -> None:
    assert unfit(_file(), Settings(search_alias="people")) == [
        "KAFKA_TOPIC is users and SEARCH_ALIAS people: a connector needs one name for both."
    ]


def test_an_option_that_nobody_knows_is_told_with_the_nearest_one() -> None:
    file = _file(key__ignor="true", nonsense="1", value__converter__schemas__enable="false")
    assert unknown(file, {*CONFIG, "key.ignore"}) == [
        "key.ignor: a.Sink has no such option: did you mean key.ignore?",
        "nonsense: a.Sink has no such option.",
    ]
