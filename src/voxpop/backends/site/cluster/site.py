"""Site cluster: what it is told by a TOSCA document, a cluster that others keep does by its own queue.

Nothing is installed there and nobody's rights are changed. Its machines see the volume and the pipelines, read-only,
and a folder where runs work, under the names that they have here.
"""

import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from tempfile import mkdtemp

from voxpop.appliance.model import Deployment, Ground, Workers
from voxpop.appliance.ports import Said
from voxpop.appliance.states import ApplianceState
from voxpop.appliance.tosca import Blueprint, read
from voxpop.backends.sandbox import hand_over
from voxpop.backends.site import SECRETS, SiteOnAreas, check_volume
from voxpop.backends.site.cluster.access import Access
from voxpop.backends.site.cluster.errors import ClusterUnfit
from voxpop.backends.site.cluster.jobs import HeldQueue, Hold, Noted
from voxpop.backends.site.cluster.setup import Setup, read_setup
from voxpop.backends.site.cluster.trial import Trial
from voxpop.kernel.digests import sha256_bytes, sha256_file
from voxpop.kernel.errors import VoxpopError
from voxpop.kernel.ids import ApplianceId
from voxpop.run.ports import Batch

_JOBS = "jobs"
_TRIAL = "trial-"
_HOLDS_ALL = "bubblewrap"
_SHORT = 12
_REMOVE_TRIES = 20
_PAUSE_S = 0.5
_VERSION = {"slurm": ("sbatch", "--version"), "htcondor": ("condor_version",)}


class ClusterSite(SiteOnAreas):
    """A cluster that others keep.

    Parameters
    ----------
    ground : Ground
        Where working areas and pipelines are, and the sandbox that runs are conducted in.
    """

    def __init__(self, name: str, ground: Ground, setup: Setup) -> None:
        super().__init__(name, ground)
        self._setup = setup
        self._access = Access(name, setup)

    def check(self) -> dict[str, str]:
        """Ask the cluster whether it is there, and say who we are for it.

        Raises
        ------
        ClusterUnreachable
            If it does not answer.
        ClusterUnfit
            If its account is none that runs can be handed to.
        """
        said = self._access.do(_VERSION[self._setup.queue])
        if said.exit_code != 0:
            raise ClusterUnfit(self._name, f"`{' '.join(_VERSION[self._setup.queue])}` fails there: install its client")
        version = said.stdout.strip().splitlines()[:1] or [""]
        image = str(self._setup.apptainer_image or "none: jobs see their machine")
        return {"queue": version[0].strip("$ "), "account": str(self._access.account()), "apptainer_image": image}

    def foretell(self, document: str) -> tuple[str, ...]:
        """Return what of a document it could not give by its settings, each as one clause; it is not asked."""
        return tuple(_shortfalls(read(document), self._setup, self._name))

    def deploy(self, appliance: ApplianceId, document: str, volume: Path, results: Path) -> Deployment:
        """Deploy from the document alone; ``volume`` and ``results`` are what its storage nodes stand for.

        Raises
        ------
        Invalid
            If the document has a node type that the site does not know, or is no TOSCA.
        Refused
            If ``volume`` is not the sealed volume that the document names, or its machines do not see it read-only.
        Unavailable
            If the cluster does not answer, or the working area can't be written.

        Notes
        -----
        A job tries the cluster out: it looks from a worker at the volume, and at the software.
        """
        self._areas.area(appliance)
        blueprint = read(document)
        check_volume(appliance, volume, blueprint.volume_digest)
        wanted = self._deployment(appliance, blueprint, volume, results, sha256_bytes(document.encode()))
        with self._areas.writing(appliance), self._areas.turn(appliance):
            stood = self._areas.find(appliance)
            if stood is not None and _asked(stood) == _asked(wanted) and self._bench(appliance).is_dir():
                return stood
            try:
                missing = self._tried(wanted, blueprint)
                made = replace(wanted, not_given=(*wanted.not_given, *missing), recipes=_given(blueprint, missing))
                return self._areas.settle(made, document)
            except BaseException:
                if stood is None:
                    self._clear(appliance)
                    self._areas.undo(appliance)
                raise

    def state(self, appliance: ApplianceId) -> ApplianceState:
        """Return the state that the site sees: LOST where it can't tell, or where the cluster does not answer."""
        seen = self._areas.state(appliance)
        if seen is not ApplianceState.DEPLOYED:
            return seen
        try:
            self._access.account()
        except VoxpopError:
            return ApplianceState.LOST
        return ApplianceState.DEPLOYED

    def remove(self, appliance: ApplianceId) -> None:
        """End its jobs and remove the appliance without a trace; results stay. Twice is silent.

        Raises
        ------
        Unavailable
            If the queue does not answer, or the working area can't be removed.
        """
        self._areas.area(appliance)
        with self._areas.writing(appliance), self._areas.turn(appliance):
            self._clear(appliance)
            self._areas.remove(appliance)

    def account(self) -> int:
        """Return the number of the account that conducts runs here, since their commands are its jobs there.

        Raises
        ------
        ClusterUnreachable, ClusterUnfit
        """
        return self._access.account()

    def batch(self, appliance: ApplianceId) -> Batch:
        """Return the queue, as runs of an appliance hand their commands to it."""
        found = self._areas.find(appliance)
        volume = (found.volume.resolve(),) if found else ()
        return self._queue(appliance, (*volume, self._pipelines()))

    def on_front_end(self, appliance: ApplianceId, command: Sequence[str], stdin: str = "") -> Said:
        """Do a command where jobs are handed in, as who hands them in.

        Raises
        ------
        ClusterUnreachable
            If it can't be done there.
        """
        self._areas.area(appliance)
        return self._access.do(command, stdin)

    def _tried(self, wanted: Deployment, blueprint: Blueprint) -> list[str]:
        account = self._access.account()
        if os.geteuid() == 0 and self._ground.sandbox != _HOLDS_ALL:
            raise ClusterUnfit(self._name, "voxpop is root here and has no bubblewrap to conduct runs in: install it")
        appliance = wanted.appliance
        secrets = self._areas.area(appliance) / SECRETS
        secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
        bench = self._bench(appliance)
        bench.mkdir(parents=True, exist_ok=True)
        bench.chmod(0o711)  # runs reach their own folders, and can't exchange one for a link
        for left in bench.glob(f"{_TRIAL}*"):  # of a process that was killed: its job, if it comes yet, finds no folder
            shutil.rmtree(left)
        folder = Path(mkdtemp(prefix=_TRIAL, dir=bench))
        hand_over(folder, account)
        trial = Trial(self._name, appliance, blueprint, wanted.volume.resolve(), self._pipelines(), folder)
        try:
            queue = self._queue(appliance, (wanted.volume.resolve(), self._pipelines()))
            return trial.carry_out(queue, self._setup.patience_s)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _queue(self, appliance: ApplianceId, read_only: tuple[Path, ...]) -> HeldQueue:
        known = {point.name: point for point in entry_points(group="voxpop.batch")}
        opened: Batch = known[self._setup.queue].load()(self._access.do, "")
        hold = Hold(self._setup.path, self._setup.apptainer_image, read_only, self._bench(appliance))
        return HeldQueue(opened, hold, self._noted(appliance))

    def _clear(self, appliance: ApplianceId) -> None:
        """End what the appliance has in the queue, and remove what it has on the cluster's file system."""
        queue = self._queue(appliance, ())
        for keys in self._noted(appliance).parts():
            queue.cancel(keys)
        for left in reversed(range(_REMOVE_TRIES)):  # what was ended a moment ago may write a last file
            try:
                shutil.rmtree(self._bench(appliance))
            except FileNotFoundError:
                break
            except OSError:
                if not left:
                    raise
                time.sleep(_PAUSE_S)

    def _noted(self, appliance: ApplianceId) -> Noted:
        return Noted(self._areas.area(appliance) / SECRETS / _JOBS)

    def _bench(self, appliance: ApplianceId) -> Path:
        bank = sha256_bytes(os.fsencode(self._ground.folder.absolute()))[:_SHORT]
        return self._setup.folder / f"voxpop-{bank}-{appliance}"

    def _pipelines(self) -> Path:
        assert self._ground.pipelines is not None
        return self._ground.pipelines.resolve()

    def _deployment(
        self, appliance: ApplianceId, blueprint: Blueprint, volume: Path, results: Path, digest: str
    ) -> Deployment:
        asked = blueprint.environment
        image = self._setup.apptainer_image
        return Deployment(
            appliance=appliance,
            site=self._name,
            volume=volume.absolute(),
            results=results.absolute(),
            sandbox=self._ground.sandbox,
            network=image is None,
            cores=asked.cores,
            memory_gb=asked.memory_gb,
            pipelines=(asked.pipeline,),
            not_given=tuple(_shortfalls(blueprint, self._setup, self._name)),
            days=asked.days,
            document_digest=digest,
            image=f"sha256:{sha256_file(image)}" if image else "",
            queue=self._setup.queue,
            bench=self._bench(appliance),
            workers=_workers(blueprint, self._setup),
        )


