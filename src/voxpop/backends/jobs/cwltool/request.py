"""What a run's child asks its parent to have done by a queue: one JSON file a command, in ``<run>/jobs``.

``<name>.json`` is the request, ``<name>.log`` what its command wrote, ``<name>.log.exit`` its exit code, and
``<name>.log.began`` has one line for each time that it was begun. ``<name>.failed`` stands where it did not end well or
nobody waits for it: it is asked for under another name when the run is tried again. A command of the run may have
written any of them.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any

JOBS = "jobs"
SUFFIX = ".json"
LOG_SUFFIX = ".log"
EXIT_SUFFIX = ".log.exit"
BEGAN_SUFFIX = ".log.began"
FAILED_SUFFIX = ".failed"
NAME = re.compile(r"[0-9a-f]{32}-[0-9]{1,4}")
MOST_BYTES = 1 << 20
"""Of one request."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STEP = re.compile(r"[\w./ -]{1,200}")


@dataclass(frozen=True, slots=True)
class Request:
    """One command; ``folder`` is absolute."""

    step: str
    command: tuple[str, ...]
    folder: str
    environment: Mapping[str, str]
    cores: int
    memory_mb: int
    gpus: int

    def text(self) -> str:
        """Write it for the parent."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def of(cls, written: bytes) -> "Request":
        """Read what may be a request.

        Raises
        ------
        ValueError
            If it is none.
        """
        known: Any = json.loads(written)
        try:
            request = cls(**{**known, "command": tuple(known["command"])})
        except (TypeError, KeyError, AttributeError) as other:
            raise ValueError("no request") from other
        if not request._is_one():
            raise ValueError("no request")
        return request

    def lies_below(self, top: str) -> bool:
        """Say whether it is to be done below a folder."""
        folder = PurePosixPath(self.folder)
        return folder.is_relative_to(top) and ".." not in folder.parts

    def _is_one(self) -> bool:
        numbers = (self.cores, self.memory_mb, self.gpus)
        return (
            bool(self.command)
            and all(_is_text(word) for word in (self.step, self.folder, *self.command))
            and _STEP.fullmatch(self.step) is not None
            and isinstance(self.environment, dict)
            and all(_VARIABLE.fullmatch(name) and _is_text(value) for name, value in self.environment.items())
            and all(type(number) is int and number >= 0 for number in numbers)
        )


def _is_text(value: object) -> bool:
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True
