"""Site docker: what it is told by a TOSCA document, containers of an engine do.

An appliance without a queue has no container while nothing runs in it: each run and each terminal brings its own, with
the volume read-only, the results read-write, and no network; they end with it, and with voxpop.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from voxpop.appliance.bom import bill, differences
from voxpop.appliance.errors import ImageAbsent, ImageUnreadable, SiteUnreachable, VolumeNotSealedHere
from voxpop.appliance.images import Image, Rebuilt, Say, plan_image
from voxpop.appliance.model import Deployment, Ground
from voxpop.appliance.states import ApplianceState
from voxpop.appliance.tosca import Blueprint, read
from voxpop.backends.site import Areas, check_volume
from voxpop.backends.site.docker.engine import DockerEngine, Engine
from voxpop.backends.site.docker.images import build
from voxpop.backends.site.docker.packages import files, packages
from voxpop.backends.site.docker.registry import fetch, send
from voxpop.backends.site.docker.sandbox import NAME, DockerSandbox, inside
from voxpop.backends.site.docker.setup import Setup, read_setup
from voxpop.kernel.digests import sha256_bytes, sha256_json
from voxpop.kernel.ids import ApplianceId
from voxpop.volume.model import MANIFEST

_LEASES = "leases"
_BUILDING = ".images.lock"
_BILLS = ".bills"
_log = logging.getLogger("voxpop.site.docker")


class DockerSite:
    """A Docker engine that sees the bank's folders under the names that they have here.

    Parameters
    ----------
    ground : Ground
        Where working areas are, and the recipes that images are made of.
    setup : Setup
        How the engine is reached.
    """

    def __init__(self, name: str, ground: Ground, setup: Setup) -> None:
        self._name = name
        self._ground = ground
        self._setup = setup
        self._areas = Areas(ground.folder, name)

    @property
    def name(self) -> str:
        """The site's configured name."""
        return self._name

    def check(self) -> dict[str, str]:
        """Ask the engine whether it is there, and say what it has.

        Raises
        ------
        SiteUnreachable
        """
        told = self._engine.itself()
        return {"engine": told.version, "cores": str(told.cores), "memory_gb": str(told.memory_gb)}

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
            try:
                second = build(self._engine, again, self._setup.mirror, say).id
                was, now = files(self._engine, first), files(self._engine, second)
                changed = differences(packages(self._engine, first), packages(self._engine, second))
            finally:
                for name in (again.tag, *reversed(again.layers)):
                    self._engine.drop(name)
        if not was or not now:
            raise ImageUnreadable(self._name)
        changed += [f"file {path}" for path in sorted(was.keys() | now.keys()) if was.get(path) != now.get(path)]
        return Rebuilt(sha256_json(was), tuple(changed))

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
        check_volume(appliance, volume, blueprint.volume_digest)
        engine = self._engine.itself()
        image = self.build(blueprint.environment.recipes, _told).id
        self._try_out(appliance, image, volume)
        asked = blueprint.environment
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
            not_given=tuple(self._shortfalls(blueprint, engine)),
            recipes=tuple(node.recipe for node in blueprint.software if not (node.is_queue or node.is_portal)),
            days=asked.days,
            document_digest=sha256_bytes(document.encode()),
            image=image,
        )
        return self._areas.settle(wanted, document)

    def find(self, appliance: ApplianceId) -> Deployment | None:
        """Return the deployment as it is; None where there is none, or none that can be read."""
        return self._areas.find(appliance)

    def state(self, appliance: ApplianceId) -> ApplianceState:
        """Return the state that the site sees: LOST where it can't tell, or where the image is gone."""
        seen = self._areas.state(appliance)
        found = self._areas.find(appliance)
        if seen is ApplianceState.DEPLOYED and found is not None and not self._has(found.image):
            return ApplianceState.LOST
        return seen

    def remove(self, appliance: ApplianceId) -> None:
        """End what runs in the appliance and remove it without a trace; results stay. Twice is silent.

        Raises
        ------
        Unavailable
            If the engine does not answer, or the working area can't be removed.
        """
        self._areas.area(appliance)
        self._engine.clear(appliance)
        self._areas.remove(appliance)

    def sandbox(self, appliance: str, image: str) -> DockerSandbox:
        """Return what holds a run or a terminal of an appliance."""
        leases = self._areas.area(ApplianceId(appliance)) / _LEASES
        return DockerSandbox(self._setup, image, appliance, leases, self._engine.clear_lease)

    @cached_property
    def _engine(self) -> DockerEngine:
        return DockerEngine(self._name, self._setup, self._ground.folder)

    def _has(self, image: str) -> bool:
        try:
            return bool(image) and bool(self._engine.image(image))
        except SiteUnreachable:
            return False

    def _try_out(self, appliance: ApplianceId, image: str, volume: Path) -> None:
        """See from inside that the volume is there, and can't be written to."""
        line = f"test -f /data/{MANIFEST} && ! touch /data/.written 2>/dev/null"
        if not self._engine.try_out(appliance, image, inside(), volume, line):
            raise VolumeNotSealedHere(appliance, f"is not seen by site '{self._name}' as it is here")

    def _most(self, has: int, allowed: int | None) -> int:
        return min(has, allowed or has)

    def _shortfalls(self, blueprint: Blueprint, engine: Engine) -> Iterator[str]:
        asked = blueprint.environment
        cores, memory_gb = (
            self._most(engine.cores, self._setup.cores),
            self._most(engine.memory_gb, self._setup.memory_gb),
        )
        if asked.cores > cores:
            yield f"asked {asked.cores} cores, site {self._name} gives {cores}: jobs run on {cores}"
        if asked.memory_gb > memory_gb:
            yield f"asked {asked.memory_gb} GB of memory, site {self._name} gives {memory_gb} GB: jobs get that"
        if asked.gpus:
            yield f"asked {asked.gpus} GPUs: site {self._name} passes none on yet"
        for node in blueprint.software:
            if node.is_queue:
                yield f"asked a batch queue ({node.recipe}): site {self._name} runs jobs itself"
            elif node.is_portal:
                yield f"asked a portal ({node.recipe}): the bank's own serves it"


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