def _workers(blueprint: Blueprint, setup: Setup) -> Workers:
    asked = _wanted(blueprint)
    return Workers(
        0,
        min(asked.most, setup.workers),
        min(asked.cores, setup.cores),
        min(asked.memory_gb, setup.memory_gb),
        min(asked.gpus, setup.gpus),
    )


def _wanted(blueprint: Blueprint) -> Workers:
    asked = blueprint.environment
    return asked.workers or Workers(0, 1, asked.cores, asked.memory_gb, asked.gpus)


def _shortfalls(blueprint: Blueprint, setup: Setup, site: str) -> Iterator[str]:
    asked, given = _wanted(blueprint), _workers(blueprint, setup)
    for what, wanted, has in (
        ("workers", asked.most, given.most),
        ("cores a worker", asked.cores, given.cores),
        ("GB of memory a worker", asked.memory_gb, given.memory_gb),
        ("GPUs a worker", asked.gpus, given.gpus),
    ):
        if wanted > has:
            yield f"asked {wanted} {what}: site {site} gives {has}"
    for node in blueprint.software:
        if node.is_portal:
            yield f"asked a portal ({node.recipe}): not on site {site}"
        elif node.is_queue and node.recipe != setup.queue:
            yield f"asked the batch queue {node.recipe}: site {site} has {setup.queue}"


def _given(blueprint: Blueprint, missing: Sequence[str]) -> tuple[str, ...]:
    """Name the recipes whose software is there."""
    return tuple(
        node.recipe
        for node in blueprint.software
        if not node.is_portal and not any(clause.startswith(f"asked {node.recipe}:") for clause in missing)
    )


def _asked(deployment: Deployment) -> Deployment:
    """Leave away what was found when it was tried out."""
    return replace(deployment, not_given=(), recipes=())


def open_site(name: str, settings: Mapping[str, str], ground: Ground) -> ClusterSite:
    """Open a cluster as a site; it is not asked yet.

    Raises
    ------
    SiteSettingInvalid
        If a setting is missing, unknown or wrong.
    """
    return ClusterSite(name, ground, read_setup(name, settings))
