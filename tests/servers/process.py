"""A child process and all it starts: with a log, signalled as a whole, never outliving the process that started it."""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_POLL = 0.02  # seconds
_PROC = Path("/proc")
_ENDED = {"Z", "X"}
_HAS_PROC = (_PROC / "self" / "stat").exists()  # macOS has none
_GUARD = 'read -r _; kill -s KILL -- "-$1"'


class ProcessGroup:
    """A running command and all that it starts."""

    def __init__(self, command: Sequence[str], *, log: Path, environment: Mapping[str, str], cwd: Path) -> None:
        """Start it; standard output and error are appended to the log."""
        with log.open("ab") as output:
            self._leader = subprocess.Popen(
                command,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C in the terminal is for the tests, which then stop their servers
            )
        # The shell waits for the end of its input, which comes when this process ends in any way, and then kills the
        # group. PR_SET_PDEATHSIG would reach only the leader, and is lost when the user changes.
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "guard", str(self.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._leader.pid

    @property
    def exit_code(self) -> int | None:
        """What the leader ended with, or nothing while it runs."""
        return self._leader.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to every process of the group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    async def ended(self, timeout: float) -> bool:
        """Whether the whole group is gone within that many seconds."""
        return await _becomes(lambda: self._leader.poll() is not None and not _has_members(self.pid), timeout)

    async def paused(self, timeout: float) -> bool:
        """Whether every thread has stopped within that many seconds; a signal takes its time to arrive."""
        return not _HAS_PROC or await _becomes(lambda: _states(self.pid) <= {"T", *_ENDED}, timeout)

    async def resumed(self, timeout: float) -> bool:
        """Whether every thread goes on within that many seconds."""
        return not _HAS_PROC or await _becomes(lambda: "T" not in _states(self.pid), timeout)

    def release(self) -> None:
        """Dismiss the guard once the group is gone, so that it cannot hit a later group of the same number."""
        self._guard.kill()
        self._guard.communicate()


async def _becomes(condition: Callable[[], bool], timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_POLL)
    return True


def _has_members(group: int) -> bool:
    """Whether a process of that group still runs; one that only waits to be reaped by somebody else does not count."""
    if _HAS_PROC:
        return bool(_states(group) - _ENDED)
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):  # macOS refuses to signal what waits to be reaped
        return False
    return True


def _states(group: int) -> set[str]:
    """The states of all threads of that group, as proc(5) writes them."""
    leaders = (stat.parent for stat in _PROC.glob("[0-9]*/stat") if _state_and_group(stat)[1] == group)
    return {_state_and_group(stat)[0] for leader in leaders for stat in leader.glob("task/[0-9]*/stat")}


def _state_and_group(stat: Path) -> tuple[str, int]:
    try:
        state, _, group, *_ = stat.read_text(errors="replace").rpartition(")")[2].split()
    except OSError:  # it ended while we looked
        return "X", 0
    return state, int(group)
