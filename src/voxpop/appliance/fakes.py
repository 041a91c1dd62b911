"""The stage's ports in memory, for tests and for trying things out."""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from voxpop.appliance.errors import ApplianceAbsent
from voxpop.appliance.model import Appliance, Deployment
from voxpop.appliance.states import ApplianceState
from voxpop.appliance.tosca import read
from voxpop.kernel.digests import sha256_bytes
from voxpop.kernel.errors import IllegalMove, VoxpopError
from voxpop.kernel.ids import ApplianceId, ApplicationId
from voxpop.kernel.ledger import Event


class MemoryAppliances:
    """Appliances and their ledger, in memory.

    It is both ``appliance.ports.Appliances`` and ``kernel.ledger.Ledger``, since a state changes only by the ledger.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._kept: dict[ApplianceId, Appliance] = {}
        self._documents: dict[ApplianceId, str] = {}

    def add(self, appliance: Appliance, document: str, actor: str) -> None:
        """Keep a planned appliance; the same again is silent."""
        if appliance.id not in self._kept:
            self._kept[appliance.id] = appliance
            self._documents[appliance.id] = document
            self.events.append(Event("appliance.planned", f"appliance:{appliance.id}", actor))

    def get(self, appliance: ApplianceId) -> Appliance:
        """Return an appliance, or raise ``Absent``."""
        if appliance not in self._kept:
            raise ApplianceAbsent(appliance)
        return self._kept[appliance]

    def document(self, appliance: ApplianceId) -> str:
        """Return the TOSCA document."""
        self.get(appliance)
        return self._documents[appliance]

    def of_application(self, application: ApplicationId) -> Sequence[Appliance]:
        """Return the application's appliances, the oldest first."""
        return [appliance for appliance in self._kept.values() if appliance.application == application]

    def record(self, event: Event) -> None:
        """Append an event."""
        self.events.append(event)

    def move(self, subject: str, source: StrEnum, target: StrEnum, event: Event) -> None:
        """Change a state and append the event, or raise ``IllegalMove`` if it was not ``source``."""
        appliance = self.get(ApplianceId(subject.removeprefix("appliance:")))
        if appliance.state is not source:
            raise IllegalMove(subject, appliance.state.value, target.value)
        self._kept[appliance.id] = replace(appliance, state=ApplianceState(target))
        self.events.append(event)


class MemorySite:
    """A site that gives everything and keeps it in memory.

    Parameters
    ----------
    fault : VoxpopError, optional
        What every ``deploy`` raises until it is set to None.

    Attributes
    ----------
    away : VoxpopError or None
        What every ``remove`` raises.
    """

    def __init__(self, name: str, fault: VoxpopError | None = None) -> None:
        self.fault = fault
        self.away: VoxpopError | None = None
        self.lost: set[ApplianceId] = set()
        self._name = name
        self._deployed: dict[ApplianceId, Deployment] = {}

    @property
    def name(self) -> str:
        """The site's name."""
        return self._name

    def foretell(self, document: str) -> tuple[str, ...]:
        """Give everything, or raise the fault."""
        if self.fault is not None:
            raise self.fault
        read(document)
        return ()

    def deploy(self, appliance: ApplianceId, document: str, volume: Path, results: Path) -> Deployment:
        """Deploy from the document alone."""
        if self.fault is not None:
            raise self.fault
        asked = read(document).environment
        self._deployed[appliance] = Deployment(
            appliance=appliance,
            site=self._name,
            volume=volume,
            results=results,
            sandbox="memory",
            network=False,
            cores=asked.cores,
            memory_gb=asked.memory_gb,
            pipelines=(asked.pipeline,),
            recipes=asked.recipes,
            days=asked.days,
            document_digest=sha256_bytes(document.encode()),
        )
        self.lost.discard(appliance)
        return self._deployed[appliance]

    def find(self, appliance: ApplianceId) -> Deployment | None:
        """Return the deployment, or None."""
        return None if appliance in self.lost else self._deployed.get(appliance)

    def state(self, appliance: ApplianceId) -> ApplianceState:
        """Return the state that the site sees."""
        if appliance in self.lost:
            return ApplianceState.LOST
        return ApplianceState.DEPLOYED if appliance in self._deployed else ApplianceState.REMOVED

    def remove(self, appliance: ApplianceId) -> None:
        """Remove the appliance; twice is silent."""
        if self.away is not None:
            raise self.away
        self._deployed.pop(appliance, None)
        self.lost.discard(appliance)
