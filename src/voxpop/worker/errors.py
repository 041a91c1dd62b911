"""Errors that cross the durable log: plain text, picklable, without identity."""

import logging

from voxpop.kernel.errors import Absent, Invalid, Refused, Unavailable, VoxpopError
from voxpop.wiring.errors import WorkUnfinished

_KINDS: dict[str, type[VoxpopError]] = {
    kind.__name__: kind for kind in (Invalid, Refused, Absent, Unavailable, VoxpopError)
}
_log = logging.getLogger("voxpop.worker")


class WorkFailed(Exception):  # its arguments are what is kept, so it is no VoxpopError with a constructor of its own
    """A piece of work said no; ``args`` are the kind of error and its sentence."""


def durable(what: str, error: Exception) -> WorkFailed:
    """Turn any error into one that may be written to the durable log.

    An error that is not ours may quote a patient's value, so only its type is kept.
    """
    if isinstance(error, VoxpopError):
        kind = next(name for name, base in _KINDS.items() if isinstance(error, base))
        return WorkFailed(kind, error.sentence)
    where = _place(error)
    _log.error("%s stopped: %s at %s", what, type(error).__name__, where)
    if isinstance(error, OSError) and error.errno is not None:
        return WorkFailed("OSError", str(error.errno))
    return WorkFailed(WorkUnfinished.__name__, what, type(error).__name__)


def restored(failure: WorkFailed) -> Exception:
    """Turn an error from the durable log back into one of ours."""
    kind, *rest = failure.args
    if kind == WorkUnfinished.__name__:
        return WorkUnfinished(*rest)
    if kind == "OSError":
        return OSError(int(rest[0]), "")
    return _KINDS[kind](rest[0])


def _place(error: Exception) -> str:
    """Return module and line of the frames, which name code and never a value."""
    frames = []
    trace = error.__traceback__
    while trace is not None:
        frames.append(f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " > ".join(frames)
