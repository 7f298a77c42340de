"""Why there is no connection to Kafka, told by the settings to look at."""

import socket
import ssl

import pytest
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaConnectionError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from indexer.kafka_refusals import reason

PLACE = "KAFKA_BOOTSTRAP_SERVERS"
CLOSED = f"closes the connection: see {PLACE}, and whether KAFKA_SECURITY_PROTOCOL=SASL_SSL is right"
ARGUMENTS = {"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN", "sasl_plain_password": "secret"}


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (SaslAuthenticationFailed("no"), "refuses KAFKA_USERNAME and KAFKA_PASSWORD"),
        (UnsupportedSaslMechanismError("no"), "does not take KAFKA_SASL_MECHANISM=PLAIN"),
        (IllegalSaslStateError("no"), "asks for no account, so KAFKA_SECURITY_PROTOCOL=SASL_SSL is wrong"),
        (ssl.SSLError(1, "wrong version number"), "does not speak TLS, so KAFKA_SECURITY_PROTOCOL=SASL_SSL is wrong"),
        (ConnectionRefusedError(111, "refused"), f"cannot be reached (refused): see {PLACE}"),
        (socket.gaierror(-2, "Name not known"), f"cannot be reached (Name not known): see {PLACE}"),
        (OSError("several"), f"cannot be reached (OSError): see {PLACE}"),
        (TimeoutError(), f"does not answer: see {PLACE}, and whether KAFKA_SECURITY_PROTOCOL=SASL_SSL is right"),
        (KafkaConnectionError("closed"), CLOSED),
        (ConnectionResetError(), CLOSED),
    ],
)
def test_each_way_to_fail_names_its_setting(error: Exception, told: str) -> None:
    assert reason(error, ARGUMENTS) == told


def test_a_certificate_that_is_not_trusted_is_not_taken_for_no_tls() -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    told = reason(error, ARGUMENTS)
    assert told == f"has a certificate that is not trusted here (self-signed certificate): see {PLACE}"
