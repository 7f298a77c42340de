"""A network of the tests' own: a namespace that lives and dies with their process, with addresses for pods.

EndpointSlices refuse loopback addresses, and no other interface of the machine is touched.
"""

import ipaddress
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence

PODS = ipaddress.ip_network("10.77.0.0/24")
_VARIABLE = "CLUSTER_NETWORK"
_OWN = "own"
_SETUP = (
    "link set lo up",
    "link add pods type veth peer name pods-peer",
    "link set pods up",
    "link set pods-peer up",
    *(f"addr add {address}/{PODS.prefixlen} dev pods" for address in list(PODS.hosts())[:32]),
)


def addresses() -> Iterator[str]:
    """The addresses that pods may have, each once."""
    return (str(address) for address in list(PODS.hosts())[:32])


def asked() -> bool:
    """Whether this process was started to run the cluster tests."""
    return _VARIABLE in os.environ


def missing() -> str | None:
    """Why this process has no network of its own, or nothing when it has one."""
    said = os.environ.get(_VARIABLE, "run them by `make test-cluster`")
    return None if said == _OWN else said


def enter(command: Sequence[str]) -> None:
    """Become `command` in a new network namespace; where there can be none, become it here, for it to say so.

    Does not return.
    """
    reason = _refusal()
    os.environ[_VARIABLE] = reason or _OWN
    prefix = [] if reason else [*_unshare(), "sh", "-ec", _script(), "sh"]
    os.execvp((prefix or command)[0], [*prefix, *command])


def _refusal() -> str | None:
    for tool in ("unshare", "ip"):
        if shutil.which(tool) is None:
            return f"no {tool} on the PATH: Linux with util-linux and iproute2 is needed"
    tried = subprocess.run(
        [*_unshare(), "sh", "-ec", _script(), "sh", "true"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if tried.returncode:
        return f"no network namespace of one's own is allowed here; root may have one: {tried.stderr.strip()}"
    return None


def _unshare() -> list[str]:
    """Root just does it; others are root of a user namespace of their own for it."""
    return ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]


def _script() -> str:
    return "\n".join([*(f"ip {step}" for step in _SETUP), 'exec "$@"'])
