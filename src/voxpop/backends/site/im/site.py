"""Site im: what it is told by a TOSCA document, an Infrastructure Manager makes on a cloud.

The service gets the document as it is, with the values of its inputs. It is asked by REST alone, and nodes hold neither
its credentials nor the cloud's: its inventory on the front end names the user of one infrastructure at the most.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NoReturn

from voxpop.appliance.errors import WorkersNotGiven
from voxpop.appliance.model import Deployment, Ground, Machine
from voxpop.appliance.ports import Said
from voxpop.appliance.states import ApplianceState
from voxpop.appliance.tosca import Blueprint, read
from voxpop.backends.site import SiteOnAreas, check_volume
from voxpop.backends.site.im.credentials import lines_of
from voxpop.backends.site.im.errors import InfrastructureGone, InfrastructureLeft, RunsNotHeld, SiteWithoutQueue
from voxpop.backends.site.im.front_end import FrontEnd
from voxpop.backends.site.im.infrastructure import Infrastructures
from voxpop.backends.site.im.making import Making
from voxpop.backends.site.im.setup import Setup, read_setup
from voxpop.kernel.digests import sha256_bytes
from voxpop.kernel.errors import Unavailable, VoxpopError
from voxpop.kernel.ids import ApplianceId

_SANDBOX = "virtual machines"
_log = logging.getLogger(__name__)


class ImSite(SiteOnAreas):
    """A cloud behind an Infrastructure Manager.

    Parameters
    ----------
    ground : Ground
        Where working areas are, and the recipes that machines may need.
    setup : Setup
        How the service is reached.
    way : type of FrontEnd
        How front ends are reached.
    """

    def __init__(self, name: str, ground: Ground, setup: Setup, way: type[FrontEnd] = FrontEnd) -> None:
        super().__init__(name, ground)
        self._setup = setup
        self._all = Infrastructures(name, setup, ground.folder)
        self._way = way

    def check(self) -> dict[str, str]:
        """Ask the service whether it is there, and say who we are for it.

        Raises
        ------
        Invalid
            If a file that the settings name can't be used.
        Unavailable
            If the service does not answer, or does not know us.
        """
        lines_of(self._name, "cloud_auth_file", self._setup.cloud_auth_file)
        version = self._all.check()
        whom = "one an infrastructure" if self._setup.user_db else "one for all infrastructures"
        return {"infrastructure_manager": version, "users_of_the_service": whom, "image": self._setup.image}

    def foretell(self, document: str) -> tuple[str, ...]:
        """Return what of a document it could not give, each as one clause.

        Raises
        ------
        SiteWithoutQueue
            If the document has no queue.
        Unavailable
            If the service does not answer.
        """
        blueprint = read(document)
        if blueprint.elasticity is None:
            raise SiteWithoutQueue(self._name)
        self._all.check()
        return tuple(_shortfalls(self._name, blueprint))

    def deploy(self, appliance: ApplianceId, document: str, volume: Path, results: Path) -> Deployment:
        """Deploy from the document alone; ``volume`` and ``results`` are what its storage nodes stand for.

        Raises
        ------
        Invalid
            If the document has a node type that the site does not know, or is no TOSCA.
        Refused
            If ``volume`` is not the sealed volume that the document names, there is no queue, or the machines did not
            become what the document says; nothing of them is left then.
        Unavailable
            If the service does not answer, or the working area can't be written.
        """
        self._areas.area(appliance)
        blueprint = read(document)
        if blueprint.elasticity is None:
            raise SiteWithoutQueue(self._name)
        check_volume(appliance, volume, blueprint.volume_digest)
        wanted = self._deployment(appliance, blueprint, volume, results, sha256_bytes(document.encode()))
        with self._areas.writing(appliance), self._areas.turn(appliance):
            if self._areas.find(appliance) == wanted and self._stands(appliance):
                return self._areas.settle(wanted, document)
            return self._make(wanted, document, blueprint)

    def state(self, appliance: ApplianceId) -> ApplianceState:
        """Return the state that the site sees: LOST where it can't tell, or where the front end does not stand."""
        seen = self._areas.state(appliance)
        if seen is not ApplianceState.DEPLOYED:
            return seen
        try:
            return ApplianceState.DEPLOYED if self._stands(appliance) else ApplianceState.LOST
        except VoxpopError:
            return ApplianceState.LOST

    def remove(self, appliance: ApplianceId) -> None:
        """Destroy the machines and remove the appliance without a trace; results stay. Twice is silent.

        Raises
        ------
        Unavailable
            If the service does not answer, or the working area can't be removed.
        """
        self._areas.area(appliance)
        with self._areas.writing(appliance), self._areas.turn(appliance):
            self._all.destroy(appliance)
            self._areas.remove(appliance)

    def machines(self, appliance: ApplianceId) -> Sequence[Machine]:
        """Return the workers that are there, by name.

        Raises
        ------
        Unavailable
            If the service does not answer.
        """
        with self._all.of(appliance) as infrastructure:
            return [seen.machine for seen in infrastructure.workers()]

    def add_machines(self, appliance: ApplianceId, names: Sequence[str]) -> None:
        """Make workers of these names; one that is there stays, one that has died is made anew.

        Raises
        ------
        Refused
            If there would be more than the appliance may have, or the service says no.
        Unavailable
            If the service does not answer.

        Notes
        -----
        It returns once the cloud was asked for them; the queue tells when they have come.
        """
        # what is being removed gets no machine any more
        with self._areas.turn(appliance), self._all.of(appliance) as infrastructure:
            there = infrastructure.workers()
            alive = {seen.machine.name for seen in there if seen.machine.up}
            self._check_most(appliance, alive | {*names})
            infrastructure.remove([seen.number for seen in there if seen.machine.name in names and not seen.machine.up])
            infrastructure.add([name for name in dict.fromkeys(names) if name not in alive])

    def remove_machines(self, appliance: ApplianceId, names: Sequence[str]) -> None:
        """Remove workers, whatever runs on them; twice is silent.

        Raises
        ------
        Unavailable
            If the service does not answer.
        """
        with self._all.of(appliance) as infrastructure:
            infrastructure.remove([seen.number for seen in infrastructure.workers() if seen.machine.name in names])

    def on_front_end(self, appliance: ApplianceId, command: Sequence[str], stdin: str = "") -> Said:
        """Do a command on the front end as root, and return how it ended.

        Raises
        ------
        Unavailable
            If the front end can't be reached.
        """
        return self._front_end(appliance).do(command, stdin)

    def sandbox(self, appliance: str, image: str) -> NoReturn:
        """Say that nothing is held there yet; a run must not go to this machine instead."""
        del image
        raise RunsNotHeld(self._name, appliance)

    def _make(self, wanted: Deployment, document: str, blueprint: Blueprint) -> Deployment:
        """Make the machines, or go on with those of a deployment that was cut short; undo it where that fails."""
        appliance = wanted.appliance
        stood = self._areas.find(appliance)
        try:
            self._all.make_private(appliance)
            with self._all.made(appliance, document) as infrastructure:
                making = Making(self._name, self._setup, self._ground, self._front_end(appliance))
                making.configure(infrastructure, appliance, blueprint)
            return self._areas.settle(wanted, document)
        except BaseException as failed:
            # a service that is away for a while costs nobody the machines that stood
            if not (stood == wanted and isinstance(failed, Unavailable)):
                self._undo(appliance, failed, stood=stood is not None)
            raise

    def _undo(self, appliance: ApplianceId, failed: BaseException, *, stood: bool) -> None:
        """Destroy what was made; the area of what stood before stays, as one that is lost."""
        try:
            self._all.destroy(appliance)
            if not stood:
                self._areas.undo(appliance)
        except VoxpopError as left:
            if isinstance(failed, VoxpopError):
                raise InfrastructureLeft(self._name, appliance, failed.sentence) from failed
            _log.warning("what was made of appliance %s could not be removed: %s", appliance, left.sentence)

    def _stands(self, appliance: ApplianceId) -> bool:
        """Whether its front end is there and runs."""
        try:
            with self._all.of(appliance) as infrastructure:
                return infrastructure.stands()
        except InfrastructureGone:
            return False

    def _front_end(self, appliance: ApplianceId) -> FrontEnd:
        return self._way(appliance, self._all.private(appliance))

    def _check_most(self, appliance: ApplianceId, names: AbstractSet[str]) -> None:
        found = self._areas.find(appliance)
        most = found.workers.most if found is not None and found.workers is not None else 0
        allowed = {f"w{number}" for number in range(1, most + 1)}
        if not names <= allowed:
            raise WorkersNotGiven(appliance, most)

    def _deployment(
        self, appliance: ApplianceId, blueprint: Blueprint, volume: Path, results: Path, digest: str
    ) -> Deployment:
        asked = blueprint.environment
        return Deployment(
            appliance=appliance,
            site=self._name,
            volume=volume.absolute(),
            results=results.absolute(),
            sandbox=_SANDBOX,
            network=True,
            cores=asked.cores,
            memory_gb=asked.memory_gb,
            pipelines=(asked.pipeline,),
            not_given=tuple(_shortfalls(self._name, blueprint)),
            recipes=tuple(node.recipe for node in blueprint.software if not node.is_portal),
            days=asked.days,
            document_digest=digest,
            image=self._setup.image,
            queue=blueprint.queue,
            workers=asked.workers,
        )


def _shortfalls(site: str, blueprint: Blueprint) -> Iterator[str]:
    yield f"asked the data and the results on every machine: machines of site {site} do not see the bank's folders yet"
    for node in blueprint.software:
        if node.is_portal:
            yield f"asked a portal ({node.recipe}): not on site {site}"


def open_site(name: str, settings: Mapping[str, str], ground: Ground) -> ImSite:
    """Open an Infrastructure Manager as a site; it is not asked yet.

    Raises
    ------
    Invalid
        If a setting is missing, unknown or wrong.
    """
    return ImSite(name, ground, read_setup(name, settings))
