"""What the appliance stage needs from outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from voxpop.appliance.model import Appliance, Deployment, Load, Machine
from voxpop.appliance.states import ApplianceState
from voxpop.kernel.ids import ApplianceId, ApplicationId


@dataclass(frozen=True, slots=True)
class Said:
    """How a command on a machine ended."""

    exit_code: int
    stdout: str
    stderr: str


class Site(Protocol):
    """A place that turns a TOSCA document into a running appliance.

    ``deploy`` is idempotent by the appliance's id; ``remove`` twice is silent; a state that can't be read is LOST.
    """

    @property
    def name(self) -> str:
        """The site's configured name."""
        ...

    def deploy(self, appliance: ApplianceId, document: str, volume: Path, results: Path) -> Deployment:
        """Deploy from the document alone; ``volume`` and ``results`` are what its storage nodes stand for.

        Raises
        ------
        Invalid
            If the document has a node type that the site does not know, or is no TOSCA.
        Refused
            If it asks for more than the site has.
        """
        ...

    def find(self, appliance: ApplianceId) -> Deployment | None:
        """Return the deployment as it is, or None."""
        ...

    def state(self, appliance: ApplianceId) -> ApplianceState:
        """Return the state that the site sees."""
        ...

    def remove(self, appliance: ApplianceId) -> None:
        """Remove the appliance without a trace; results stay."""
        ...


@runtime_checkable
class CanForetell(Protocol):
    """A site that can say before a deployment what it would not give."""

    def foretell(self, document: str) -> tuple[str, ...]:
        """Return what of a document it could not give now, each as one clause; nothing is begun.

        Raises
        ------
        Refused
            If it could not deploy the document at all.
        Unavailable
            If it does not answer.
        """
        ...


@runtime_checkable
class CanResize(Protocol):
    """A site whose appliances with a queue can have more workers, or fewer."""

    def machines(self, appliance: ApplianceId) -> Sequence[Machine]:
        """Return the workers that are there, by name.

        Raises
        ------
        Unavailable
            If it can't be read: none of them is then known to be gone.
        """
        ...

    def add_machines(self, appliance: ApplianceId, names: Sequence[str]) -> None:
        """Make workers of these names; one that is there stays, one that has died is made anew.

        Raises
        ------
        Refused
            If there would be more than the appliance or the site may have.
        """
        ...

    def remove_machines(self, appliance: ApplianceId, names: Sequence[str]) -> None:
        """Remove workers, whatever runs on them; twice is silent."""
        ...


@runtime_checkable
class HasFrontEnd(Protocol):
    """A site whose appliances with a queue have a machine where the queue is asked."""

    def on_front_end(self, appliance: ApplianceId, command: Sequence[str], stdin: str = "") -> Said:
        """Do a command on the front end as root, and return how it ended.

        Raises
        ------
        Unavailable
            If the front end can't be reached.
        """
        ...


@runtime_checkable
class Queue(Protocol):
    """A batch queue, as who makes it grow and shrink needs it; names are those of workers."""

    def load(self) -> Load:
        """Return what there is to do.

        Raises
        ------
        Unavailable
            If the queue does not answer, or what it says can't be read.
        """
        ...

    def drain(self, names: Sequence[str]) -> None:
        """Give these no further job; what runs on them goes on."""
        ...

    def forget(self, names: Sequence[str]) -> None:
        """Hear that these are gone: their jobs are run again elsewhere."""
        ...


class Appliances(Protocol):
    """Where appliances are kept."""

    def add(self, appliance: Appliance, document: str, actor: str) -> None:
        """Keep a planned appliance; the same again is silent."""
        ...

    def get(self, appliance: ApplianceId) -> Appliance:
        """Return an appliance, or raise ``Absent``."""
        ...

    def document(self, appliance: ApplianceId) -> str:
        """Return the TOSCA document."""
        ...

    def of_application(self, application: ApplicationId) -> Sequence[Appliance]:
        """Return the application's appliances, the oldest first."""
        ...
