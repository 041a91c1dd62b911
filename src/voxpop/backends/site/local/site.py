"""Site local: what it is told by a TOSCA document, it does on this machine."""

import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from voxpop.appliance.errors import VolumeNotSealedHere
from voxpop.appliance.model import Deployment
from voxpop.appliance.states import ApplianceState
from voxpop.appliance.terminals import people_folder
from voxpop.appliance.tosca import Blueprint, read
from voxpop.backends.site.local import record
from voxpop.backends.site.local.errors import ApplianceNameInvalid, WorkingAreaUnwritable
from voxpop.backends.site.local.machine import Machine, given_recipes, shortfalls, this_machine
from voxpop.kernel.digests import sha256_bytes, sha256_file
from voxpop.kernel.ids import ApplianceId
from voxpop.volume.model import MANIFEST

DOCUMENT = "appliance.tosca.yaml"
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_WRITERS = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


class LocalSite:
    """The machine itself as a site.

    Parameters
    ----------
    folder : Path
        Holds one working area an appliance, ``<folder>/<id>``.
    sandbox : str
        Name of the sandbox that runs are held in.
    network : bool
        Whether that sandbox leaves the network open.
    machine : Machine
        What there is to give.
    """

    def __init__(self, name: str, folder: Path, sandbox: str, machine: Machine, *, network: bool) -> None:
        self._name = name
        self._folder = folder
        self._sandbox = sandbox
        self._machine = machine
        self._network = network

    @property
    def name(self) -> str:
        """The site's configured name."""
        return self._name

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

        Notes
        -----
        The same document again changes nothing. The record is written last: an area without one is a deployment that
        was cut short, and is made again.
        """
        area = self._area(appliance)
        blueprint = read(document)
        _check_volume(appliance, volume, blueprint.volume_digest)
        with self._writing(appliance):
            wanted = self._deployment(appliance, blueprint, volume, results, sha256_bytes(document.encode()))
            kept = self.find(appliance)
            if kept is not None and replace(kept, not_given=wanted.not_given) == wanted and results.is_dir():
                return kept  # how full the disk is may have changed since; that is no other deployment
            _remove_tree(area)
            results.mkdir(parents=True, exist_ok=True)
            area.mkdir(parents=True)
            (area / DOCUMENT).write_text(document, encoding="utf-8")
            (area / "data").symlink_to(wanted.volume)
            (area / "results").symlink_to(wanted.results)
            record.write(area, wanted)
        return wanted

    def find(self, appliance: ApplianceId) -> Deployment | None:
        """Return the deployment as it is; None where there is none, or none that can be read."""
        found = record.read(self._area(appliance))
        return found if found is not None and found.appliance == appliance else None

    def state(self, appliance: ApplianceId) -> ApplianceState:
        """Return the state that the site sees: LOST where it can't tell, FAILED where it was cut short."""
        area = self._area(appliance)
        if not os.path.lexists(area):
            return ApplianceState.REMOVED
        found = self.find(appliance)
        if found is not None:
            whole = found.volume.is_dir() and found.results.is_dir()
            return ApplianceState.DEPLOYED if whole else ApplianceState.LOST
        cut_short = area.is_dir() and not os.path.lexists(area / record.RECORD)
        return ApplianceState.FAILED if cut_short else ApplianceState.LOST

    def remove(self, appliance: ApplianceId) -> None:
        """Remove the appliance and its people's folders without a trace; results stay. Twice is silent.

        Raises
        ------
        Unavailable
            If the working area can't be removed.
        """
        with self._writing(appliance):
            _remove_tree(self._area(appliance))
            _remove_people(people_folder(self._folder, appliance))

    def _area(self, appliance: ApplianceId) -> Path:
        if not _ID.fullmatch(appliance):
            raise ApplianceNameInvalid
        return self._folder / appliance

    def _deployment(
        self, appliance: ApplianceId, blueprint: Blueprint, volume: Path, results: Path, digest: str
    ) -> Deployment:
        asked = blueprint.environment
        self._folder.mkdir(parents=True, exist_ok=True)
        free_bytes = shutil.disk_usage(self._folder).free
        return Deployment(
            appliance=appliance,
            site=self._name,
            volume=volume.absolute(),
            results=results.absolute(),
            sandbox=self._sandbox,
            network=self._network,
            cores=min(asked.cores, self._machine.cores),
            memory_gb=min(asked.memory_gb, self._machine.memory_gb),
            pipelines=(asked.pipeline,),
            not_given=shortfalls(blueprint, self._machine, self._name, free_bytes),
            recipes=given_recipes(blueprint, self._machine),
            days=asked.days,
            document_digest=digest,
        )

    @contextmanager
    def _writing(self, appliance: ApplianceId) -> Iterator[None]:
        try:
            yield
        except OSError as broken:
            fault = (broken.strerror or "the disk refused it").lower()
            raise WorkingAreaUnwritable(appliance, self._name, fault) from broken


def open_site(name: str, *, folder: Path, sandbox: str, network: bool, machine: Machine | None = None) -> LocalSite:
    """Open this machine as a site.

    Parameters
    ----------
    folder : Path
        Holds one working area an appliance.
    sandbox : str
        Name of the sandbox that runs will be held in.
    network : bool
        Whether that sandbox leaves the network open.
    machine : Machine, optional
        What there is to give; by default what is found here.
    """
    return LocalSite(name, folder, sandbox, machine or this_machine(), network=network)


def _check_volume(appliance: ApplianceId, volume: Path, digest: str) -> None:
    manifest = volume / MANIFEST
    if not manifest.is_file():
        raise VolumeNotSealedHere(appliance, "has no manifest where its files should be")
    if sha256_file(manifest) != digest:
        raise VolumeNotSealedHere(appliance, "is not the one that the document names")
    if any(path.lstat().st_mode & _WRITERS for path in [volume, *volume.rglob("*")]):
        raise VolumeNotSealedHere(appliance, "has files that can be written to")


def _remove_tree(area: Path) -> None:
    if area.is_symlink() or area.is_file():
        area.unlink()
        return
    (area / record.RECORD).unlink(missing_ok=True)  # first: what is left by a kill reads as cut short
    if area.is_dir():
        shutil.rmtree(area)


def _remove_people(people: Path) -> None:
    try:
        shutil.rmtree(people)
    except FileNotFoundError:
        return
    except PermissionError:  # a person may have taken rights away from folders of their own
        for root, folders, _ in os.walk(people):
            for name in folders:
                if not (Path(root) / name).is_symlink():
                    (Path(root) / name).chmod(stat.S_IRWXU)
        shutil.rmtree(people)
