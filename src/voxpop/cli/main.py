"""The entry point: every refusal is one clear sentence on stderr, and an exit code."""

import errno
import logging
import os
import sys
from contextlib import suppress
from typing import NoReturn

from voxpop.kernel import disk
from voxpop.kernel.errors import VoxpopError

_INTERRUPTED = 130


def main() -> None:
    """Run ``voxpop``; exit code 0 done, 1 refused or failed, 2 wrong usage."""
    from voxpop.cli.commands import app

    _quiet_libraries()
    try:
        app()
    except VoxpopError as refusal:
        _end(refusal.sentence)
    except (KeyboardInterrupt, SystemExit) as end:
        if isinstance(end, SystemExit) and end.code != _INTERRUPTED:
            raise
        _end("stopped; what was finished is kept: run the same command again to go on", _INTERRUPTED)
    except OSError as failure:
        _end(_os_sentence(failure))
    except Exception as failure:
        if disk.is_full(failure):
            _end(_os_sentence(OSError(errno.ENOSPC, "")))
        if os.environ.get("VOXPOP_DEBUG"):
            raise
        _end(
            f"an unexpected error ({type(failure).__name__}) stopped voxpop; what was finished is kept: run the same "
            "command again, and report it with the command that you ran (VOXPOP_DEBUG=1 shows where)"
        )


def _end(sentence: str, code: int = 1) -> NoReturn:
    """End without waiting for threads that wait for durable work: each step may be cut off, as by a kill."""
    with suppress(OSError):  # nobody may be listening any more
        sys.stderr.write(f"voxpop: {sentence}\n")
        sys.stderr.flush()
        sys.stdout.flush()
    os._exit(code)


def _os_sentence(failure: OSError) -> str:
    if failure.errno in disk.FULL:
        return "the disk is full: free some space and run the same command again; what was finished is kept"
    if isinstance(failure, PermissionError):
        return "a file or folder may not be written or read by this user: mend its rights, or use another --work"
    kind = os.strerror(failure.errno) if failure.errno else type(failure).__name__
    return f"the machine refused: {kind}; mend it and run the same command again"


def _quiet_libraries() -> None:
    """Keep libraries' logs off the terminal: they quote what they handle, and that may be identity."""
    logging.getLogger().addHandler(logging.NullHandler())
    for name in ("pynetdicom", "pydicom", "httpx", "httpcore", "cwltool", "dbos", "uvicorn", "rdflib"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
