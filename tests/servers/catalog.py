"""Every real server by its name."""

from enum import Enum

from tests.servers.connect import ConnectServer
from tests.servers.elasticsearch import ElasticsearchServer
from tests.servers.kafka import KafkaServer
from tests.servers.local import LocalServer
from tests.servers.mongodb import MongoServer


class Name(Enum):
    """What a server is called on the command line."""

    MONGODB = "mongodb"
    ELASTICSEARCH = "elasticsearch"
    KAFKA = "kafka"
    KAFKA_CONNECT = "kafka-connect"


SERVERS: dict[Name, type[LocalServer]] = {
    Name.MONGODB: MongoServer,
    Name.ELASTICSEARCH: ElasticsearchServer,
    Name.KAFKA: KafkaServer,
    Name.KAFKA_CONNECT: ConnectServer,
}
