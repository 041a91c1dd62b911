"""Site local: what it is told by a TOSCA document, it does on this machine."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from voxpop.appliance.model import Deployment, Ground
from voxpop.appliance.states import ApplianceState
from voxpop.appliance.tosca import Blueprint, read
from voxpop.backends.site import SiteOnAreas, check_settings, check_volume
from voxpop.backends.site.local.machine import Machine, given_recipes, shortfalls, this_machine
from voxpop.kernel.digests import sha256_bytes
from voxpop.kernel.ids import ApplianceId


class LocalSite(SiteOnAreas):
    """The machine itself as a site.

    Parameters
    ----------
    ground : Ground
        Where working areas are, and the sandbox that runs are held in.
    machine : Machine
        What there is to give.
    """

    def __init__(self, name: str, ground: Ground, machine: Machine) -> None:
        super().__init__(name, ground)
        self._machine = machine

    def foretell(self, document: str) -> tuple[str, ...]:
        """Return what of a document this machine could not give, each as one clause."""
        return shortfalls(read(document), self._machine, self._name, self._free_bytes())

    def deploy(self, appliance: ApplianceId, document: str, volume: Path, results: Path) -> Deployment:
        """Deploy from the document alone; ``volume`` and ``results`` are what its storage nodes stand for.

        Raises
        ------
        Invalid
            If the document has a node type that the site does not know, or is no TOSCA.
        Refused
            If ``volume`` is not the sealed volume that the document names.
        Unavailable
            If the working area can't be written.
        """
        self._areas.area(appliance)
        blueprint = read(document)
        check_volume(appliance, volume, blueprint.volume_digest)
        with self._areas.writing(appliance):
            wanted = self._deployment(appliance, blueprint, volume, results, sha256_bytes(document.encode()))
        return self._areas.settle(wanted, document)

    def state(self, appliance: ApplianceId) -> ApplianceState:
        """Return the state that the site sees: LOST where it can't tell, FAILED where it was cut short."""
        return self._areas.state(appliance)

    def remove(self, appliance: ApplianceId) -> None:
        """Remove the appliance and its people's folders without a trace; results stay. Twice is silent.

        Raises
        ------
        Unavailable
            If the working area can't be removed.
        """
        self._areas.remove(appliance)

    def _deployment(
        self, appliance: ApplianceId, blueprint: Blueprint, volume: Path, results: Path, digest: str
    ) -> Deployment:
        asked = blueprint.environment
        return Deployment(
            appliance=appliance,
            site=self._name,
            volume=volume.absolute(),
            results=results.absolute(),
            sandbox=self._ground.sandbox,
            network=self._ground.network,
            cores=min(asked.cores, self._machine.cores),
            memory_gb=min(asked.memory_gb, self._machine.memory_gb),
            pipelines=(asked.pipeline,),
            not_given=shortfalls(blueprint, self._machine, self._name, self._free_bytes()),
            recipes=given_recipes(blueprint, self._machine),
            days=asked.days,
            document_digest=digest,
        )

    def _free_bytes(self) -> int:
        self._ground.folder.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(self._ground.folder).free


def open_site(name: str, settings: Mapping[str, str], ground: Ground, *, machine: Machine | None = None) -> LocalSite:
    """Open this machine as a site.

    Parameters
    ----------
    settings : mapping
        Must be empty: the machine is what it is.
    machine : Machine, optional
        What there is to give; by default what is found here.

    Raises
    ------
    Invalid
        If there is a setting.
    """
    check_settings(name, settings, known=())
    return LocalSite(name, ground, machine or this_machine())
