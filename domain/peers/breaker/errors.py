"""What a caller meets instead of a dependency that is given a rest."""

from datetime import timedelta


class CircuitOpen(Exception):
    """The dependency was not asked. Raised anew for each call, so that its traceback is this call's alone."""

    def __init__(self, name: str, retry_after: timedelta) -> None:
        super().__init__(
            f"{name} was not asked, its circuit is open: try again in {retry_after.total_seconds():.3g} s."
        )
        self.name = name
        self.retry_after = retry_after
