"""Whether this container's process is alive: exit code 0 if the API or the indexer, whichever runs here, says so."""

import os
import sys
from http.client import HTTPConnection, HTTPException

PORTS = {"PORT": 8000, "INDEXER_PORT": 9000}
"""The variables that set a port, and the ports that the service takes without them."""

TIMEOUT_SECONDS = 2


def is_alive(port: int) -> bool:
    """Whether /livez on this port of this container answers 200 in time."""
    connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def main() -> int:
    """The exit code: 0 or 1. A container runs one process, so at most one of the ports answers."""
    ports = [int(os.environ.get(name) or default) for name, default in PORTS.items()]
    return 0 if any(map(is_alive, ports)) else 1


if __name__ == "__main__":
    sys.exit(main())
