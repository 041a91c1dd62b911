"""Asking many at once, and waiting for none of them for long."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

from voxpop.kernel.errors import Unavailable, VoxpopError

T = TypeVar("T")

PATIENCE_S = 3.0
KEPT_S = 10.0
_log = logging.getLogger("voxpop.sites")


class NoAnswerYet(Unavailable):
    """Who was asked has not answered within our patience."""

    code = "no-answer-yet"

    def __init__(self, patience_s: float) -> None:
        super().__init__(f"it did not answer within {patience_s:g} s")


class AnswerUnreadable(Unavailable):
    """Who was asked answered with something that nobody thought of."""

    code = "answer-unreadable"

    def __init__(self, kind: str) -> None:
        super().__init__(f"what it answered can't be read ({kind}): the bank's log has more")


class RollCall(Generic[T]):
    """Asks many the same question at once; an answer is kept for some seconds.

    Parameters
    ----------
    patience_s : float
        How long the slowest is waited for. While it still thinks, it is neither asked nor waited for again.
    kept_s : float
        How long an answer is given again; one that was refused likewise, so that a page of who is away stays quick.
    """

    def __init__(
        self, patience_s: float = PATIENCE_S, kept_s: float = KEPT_S, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._patience_s = patience_s
        self._kept_s = kept_s
        self._steady = steady
        self._turn = threading.Lock()
        self._asked: dict[str, tuple[float, Future[T]]] = {}

    def ask(self, questions: Mapping[str, Callable[[], T]]) -> dict[str, T | VoxpopError]:
        """Ask, and return by name what each answered, or why it did not.

        Parameters
        ----------
        questions : mapping
            By a name that is the same for the same question to the same one.
        """
        with self._turn:
            asked = {name: self._future(name, question) for name, question in questions.items()}
            waited_s = [self._steady() - self._asked[name][0] for name, one in asked.items() if not one.done()]
        wait(asked.values(), max(0.0, self._patience_s - min(waited_s, default=self._patience_s)))
        return {name: self._answer(one) for name, one in asked.items()}

    def _future(self, name: str, question: Callable[[], T]) -> Future[T]:
        now = self._steady()
        self._asked = {key: kept for key, kept in self._asked.items() if self._holds(kept, now)}
        if name not in self._asked:
            future: Future[T] = Future()
            # a thread of its own that no exit waits for: who is asked may never answer
            threading.Thread(target=_answered, args=(question, future), daemon=True, name="roll-call").start()
            self._asked[name] = (now, future)
        return self._asked[name][1]

    def _holds(self, kept: tuple[float, "Future[T]"], now: float) -> bool:
        at, future = kept
        return not future.done() or now - at < self._kept_s

    def _answer(self, future: "Future[T]") -> T | VoxpopError:
        if not future.done():
            return NoAnswerYet(self._patience_s)
        fault = future.exception()
        if fault is None:
            return future.result()
        if isinstance(fault, VoxpopError):
            return fault
        _log.error("a site could not be asked: %s", type(fault).__name__)
        return AnswerUnreadable(type(fault).__name__)


def _answered(question: Callable[[], T], future: "Future[T]") -> None:
    try:
        future.set_result(question())
    except BaseException as fault:  # whoever asked is told
        future.set_exception(fault)
