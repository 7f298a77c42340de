"""Who delivers which dead letter again, and what is told of it."""

from dataclasses import replace

from domain.settings import Mode
from indexer.dead_letters import DeadLetter
from indexer.replay import NO_USER, Replayed, became, plan
from tests.unit.indexer.fakes import NOON, user_id

LETTER = DeadLetter(user_id(1), 3, "mongo-to-kafka", "too long", 1, NOON)
INDEX = DeadLetter(user_id(2), 4, "kafka-to-elasticsearch", "too deep", 1, NOON)
OTHER = DeadLetter(user_id(3), 5, "mongo-to-elasticsearch", "too deep", 1, NOON)
POISON = DeadLetter("", 0, "users/3/17", "not JSON", 1, NOON)


def test_the_index_of_the_cluster_is_written_here_all_else_by_its_pipeline() -> None:
    made = plan([LETTER, INDEX, OTHER, POISON, replace(LETTER, id=user_id(4))], Mode.CLUSTER)
    assert made.directly == {INDEX.id: 4}
    assert made.asked == {"mongo-to-kafka": {LETTER.id: 3, user_id(4): 3}}
    assert made.impossible == {
        OTHER.id: "mongo-to-elasticsearch does not run in the mode cluster: drop it, and verify.",
        POISON.key: NO_USER,
    }


def test_without_kafka_the_pipeline_is_asked() -> None:
    made = plan([OTHER], Mode.WITHOUT_KAFKA)
    assert (made.directly, made.asked, made.impossible) == ({}, {"mongo-to-elasticsearch": {OTHER.id: 5}}, {})


def test_what_became_of_a_letter() -> None:
    assert became(LETTER, None, {}) == Replayed(LETTER.id, delivered=True)
    again = replace(LETTER, attempts=2, reason="too deep")
    assert became(LETTER, again, {}).why == "refused again, attempt 2: too deep"
    assert became(POISON, POISON, {POISON.key: NO_USER}) == Replayed(POISON.key, delivered=False, why=NO_USER)
