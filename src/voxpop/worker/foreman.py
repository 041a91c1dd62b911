"""Takes the work that was asked for while a runtime is open: what the outbox asks by rule, and what people ask."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from voxpop.flow.lifetimes import end
from voxpop.flow.operations import Operation
from voxpop.flow.rules import Work, requests
from voxpop.kernel.errors import VoxpopError
from voxpop.kernel.ids import ApplianceId, RunId, VolumeId
from voxpop.store.workers import PlaceLost
from voxpop.wiring.errors import WorkUnfinished
from voxpop.wiring.system import System
from voxpop.worker import workflows
from voxpop.worker.runtime import Runtime
from voxpop.worker.webhooks import Messenger

VOXPOP = "voxpop"
_LOOK_EVERY_S = 0.5
_LOOK_AROUND_EVERY_S = 5.0
_NOTE_AGAIN_S = 1.0
_CALENDAR_EVERY_S = 60.0
_AGAIN_AFTER_S = 3600
_log = logging.getLogger("voxpop.worker")


class Foreman:
    """Hands out work until it is told to stop.

    Parameters
    ----------
    system : System
    runtime : Runtime
        Open for as long as the foreman works.
    hands : int
        Pieces of work that are done at the same time.

    Attributes
    ----------
    name : str
        The worker's place among others; empty where it is the only one.
    """

    def __init__(self, system: System, runtime: Runtime, hands: int = 2) -> None:
        self._system = system
        self._runtime = runtime
        self._hands = hands
        self._free = threading.Semaphore(hands)
        self._over = threading.Event()
        self.name = runtime.place.name if system.workers.several else ""
        self._looked_around = time.monotonic()
        self._looked_at_calendar = 0.0
        self._work: dict[Work, Callable[[str, Operation], object]] = {
            Work.EXECUTE: lambda subject, _: runtime.execute(subject),
            Work.REPEAT: lambda subject, _: runtime.repeat(subject),
            Work.SET_UP: lambda subject, _: system.durable_work.set_up(ApplianceId(subject)),
            Work.VERIFY: lambda subject, asked: system.volumes.check_volume(VolumeId(subject), asked.actor),
            Work.HARVEST: lambda subject, asked: system.harvest(subject, asked.actor),
            Work.END: lambda _, asked: end(system.lifetimes, asked.subject),
            Work.DISCARD: lambda subject, _: system.durable_work.discard(RunId(subject)),
        }

    def work(self) -> None:
        """Take work until ``stop`` is called; what is being done then goes on at the next start.

        Raises
        ------
        PlaceLost
            If the database let go of this worker's place: another may have taken up its work.
        """
        self._system.operations.reclaim(self.name)
        Messenger(self._system, self._over).begin()
        pool = ThreadPoolExecutor(self._hands, thread_name_prefix="work")
        try:
            while not self._over.is_set():
                self._look_around()
                self._look_at_calendar()
                if not self._take_one(pool):
                    self._over.wait(_LOOK_EVERY_S)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def stop(self) -> None:
        """Take nothing more."""
        self._over.set()

    def _look_around(self) -> None:
        """See, now and then, that the place is still ours, and whether another worker is gone."""
        if not self.name or time.monotonic() - self._looked_around < _LOOK_AROUND_EVERY_S:
            return
        if not self._runtime.place.held():
            workflows.halt()
            raise PlaceLost(self.name)
        try:
            self._runtime.take_over()
        except Exception as failure:  # as below; the place tells when it is away for longer
            _log.error("what others left could not be taken up: %s", type(failure).__name__)
        self._looked_around = time.monotonic()

    def _look_at_calendar(self) -> None:
        """Ask, now and then, for the removal of appliances that have to go."""
        if self._looked_at_calendar and time.monotonic() - self._looked_at_calendar < _CALENDAR_EVERY_S:
            return
        self._looked_at_calendar = time.monotonic()
        try:
            for appliance in self._system.lifetimes.look():
                hour = int(time.time()) // _AGAIN_AFTER_S  # one whose site is away is tried again an hour later
                self._system.operations.ask(Work.END, f"appliance:{appliance}", VOXPOP, f"end-{appliance}-{hour}")
        except Exception as failure:  # as below
            _log.error("the appliances could not be looked at: %s", type(failure).__name__)

    def _take_one(self, pool: ThreadPoolExecutor) -> bool:
        if not self._free.acquire(blocking=False):
            return False
        operation = self._next()
        if operation is None:
            self._free.release()
            return False
        pool.submit(self._carry_out, operation)
        return True

    def _next(self) -> Operation | None:
        try:
            self._empty_outbox()
            return self._system.operations.claim(self.name)
        except Exception as failure:  # a database that is away for a moment must not end the service
            _log.error("no work could be taken: %s", type(failure).__name__)
            return None

    def _empty_outbox(self) -> None:
        for row in list(self._system.ledger.waiting()):
            for request in requests(row.action, row.subject):
                self._system.operations.ask(request.work, request.subject, VOXPOP, f"outbox-{row.seq}-{request.work}")
            self._system.ledger.taken(row.seq)

    def _carry_out(self, operation: Operation) -> None:
        try:
            sentence = self._sentence(operation)
            while not self._noted(operation, sentence) and not self._over.wait(_NOTE_AGAIN_S):
                pass
        except workflows.Halted:
            pass  # it stays as working, and is taken up at the next start
        finally:
            self._free.release()

    def _noted(self, operation: Operation, sentence: str) -> bool:
        """Note how a piece of work ended; a database that is away is asked again, or the work would stay open."""
        try:
            self._system.operations.end(operation.id, sentence, self.name)
        except Exception as failure:
            _log.error("the end of a piece of work could not be noted: %s", type(failure).__name__)
            return False
        return True

    def _sentence(self, operation: Operation) -> str:
        """Do a piece of work; returns why it failed, or nothing."""
        subject = operation.subject.partition(":")[2]
        try:
            if operation.work in self._work:
                self._work[operation.work](subject, operation)
            else:
                self._runtime.do(operation.work, subject, operation.id)
        except VoxpopError as refusal:
            return refusal.sentence
        except Exception as failure:  # its words may quote a value, so only its type is told
            _log.error("%s stopped: %s", operation.work.value, type(failure).__name__)
            return WorkUnfinished(operation.work.value, type(failure).__name__).sentence
        return ""
