"""ServiceInfo: what is running here."""

from enum import Enum

import strawberry

from domain.settings import Mode
from graph.context import Info
from graph.field import field


@strawberry.enum(description="Which parts serve.")
class ServiceMode(Enum):
    CLUSTER = Mode.CLUSTER.value
    WITHOUT_KAFKA = Mode.WITHOUT_KAFKA.value
    EMBEDDED = Mode.EMBEDDED.value


@strawberry.type
class ServiceInfo:
    version: str = strawberry.field(description="The release, as its tag says it: `1.4.0`; `0.0.0-dev` outside of one.")
    mode: ServiceMode

    @field("Seconds that search is behind; null while not known.")
    async def index_lag(self, info: Info) -> float | None:
        return await info.context.services.index_lag.seconds()
