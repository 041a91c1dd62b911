"""What sites of this machine share: a working area an appliance, with the record of what was deployed there."""

import fcntl
import json
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from voxpop.appliance.errors import ApplianceNameInvalid, SiteSettingInvalid, VolumeNotSealedHere, WorkingAreaUnwritable
from voxpop.appliance.model import Deployment, Ground, Workers
from voxpop.appliance.states import ApplianceState
from voxpop.appliance.terminals import people_folder
from voxpop.kernel.digests import sha256_file
from voxpop.kernel.ids import ApplianceId
from voxpop.volume.model import MANIFEST

DOCUMENT = "appliance.tosca.yaml"
RECORD = "deployment.json"
BENCH = "bench"
SECRETS = "secrets"
GATE = "gate"
PEOPLE = "people"
LASTING = (BENCH, SECRETS, GATE, PEOPLE)
"""What of an area goes on when an appliance is deployed again."""

_Usual = TypeVar("_Usual", int, None)
_FORMAT = 1
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_WRITERS = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


class SiteOnAreas:
    """What sites have in common that keep an area an appliance.

    Parameters
    ----------
    name : str
        The site's configured name.
    ground : Ground
        What the site finds on this machine.
    """

    def __init__(self, name: str, ground: Ground) -> None:
        self._name = name
        self._ground = ground
        self._areas = Areas(ground.folder, name)

    @property
    def name(self) -> str:
        """The site's configured name."""
        return self._name

    def find(self, appliance: ApplianceId) -> Deployment | None:
        """Return the deployment as it is; None where there is none, or none that can be read."""
        return self._areas.find(appliance)


class Areas:
    """The working areas of one site.

    Parameters
    ----------
    folder : Path
        Holds them, ``<folder>/<appliance>``.
    site : str
        The site's name, for what is said where one can't be written.
    """

    def __init__(self, folder: Path, site: str) -> None:
        self.folder = folder
        self._site = site

    def area(self, appliance: ApplianceId) -> Path:
        """Return where an appliance's area is, or would be."""
        if not _ID.fullmatch(appliance):
            raise ApplianceNameInvalid
        return self.folder / appliance

    def find(self, appliance: ApplianceId) -> Deployment | None:
        """Return the deployment as it was recorded; None where there is none, or none that can be read."""
        found = _read(self.area(appliance))
        return found if found is not None and found.appliance == appliance else None

    def state(self, appliance: ApplianceId) -> ApplianceState:
        """Return the state that the area shows: LOST where it can't tell, FAILED where it was cut short."""
        area = self.area(appliance)
        if not os.path.lexists(area):
            return ApplianceState.REMOVED
        found = self.find(appliance)
        if found is not None:
            whole = all(folder.is_dir() for folder in (found.volume, found.results, found.bench) if folder)
            return ApplianceState.DEPLOYED if whole else ApplianceState.LOST
        cut_short = area.is_dir() and not os.path.lexists(area / RECORD)
        return ApplianceState.FAILED if cut_short else ApplianceState.LOST

    def settle(
        self, wanted: Deployment, document: str, furnish: Callable[[Path], None] = lambda area: None
    ) -> Deployment:
        """Make the area of a deployment and record it, or return the one that stands there.

        Parameters
        ----------
        furnish : callable
            Puts up what works from the area, or sees that it stands; it may be called again.

        Raises
        ------
        Unavailable
            If it can't be written.

        Notes
        -----
        The same again changes nothing. The record is written last: an area without one is a deployment that was cut
        short, and is made again. What runs have done on the bench stays.
        """
        area = self.area(wanted.appliance)
        with self.writing(wanted.appliance):
            kept = self.find(wanted.appliance)
            # how full the disk is may have changed since; that is no other deployment
            if kept is not None and replace(kept, not_given=wanted.not_given) == wanted and wanted.results.is_dir():
                furnish(area)
                return kept
            _remove_tree(area, but=LASTING)
            wanted.results.mkdir(parents=True, exist_ok=True)
            area.mkdir(parents=True, exist_ok=True)
            furnish(area)
            (area / DOCUMENT).write_text(document, encoding="utf-8")
            (area / "data").symlink_to(wanted.volume)
            (area / "results").symlink_to(wanted.results)
            _write(area, wanted)
        return wanted

    def undo(self, appliance: ApplianceId) -> None:
        """Remove an area whose making failed; what its people have stays."""
        with self.writing(appliance):
            _remove_tree(self.area(appliance))

    def remove(self, appliance: ApplianceId) -> None:
        """Remove the area and its people's folders; results stay. Twice is silent.

        Raises
        ------
        Unavailable
            If it can't be removed.
        """
        with self.writing(appliance):
            _remove_tree(self.area(appliance))
            _remove_people(people_folder(self.folder, appliance))

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Let one process at a time go on, by a lock on a file beside the areas."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / name).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def turn(self, appliance: ApplianceId) -> Iterator[None]:
        """Let one at a time change what an appliance is made of; leaves no lock behind."""
        self.area(appliance)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f".{appliance}.lock"
        while True:
            with path.open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not _is_still(path, lock.fileno()):  # who was here before us has taken it away
                    continue
                try:
                    yield
                finally:
                    path.unlink(missing_ok=True)
                return

    @contextmanager
    def writing(self, appliance: ApplianceId) -> Iterator[None]:
        """Tell by one sentence that the disk refused something."""
        try:
            yield
        except OSError as broken:
            fault = (broken.strerror or "the disk refused it").lower()
            raise WorkingAreaUnwritable(appliance, self._site, fault) from broken


