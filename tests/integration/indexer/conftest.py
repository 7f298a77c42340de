"""The modes, each with a database, an index and a topic of its own."""

from pathlib import Path
from uuid import uuid4

import pytest

from tests.integration.indexer.process import Environment, environment_of

MODES = ("embedded", "without-kafka", "cluster")


@pytest.fixture
def embedded(tmp_path: Path) -> Environment:
    return environment_of({"DATA_DIR": str(tmp_path / "data")})


@pytest.fixture
def without_kafka(mongodb_url: str, elasticsearch_url: str) -> Environment:
    name = f"t{uuid4().hex}"
    return environment_of(
        {
            "MONGODB_URL": mongodb_url,
            "ELASTICSEARCH_URL": elasticsearch_url,
            "MONGODB_DATABASE": name,
            "SEARCH_ALIAS": name,
        }
    )


@pytest.fixture
def cluster(without_kafka: Environment, kafka_bootstrap_servers: str) -> Environment:
    return {
        **without_kafka,
        "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap_servers,
        "KAFKA_TOPIC": without_kafka["SEARCH_ALIAS"],
    }


@pytest.fixture(params=MODES)
def environment(request: pytest.FixtureRequest) -> Environment:
    chosen: Environment = request.getfixturevalue(request.param.replace("-", "_"))
    return chosen
