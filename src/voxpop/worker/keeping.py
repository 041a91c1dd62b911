"""Keeps the workers of all appliances that have a queue, each in a thread of its own, until it is told to stop."""

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from voxpop.appliance.elastic.keeper import Keeper
from voxpop.appliance.elastic.sizing import Cluster
from voxpop.kernel.errors import VoxpopError
from voxpop.kernel.ids import ApplianceId
from voxpop.store.workers import Place
from voxpop.wiring.system import System
from voxpop.worker.gate.app import create_gate
from voxpop.worker.gate.serving import Gates

CALM_S = 2.0
BUSY_S = 1.0
FIND_EVERY_S = 2.0
AGAIN_S = 5.0
"""Until it is tried again to be the one that keeps them."""
_ENDS_IN_S = 1.0
_log = logging.getLogger("voxpop.worker")


@dataclass(frozen=True, slots=True)
class Kept:
    """An appliance whose workers are kept.

    Parameters
    ----------
    cluster : Cluster
        What it is kept for; another one, as after it was deployed again, needs another keeper.
    area : Path
        Its working area; the gate is a folder in it, and its secret a file.
    """

    cluster: Cluster
    keeper: Keeper
    area: Path

    @property
    def gate(self) -> Path:
        """The folder that the front end sees."""
        return self.area / "gate"

    @property
    def secret(self) -> Path:
        """The file of the secret that opens the gate."""
        return self.area / "secrets" / "gate.key"


@dataclass(frozen=True, slots=True)
class _Round:
    thread: threading.Thread
    over: threading.Event


def caretaker(system: System) -> "Caretaker":
    """Return who keeps the workers of a work folder's appliances."""
    clusters, office = system.clusters, system.office

    def kept(cluster: Cluster) -> Kept:
        return Kept(cluster, clusters.keeper(cluster, office), system.work.appliances / cluster.appliance)

    def find(known: Mapping[ApplianceId, Kept]) -> Mapping[ApplianceId, Kept]:
        standing = clusters.standing()
        same = {name for name, one in standing.items() if name in known and known[name].cluster is one}
        return {name: known[name] if name in same else kept(one) for name, one in standing.items()}

    return Caretaker(find, system.workers.keeping)


class Caretaker:
    """Keeps workers; a context in which it does.

    Parameters
    ----------
    find : callable
        Returns the appliances that are to be kept now, those of ``kept`` as they are.
    turn : callable
        Opens a context that gives None while another process keeps them.
    """

    def __init__(
        self,
        find: Callable[[Mapping[ApplianceId, Kept]], Mapping[ApplianceId, Kept]],
        turn: Callable[[], AbstractContextManager[Place | None]],
    ) -> None:
        self._find = find
        self._turn = turn
        self._kept: dict[ApplianceId, Kept] = {}
        self._rounds: dict[ApplianceId, _Round] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="caretaker", daemon=True)

    def __enter__(self) -> "Caretaker":
        """Begin in threads of its own."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop at once: what a pass was about to do, the next one does after the next start."""
        self._over.set()
        self._thread.join(_ENDS_IN_S)

    def _work(self) -> None:
        while not self._over.is_set():
            try:
                with self._turn() as place:
                    if place is not None:
                        self._keep(place)
                        continue
            except Exception as failure:  # a database that is away for a moment must not end it
                _log.error("nobody keeps the workers of appliances now: %s", type(failure).__name__)
            self._over.wait(AGAIN_S)

    def _keep(self, place: Place) -> None:
        with Gates() as gates:
            try:
                while not self._over.is_set() and place.held():
                    self._look_around(gates)
                    self._over.wait(FIND_EVERY_S)
            finally:
                for appliance in list(self._kept):
                    self._leave(appliance, gates)

    def _look_around(self, gates: Gates) -> None:
        """Take up appliances that are new, and leave those that are gone."""
        try:
            found = self._find(self._kept)
        except Exception as failure:  # as above; those that are kept go on
            _log.error("appliances could not be looked up: %s", type(failure).__name__)
            return
        for appliance in [name for name, kept in self._kept.items() if found.get(name) is not kept]:
            self._leave(appliance, gates)
        for appliance, kept in found.items():
            if appliance not in self._kept:
                self._take_up(appliance, kept)
            if kept.gate.is_dir() and kept.secret.exists() and not gates.opened(appliance):
                _open(gates, appliance, kept)

    def _take_up(self, appliance: ApplianceId, kept: Kept) -> None:
        over = threading.Event()
        thread = threading.Thread(target=_go_round, args=(appliance, kept.keeper, over), daemon=True)
        self._kept[appliance], self._rounds[appliance] = kept, _Round(thread, over)
        thread.start()

    def _leave(self, appliance: ApplianceId, gates: Gates) -> None:
        del self._kept[appliance]
        self._rounds.pop(appliance).over.set()
        gates.close(appliance)


def _go_round(appliance: ApplianceId, keeper: Keeper, over: threading.Event) -> None:
    """Pass by pass; one that fails is told once, and the next is a new try."""
    said = ""
    while not over.is_set():
        pause_s, told = CALM_S, ""
        try:
            decision = keeper.look()
            pause_s = BUSY_S if decision.memory.marks or decision.add else CALM_S
        except VoxpopError as away:
            told = away.code
        except Exception as failure:  # its words may quote a value, so only its type is told
            told = type(failure).__name__
        if told and told != said:
            _log.warning("the workers of %s could not be kept: %s", appliance, told)
        said = told
        over.wait(pause_s)


def _open(gates: Gates, appliance: ApplianceId, kept: Kept) -> None:
    try:
        gates.open(appliance, kept.gate, create_gate(appliance, kept.keeper, kept.secret))
    except OSError as failure:
        _log.warning("the gate of %s is closed: %s", appliance, failure.strerror or type(failure).__name__)
