"""Why a caller is not known: each refusal has a message for the caller and a cause to be counted by."""

from enum import StrEnum

from domain.errors import Unauthenticated


class Cause(StrEnum):
    """What was wrong, in as few kinds as an operator needs to tell an attack from an outage."""

    MISSING = "missing"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    ALGORITHM = "algorithm"
    UNKNOWN_KEY = "unknown_key"
    SIGNATURE = "signature"
    KEYS_UNAVAILABLE = "keys_unavailable"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    CLAIMS = "claims"


class TokenRefused(Unauthenticated):
    """The message says what is wrong without showing the token."""

    def __init__(self, cause: Cause, message: str) -> None:
        super().__init__(message)
        self.cause = cause


def malformed() -> TokenRefused:
    return TokenRefused(Cause.MALFORMED, "The token is malformed.")
