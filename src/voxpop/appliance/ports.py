"""What the appliance stage needs from outside."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from voxpop.appliance.model import Appliance, Deployment
from voxpop.appliance.states import ApplianceState
from voxpop.kernel.ids import ApplianceId, ApplicationId


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
