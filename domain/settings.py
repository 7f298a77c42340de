"""The settings, read from the environment once; which of them are given decides the mode."""

from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from domain.errors import SettingsError


class Mode(StrEnum):
    """Which parts serve: see docs/adr/0002."""

    CLUSTER = "cluster"
    WITHOUT_KAFKA = "without-kafka"
    EMBEDDED = "embedded"


class Environment(StrEnum):
    PRODUCTION = "production"
    DEVELOPMENT = "development"


def _seconds(value: Any) -> Any:
    """A plain number is seconds; anything else is pydantic's to read (ISO 8601: `P30D`, `PT5S`)."""
    if isinstance(value, str):
        try:
            return timedelta(seconds=float(value))
        except OverflowError:
            raise ValueError("there is no duration as long as that") from None
        except ValueError:
            return value
    return value


def _json(value: Any) -> Any:
    """JSON of a variable, read here so that a mistake in it is told like any other."""
    if isinstance(value, str):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError as exc:
            raise ValueError(f"this is not JSON: {exc}") from None
    return value


Duration = Annotated[timedelta, BeforeValidator(_seconds)]


def _within(least: timedelta, most: timedelta) -> AfterValidator:
    def check(value: timedelta) -> timedelta:
        if not least <= value <= most:
            raise ValueError(f"give {least.total_seconds():g} to {most.total_seconds():.10g} s")
        return value

    return AfterValidator(check)


_MILLISECOND, _SECOND, _HOUR, _DAY = (timedelta(seconds=seconds) for seconds in (0.001, 1, 3600, 86_400))
Wait = Annotated[Duration, _within(_MILLISECOND, _DAY)]
"""How long to wait for something: neither nothing nor for ever."""
PeerName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]