def check_volume(appliance: ApplianceId, volume: Path, digest: str) -> None:
    """Refuse a volume that is not the sealed one that the document names.

    Raises
    ------
    VolumeNotSealedHere
    """
    manifest = volume / MANIFEST
    if not manifest.is_file():
        raise VolumeNotSealedHere(appliance, "has no manifest where its files should be")
    if sha256_file(manifest) != digest:
        raise VolumeNotSealedHere(appliance, "is not the one that the document names")
    if any(path.lstat().st_mode & _WRITERS for path in [volume, *volume.rglob("*")]):
        raise VolumeNotSealedHere(appliance, "has files that can be written to")


def _is_still(path: Path, opened: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(opened))
    except FileNotFoundError:
        return False


def _remove_tree(area: Path, but: Sequence[str] = ()) -> None:
    if area.is_symlink() or area.is_file():
        area.unlink()
        return
    (area / RECORD).unlink(missing_ok=True)  # first: what is left by a kill reads as cut short
    if not area.is_dir():
        return
    for path in area.iterdir():
        if path.name in but:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    if not but:
        area.rmdir()


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


def _write(folder: Path, deployment: Deployment) -> None:
    """Write the record whole, or not at all."""
    content: dict[str, object] = {
        "format": _FORMAT,
        "appliance": deployment.appliance,
        "site": deployment.site,
        "volume": str(deployment.volume),
        "results": str(deployment.results),
        "sandbox": deployment.sandbox,
        "network": deployment.network,
        "cores": deployment.cores,
        "memory_gb": deployment.memory_gb,
        "days": deployment.days,
        "pipelines": list(deployment.pipelines),
        "recipes": list(deployment.recipes),
        "not_given": list(deployment.not_given),
        "document_sha256": deployment.document_digest,
        "image": deployment.image,
    }
    if deployment.queue:
        content["queue"] = deployment.queue
    if deployment.bench is not None:
        content["bench"] = str(deployment.bench)
    if deployment.workers is not None:
        content["workers"] = asdict(deployment.workers)
    draft = folder / f".{RECORD}.new"
    draft.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(folder / RECORD)


def _read(folder: Path) -> Deployment | None:
    """Read the record; None where it can't be read, whatever the reason."""
    try:
        content = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return _deployment(content) if content["format"] == _FORMAT else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _deployment(content: dict[str, Any]) -> Deployment:
    return Deployment(
        appliance=ApplianceId(_as(str, content["appliance"])),
        site=_as(str, content["site"]),
        volume=Path(_as(str, content["volume"])),
        results=Path(_as(str, content["results"])),
        sandbox=_as(str, content["sandbox"]),
        network=_as(bool, content["network"]),
        cores=_as(int, content["cores"]),
        memory_gb=_as(int, content["memory_gb"]),
        pipelines=_texts(content["pipelines"]),
        not_given=_texts(content["not_given"]),
        recipes=_texts(content["recipes"]),
        days=_as(int, content["days"]),
        document_digest=_as(str, content["document_sha256"]),
        image=_as(str, content.get("image", "")),
        queue=_as(str, content.get("queue", "")),
        bench=Path(_as(str, content["bench"])) if "bench" in content else None,
        workers=_workers(content["workers"]) if "workers" in content else None,
    )


def _workers(content: dict[str, Any]) -> Workers:
    return Workers(**{field.name: _as(int, content[field.name]) for field in fields(Workers)})


def _texts(value: object) -> tuple[str, ...]:
    return tuple(_as(str, item) for item in _as(list, value))


def _as(kind: type[Any], value: object) -> Any:
    if type(value) is not kind:
        raise TypeError(kind.__name__)
    return value


def check_settings(site: str, settings: Mapping[str, str], known: Sequence[str]) -> None:
    """Refuse a setting that a site does not have.

    Raises
    ------
    SiteSettingInvalid
    """
    for name in settings:
        if name not in known:
            raise SiteSettingInvalid(site, name, f"is none: it has {', '.join(known) or 'no settings'}")


def number_setting(site: str, settings: Mapping[str, str], name: str, usual: _Usual) -> int | _Usual:
    """Read a setting that is a whole number; ``usual`` where it is not given.

    Raises
    ------
    SiteSettingInvalid
        If it is no whole number from 1 on.
    """
    if name not in settings:
        return usual
    text = settings[name]
    if not text.isascii() or not text.isdigit() or not int(text):
        raise SiteSettingInvalid(site, name, "must be a whole number from 1 on")
    return int(text)
