"""Site docker: what it is told by a TOSCA document, containers of an engine do.

An appliance without a queue has no container while nothing runs in it: each run and each terminal brings its own, with
the volume read-only, the results read-write, and no network; they end with it, and with voxpop. One with a queue has a
front end beside it, which stays, and workers that come and go, in a network that nothing leads out of.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import Path

from voxpop.appliance.bom import bill, differences
from voxpop.appliance.errors import (
    ImageAbsent,
    ImageUnreadable,
    NoWorkersHere,
    QueueNeedsRoot,
    SiteUnreachable,
    VolumeNotSealedHere,
)
from voxpop.appliance.images import Image, ImagePlan, Rebuilt, Say, plan_image
from voxpop.appliance.model import Deployment, Ground, Machine
from voxpop.appliance.ports import Said
from voxpop.appliance.states import ApplianceState
from voxpop.appliance.tosca import Blueprint, read
from voxpop.appliance.tosca.cluster import FRONT
from voxpop.backends.site import BENCH, SiteOnAreas, check_volume
from voxpop.backends.site.docker.cluster import Cluster, clear, clear_quietly, on_front_end
from voxpop.backends.site.docker.engine import Engine
from voxpop.backends.site.docker.images import build
from voxpop.backends.site.docker.machines import MachineEngine
from voxpop.backends.site.docker.packages import files, packages
from voxpop.backends.site.docker.people import inside
from voxpop.backends.site.docker.registry import fetch, send
from voxpop.backends.site.docker.room import Room, given_workers, shortfalls
from voxpop.backends.site.docker.sandbox import NAME, DockerSandbox, Owner
from voxpop.backends.site.docker.setup import Setup, read_setup
from voxpop.kernel.digests import sha256_bytes, sha256_json
from voxpop.kernel.ids import ApplianceId
from voxpop.volume.model import MANIFEST

_LEASES = "leases"
_BUILDING = ".images.lock"
_AT_ONCE = 8
_BILLS = ".bills"
_log = logging.getLogger("voxpop.site.docker")


class DockerSite(SiteOnAreas):
    """A Docker engine that sees the bank's folders under the names that they have here.

    Parameters
    ----------
    ground : Ground
        Where working areas are, and the recipes that images are made of.
    setup : Setup
        How the engine is reached.
    """

    def __init__(self, name: str, ground: Ground, setup: Setup) -> None:
        super().__init__(name, ground)
        self._setup = setup

    def check(self) -> dict[str, str]:
        """Ask the engine whether it is there, and say what it has.

        Raises
        ------
        SiteUnreachable
        """
        told = self._engine.itself()
        return {"engine": told.version, "cores": str(told.cores), "memory_gb": str(told.memory_gb)}

    def foretell(self, document: str) -> tuple[str, ...]:
        """Return what of a document it could not give, each as one clause.

        Raises
        ------
        SiteUnreachable
        """
        blueprint = read(document)
        self._check_queue(blueprint)
        return tuple(shortfalls(self._name, blueprint, self._room(self._engine.itself())))

    def build(self, recipes: tuple[str, ...], say: Say) -> Image:
        """Build the image of some recipes, or return the one that is there.

        Raises
        ------
        RecipeWithoutRole
            If a recipe can't be installed.
        ImageUnbuilt
            If a step fails.
        RegistryRefused
            If the site has a registry that can't be used.
        """
        plan = plan_image(recipes, self._ground.recipes)
        with self._areas.alone(_BUILDING):
            fetch(self._engine, self._setup, plan)
            image = build(self._engine, plan, self._setup.mirror, say)
            if image.built:
                send(self._engine, self._setup, plan)
            return image

    def rebuild(self, recipes: tuple[str, ...], say: Say) -> Rebuilt:
        """Build the image of some recipes a second time on the same base, and say what differs; the second is removed.

        Raises
        ------
        RecipeWithoutRole, ImageUnbuilt
            As ``build``.
        ImageUnreadable
            If one of the two does not say what it holds.
        """
        plan = plan_image(recipes, self._ground.recipes)
        first = self.build(recipes, say).id
        again = plan.again()
        with self._areas.alone(_BUILDING):
            self._drop(again)  # what a killed one left would be taken for built anew
            try:
                second = build(self._engine, again, self._setup.mirror, say).id
                was, now = files(self._engine, first), files(self._engine, second)
                changed = differences(packages(self._engine, first), packages(self._engine, second))
            finally:
                self._drop(again)
        if not was or not now:
            raise ImageUnreadable(self._name)
        changed += [f"file {path}" for path in sorted(was.keys() | now.keys()) if was.get(path) != now.get(path)]
        return Rebuilt(sha256_json(was), tuple(changed))

    def _drop(self, plan: ImagePlan) -> None:
        for name in (plan.tag, *reversed(plan.layers)):
            self._engine.drop(name)

    def bill(self, asked: str) -> str:
        """Return the bill of materials of an image; it is kept beside the working areas.

        Parameters
        ----------
        asked : str
            An image's digest, ``sha256:...``, or recipes joined by commas.

        Raises
        ------
        ImageAbsent
            If it is not on this engine.
        ImageUnreadable
            If it does not say what it holds.
        """
        name = asked if asked.startswith("sha256:") else plan_image(tuple(asked.split(",")), self._ground.recipes).tag
        image = self._engine.image(name)
        if not image:
            raise ImageAbsent(self._name)
        kept = self._ground.folder / _BILLS / f"{image.partition(':')[2]}.cdx.json"
        if not kept.is_file():
            found = packages(self._engine, image)
            if not found:
                raise ImageUnreadable(self._name)
            kept.parent.mkdir(parents=True, exist_ok=True)
            draft = kept.with_suffix(f".{os.getpid()}.new")
            draft.write_text(bill(image, found), encoding="utf-8")
            draft.replace(kept)
        return kept.read_text(encoding="utf-8")

    def deploy(self, appliance: ApplianceId, document: str, volume: Path, results: Path) -> Deployment:
        """Deploy from the document alone; ``volume`` and ``results`` are what its storage nodes stand for.

        Raises
        ------
        Invalid
            If the document has a node type that the site does not know, or is no TOSCA.
        Refused
            If ``volume`` is not the sealed volume that the document names, its image can't be built, or the engine
            does not see the volume, or could write to it.
        Unavailable
            If the engine does not answer, or the working area can't be written.
        """
        self._areas.area(appliance)
        blueprint = read(document)
        self._check_queue(blueprint)
        check_volume(appliance, volume, blueprint.volume_digest)
        engine = self._engine.itself()
        image = self.build(blueprint.environment.recipes, _told).id
        self._try_out(appliance, image, volume)
        asked, queue = blueprint.environment, blueprint.queue
        wanted = Deployment(
            appliance=appliance,
            site=self._name,
            volume=volume.absolute(),
            results=results.absolute(),
            sandbox=NAME,
            network=DockerSandbox.network,
            cores=min(asked.cores, self._most(engine.cores, self._setup.cores)),
            memory_gb=min(asked.memory_gb, self._most(engine.memory_gb, self._setup.memory_gb)),
            pipelines=(asked.pipeline,),
            not_given=tuple(shortfalls(self._name, blueprint, self._room(engine))),
            recipes=tuple(node.recipe for node in blueprint.software if not node.is_portal),
            days=asked.days,
            document_digest=sha256_bytes(document.encode()),
            image=image,
            queue=queue,
            bench=(self._areas.area(appliance) / BENCH).absolute() if queue else None,
            workers=given_workers(asked, self._room(engine)) if queue else None,
        )
        return self._settle(wanted, document) if queue else self._areas.settle(wanted, document)

    def state(self, appliance: ApplianceId) -> ApplianceState:
        """Return the state that the site sees: LOST where it can't tell, or the image or the front end is gone."""
        seen = self._areas.state(appliance)
        found = self._areas.find(appliance)
        if seen is ApplianceState.DEPLOYED and found is not None and not self._stands(found):
            return ApplianceState.LOST
        return seen

    def remove(self, appliance: ApplianceId) -> None:
        """End what runs in the appliance and remove it without a trace; results stay. Twice is silent.

        Raises
        ------
        Unavailable
            If the engine does not answer, or the working area can't be removed.
        """
        with self._areas.turn(appliance):
            clear(self._engine, appliance)
            self._areas.remove(appliance)

    def machines(self, appliance: ApplianceId) -> Sequence[Machine]:
        """Return the workers that are there, by name.

        Raises
        ------
        SiteUnreachable
            If the engine does not answer.
        """
        self._areas.area(appliance)
        return self._engine.workers(appliance)

    def add_machines(self, appliance: ApplianceId, names: Sequence[str]) -> None:
        """Make workers of these names; one that is there stays, one that has died is made anew.

        Raises
        ------
        NoWorkersHere
            If no queue is deployed here.
        WorkersNotGiven
            If there would be more than the appliance may have.
        SiteUnreachable
            If the engine does not answer, or refuses one; others may have been made.
        """
        with self._areas.turn(appliance):  # what is being removed gets no machine any more
            found = self._with_queue(appliance)
            self._cluster(found).add(self._areas.area(appliance), names)

    def remove_machines(self, appliance: ApplianceId, names: Sequence[str]) -> None:
        """Remove workers, whatever runs on them; twice is silent."""
        self._areas.area(appliance)
        there = {machine.name for machine in self._engine.workers(appliance)}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for gone in [pool.submit(self._engine.take_away, appliance, name) for name in sorted(there & set(names))]:
                gone.result()

    def on_front_end(self, appliance: ApplianceId, command: Sequence[str], stdin: str = "") -> Said:
        """Do a command on the front end as root, and return how it ended.

        Raises
        ------
        NoWorkersHere
            If no queue is deployed here.
        FrontEndAway
            If the front end can't be reached.
        """
        return on_front_end(self._engine, self._setup, self._with_queue(appliance), command, stdin)

    def sandbox(self, appliance: str, image: str) -> DockerSandbox:
        """Return what holds a run or a terminal of an appliance."""
        area = self._areas.area(ApplianceId(appliance))
        owner, found = Owner(appliance, self._engine.bank), self._areas.find(ApplianceId(appliance))
        desk = partial(self._cluster(found).desk, area) if found is not None and found.queue else None
        return DockerSandbox(self._setup, image, owner, area / _LEASES, self._engine.clear_lease, desk)

    @cached_property
    def _engine(self) -> MachineEngine:
        return MachineEngine(self._name, self._setup, self._ground.folder)

    def _settle(self, wanted: Deployment, document: str) -> Deployment:
        """Put up a cluster, or see that it stands; what was begun and fails is taken away again, unless it stood."""
        name = wanted.appliance
        with self._areas.turn(name):
            fresh = not os.path.lexists(self._areas.area(name))
            try:
                return self._areas.settle(wanted, document, self._cluster(wanted).put_up)
            except BaseException:
                if self._areas.find(name) is None:  # else it stands as it did: its queue and its workers go on
                    clear_quietly(self._engine, name)
                    if fresh:  # else runs and people have something there
                        self._areas.undo(name)
                raise

    def _check_queue(self, blueprint: Blueprint) -> None:
        if blueprint.queue and os.geteuid() != 0:
            raise QueueNeedsRoot(self._name)

    def _cluster(self, deployment: Deployment) -> Cluster:
        return Cluster(self._engine, self._setup, self._ground, deployment)

    def _with_queue(self, appliance: ApplianceId) -> Deployment:
        found = self._areas.find(appliance)
        if found is None or not found.queue:
            raise NoWorkersHere(appliance, self._name)
        return found

    def _stands(self, found: Deployment) -> bool:
        try:
            if not (found.image and self._engine.image(found.image)):
                return False
            return not found.queue or self._engine.runs(found.appliance, FRONT)
        except SiteUnreachable:
            return False

    def _try_out(self, appliance: ApplianceId, image: str, volume: Path) -> None:
        """See from inside that the volume is there, and can't be written to."""
        line = f"test -f /data/{MANIFEST} && ! touch /data/.written 2>/dev/null"
        if not self._engine.try_out(appliance, image, inside(), volume, line):
            raise VolumeNotSealedHere(appliance, f"is not seen by site '{self._name}' as it is here")

    def _most(self, has: int, allowed: int | None) -> int:
        return min(has, allowed or has)

    def _room(self, engine: Engine) -> Room:
        setup = self._setup
        return Room(
            cores=self._most(engine.cores, setup.cores),
            memory_gb=self._most(engine.memory_gb, setup.memory_gb),
            gpus=setup.gpus if engine.gpus else 0,
            workers=setup.workers,
        )


def _told(step: str) -> None:
    _log.info("an image is built: %s", step)


def open_site(name: str, settings: Mapping[str, str], ground: Ground) -> DockerSite:
    """Open an engine as a site; it is asked when it is first needed.

    Raises
    ------
    SiteSettingInvalid
        If a setting is unknown or wrong.
    """
    return DockerSite(name, ground, read_setup(name, settings))
