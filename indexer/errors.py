"""What can go wrong on the way of a change, beyond domain.errors.

InternalError
├── NotOurs             a record of the topic that no release of this service wrote
├── LeaseLost           another process runs this pipeline now
├── RebuildUnderWay     another rebuild holds the lease, or its index
├── RebuildFailed       the new index is not what the store is
├── BatchExpired        a batch waited so long that it must be read again before it is sent
└── KafkaUnavailable    the broker did not answer, refused, or fenced this producer: start anew from the lease on
    └── AccountRefused  the brokers answer, but not to this account
"""

from domain.errors import InternalError


class NotOurs(InternalError):
    """The reason never holds a value of the record."""


class LeaseLost(InternalError):
    def __init__(self, name: str) -> None:
        super().__init__(f"The lease of pipeline {name} is lost: another process has it, or may have it.")


class BatchExpired(InternalError):
    def __init__(self, seconds: float) -> None:
        super().__init__(f"A batch was read {seconds:.0f} s ago and is not sent any more: it is read again.")


class KafkaUnavailable(InternalError):
    def __init__(self, what: str) -> None:
        super().__init__(f"Kafka did not accept it: {what}.")


class AccountRefused(KafkaUnavailable):
    """The brokers answer, but not to this account."""


class RebuildUnderWay(InternalError):
    def __init__(self, index: str | None = None) -> None:
        into = f" into {index}" if index else ""
        super().__init__(
            f"Another rebuild{into} is under way: wait until it ends; run it again without options if it was "
            "interrupted, or give it up by --abandon."
        )


class RebuildFailed(InternalError):
    def __init__(self, index: str, users: int) -> None:
        super().__init__(
            f"The new index {index} differs from the store in {users} users and is dropped; the serving one is "
            "untouched. The log says why writes failed; then run it again."
        )
