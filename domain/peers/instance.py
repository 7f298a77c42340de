"""One instance of a peer, as a record set names it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Instance:
    """Where an instance listens, and its RFC 2782 priority (lower first) and weight (its share; 0: hardly any)."""

    host: str
    port: int
    priority: int = 0
    weight: int = 1

    @property
    def address(self) -> str:
        """`host:port`, with an IPv6 address in brackets: what names the instance in URLs, logs and metrics."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
