"""serviceInfo: what is running here."""

from graph.context import Info
from graph.field import field
from graph.types.service_info import ServiceInfo, ServiceMode


@field("What is running here.")
async def service_info(info: Info) -> ServiceInfo:
    services = info.context.services
    return ServiceInfo(version=services.version, mode=ServiceMode(services.mode.value))
