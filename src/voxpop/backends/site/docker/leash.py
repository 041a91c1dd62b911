"""The first process of a container: does a command, and ends with whoever started the container.

Shown to the container as a file and started by Debian's Python, so it imports nothing but the standard library. The
starter holds a lock on a file that the container sees too; the kernel gives the lock away when the starter is gone,
however it ended. When process 1 ends, the kernel ends all others of the container.
"""

import fcntl
import os
import signal
import sys
import threading
from types import FrameType

LEASE = "/run/voxpop/lease"
_ENDED_WITH_STARTER = 137


def _end_with_starter() -> None:
    with open(LEASE, "rb") as lease:  # noqa: PTH123 -- nothing is imported that need not be
        fcntl.flock(lease, fcntl.LOCK_SH)
        os._exit(_ENDED_WITH_STARTER)


def main(command: list[str]) -> int:
    """Do a command to its end, and pass on what it is told; returns its exit code, 128 and more for a signal."""
    child = os.posix_spawnp(command[0], command, os.environ)

    def pass_on(number: int, _frame: FrameType | None) -> None:
        os.kill(child, number)

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, pass_on)
    threading.Thread(target=_end_with_starter, daemon=True).start()
    while True:
        ended, status = os.wait()  # process 1 also buries what nobody waits for
        if ended == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))
