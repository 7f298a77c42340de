"""Free ports for servers that are killed and come back on the same one."""

import asyncio
import random
import socket

# Below the range that systems take the near end of a connection from: a client that keeps dialling a dead server
# within that range sooner or later connects to itself, and the server cannot have its port back.
_RANGE = range(20_000, 30_000)
_given: set[int] = set()


def free_port() -> int:
    """A port on loopback that nobody listens on and that this process has not given out before."""
    while True:
        port = random.choice(_RANGE)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port


async def accepts(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody listens on that port."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