class PeerSettings(BaseModel):
    """One entry of PEERS: where a peer is, and what is sent to it."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    url: str = Field(description="srv://name, static://host:port,... or file:///path")
    path: str = Field("/graphql", pattern=r"^/[!-~]*$")
    tls: bool = Field(False, description="inside a mesh its sidecars do that")
    http2: bool = Field(False, description="HTTP/2 also without TLS; with TLS it is agreed on where the peer has it")
    timeout: Wait = timedelta(seconds=2)
    forward_token: bool = Field(False, description="whether the peer gets the caller's own token")


class Settings(BaseSettings):
    """Every setting, by its variable's name in lower case. Durations are seconds or ISO 8601."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    # Parts: which of these are given is the mode.
    mongodb_url: SecretStr | None = Field(None, description="mongodb://.../?replicaSet=...")
    elasticsearch_url: SecretStr | None = Field(None, description="http(s)://host:9200, credentials allowed")
    kafka_bootstrap_servers: str | None = Field(None, description="host:port[,host:port]")
    connect_url: SecretStr = Field(SecretStr("http://localhost:8083"), description="a Kafka Connect worker")
    data_dir: Path = Field(Path("data"), description="where the embedded mode keeps its files")

    # Names in those parts.
    mongodb_database: str = "users"
    search_alias: str = Field("users", pattern=r"^[a-z][a-z0-9_-]{0,62}$")
    kafka_topic: str = Field("users", pattern=r"^[a-zA-Z0-9._-]{1,200}$")
    kafka_partitions: int = Field(12, ge=1, le=1000)
    kafka_replication: int = Field(1, ge=1, le=9)
    kafka_security_protocol: str = Field("PLAINTEXT", pattern=r"^(PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL)$")
    kafka_sasl_mechanism: str = Field("SCRAM-SHA-512", pattern=r"^(PLAIN|SCRAM-SHA-256|SCRAM-SHA-512)$")
    kafka_username: str | None = None
    kafka_password: SecretStr | None = None

    # Elasticsearch's index.
    search_shards: int = Field(1, ge=1, le=100)
    search_replicas: int = Field(1, ge=0, le=10)
    search_refresh_interval: Wait = timedelta(seconds=1)

    # How long to wait.
    store_timeout: Wait = timedelta(seconds=5)
    search_timeout: Wait = timedelta(seconds=5)
    request_timeout: Wait = timedelta(seconds=30)
    shutdown_timeout: Wait = timedelta(seconds=10)

    # The API.
    environment: Environment = Environment.PRODUCTION
    host: str = "0.0.0.0"  # noqa: S104 (a container's port is its own; Istio decides who reaches it)
    port: int = Field(8000, ge=0, le=65535)
    graphiql: bool | None = None
    introspection: bool | None = None
    cors_origins: str | None = Field(
        None,
        pattern=r"^ *(https?://[^/, ]+|\*)( *, *https?://[^/, ]+)* *$",
        description="of pages that call this port: https://app.example.com[,...]",
    )
    max_query_depth: int = Field(12, ge=1)
    max_query_aliases: int = Field(30, ge=1)
    max_query_tokens: int = Field(2000, ge=1)
    max_variable_values: int = Field(20_000, ge=1)
    max_body_bytes: int = Field(2_000_000, ge=1024)
    change_token_secret: SecretStr | None = None
    app_version: str = "0.0.0-dev"
    log_level: str = Field("INFO", pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")

    # Who calls.
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    jwt_jwks: str | None = Field(None, description="a JWKS as JSON, a file's path, or an https URL")
    jwt_leeway: Annotated[Duration, _within(timedelta(0), _HOUR)] = timedelta(seconds=60)
    jwt_roles_claim: str = "roles"
    role_scopes: Annotated[dict[str, list[str]], NoDecode, BeforeValidator(_json)] = Field(
        default_factory=dict, description='{"support": ["user:read"]}'
    )
    trust_mesh_claims: bool = Field(False, description="take a sidecar's x-jwt-payload where there is no token")

    # Other services.
    peers: Annotated[dict[PeerName, PeerSettings], NoDecode, BeforeValidator(_json)] = Field(
        default_factory=dict, description='{"posts": {"url": "srv://_graphql._tcp.posts.default.svc"}}'
    )
    peer_schemas: str = Field("", description="SDL files, or folders of *.graphql, separated by commas")

    circuits: Annotated[dict[str, Literal["open", "closed"]], NoDecode, BeforeValidator(_json)] = Field(
        default_factory=dict, description='held so whatever happens: {"peer posts": "open"}'
    )

    # The users.
    phone_region: str = Field("US", pattern=r"^[A-Z]{2}$", description="where a phone number without + is from")
    tombstone_retention: Annotated[Duration, _within(timedelta(0), 3650 * _DAY)] = timedelta(days=30)

    # The indexer.
    indexer_port: int = Field(9000, ge=0, le=65535, description="its /livez, /readyz and /metrics")
    batch_count: int = Field(500, ge=1, le=1000)
    batch_bytes: int = Field(5_000_000, ge=10_000)
    batch_wait: Annotated[Duration, _within(timedelta(0), 60 * _SECOND)] = timedelta(milliseconds=50)
    batch_max_age: Annotated[Duration, _within(_MILLISECOND, 300 * _SECOND)] = timedelta(minutes=5)
    lease_duration: Annotated[Duration, _within(_SECOND, _HOUR)] = timedelta(seconds=10)

    @cached_property
    def mode(self) -> Mode:
        """Raises SettingsError, naming what is missing, for a combination that is no mode."""
        given = (
            self.mongodb_url is not None,
            self.elasticsearch_url is not None,
            self.kafka_bootstrap_servers is not None,
        )
        match given:
            case (False, False, False):
                return Mode.EMBEDDED
            case (True, True, False):
                return Mode.WITHOUT_KAFKA
            case (True, True, True):
                return Mode.CLUSTER
        names = ("MONGODB_URL", "ELASTICSEARCH_URL", "KAFKA_BOOTSTRAP_SERVERS")
        missing = " and ".join(name for name, is_given in zip(names[:2], given[:2], strict=True) if not is_given)
        present = " and ".join(name for name, is_given in zip(names, given, strict=True) if is_given)
        raise SettingsError(
            f"{present} without {missing}: set {missing} too, or unset {present} for the embedded mode."
        )

    @property
    def development(self) -> bool:
        return self.environment is Environment.DEVELOPMENT

    @property
    def graphiql_on(self) -> bool:
        return self.development if self.graphiql is None else self.graphiql

    @property
    def introspection_on(self) -> bool:
        return self.development if self.introspection is None else self.introspection


def load_settings(**overrides: Any) -> Settings:
    """The settings of this process's environment. Raises SettingsError, naming each bad variable."""
    try:
        settings = Settings(**overrides)
    except ValidationError as exc:
        lines = [
            f"{'.'.join(str(part) for part in e['loc']).upper()}: {e['msg'].removeprefix('Value error, ')}"
            for e in exc.errors()
        ]
        raise SettingsError("Settings are refused: " + "; ".join(lines)) from None
    _ = settings.mode
    return settings
