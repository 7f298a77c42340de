"""What can go wrong with connectors; every message says what to do.

InternalError
├── ConnectUnavailable    the worker did not answer, or not in time
└── ConnectorRefused      the connector's file, or what the worker says of it
"""

from collections.abc import Sequence

from domain.errors import InternalError


class ConnectUnavailable(InternalError):
    def __init__(self, where: str, what: str) -> None:
        super().__init__(
            f"The Kafka Connect worker at {where} {what}: see whether it runs (its /health says so) and whether "
            "CONNECT_URL is right, then do it again."
        )


class ConnectorRefused(InternalError):
    """Nothing was changed; `reasons` are all that is wrong."""

    def __init__(self, what: str, reasons: Sequence[str]) -> None:
        super().__init__("\n  ".join([f"{what} is refused:", *reasons]))
        self.reasons = reasons
