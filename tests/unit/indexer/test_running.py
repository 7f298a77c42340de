"""How a command ends."""

import pytest

from domain.errors import BadInput, IndexMismatch, OutOfReach, SearchUnavailable, ServiceError, StoreUnavailable
from indexer.commands import running
from indexer.connectors.errors import ConnectUnavailable
from indexer.errors import KafkaUnavailable


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadInput("x"), 2),
        (IndexMismatch("x"), 2),
        (OutOfReach("x"), 3),
        (StoreUnavailable(), 3),
        (SearchUnavailable(), 3),
        (KafkaUnavailable("x"), 3),
        (ConnectUnavailable("http://worker", "did not answer"), 3),
    ],
)
def test_a_server_that_is_not_there_has_a_code_of_its_own(error: ServiceError, code: int) -> None:
    assert running.refused(error).exit_code == code
