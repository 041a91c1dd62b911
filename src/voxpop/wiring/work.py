"""The work folder: its layout, its marker, and who may work in it."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from voxpop import __version__
from voxpop.wiring.errors import NotAWorkFolder, WorkFolderAbsent, WorkFolderBusy, WorkFolderNewer

FORMAT = 1
"""The layout's version; a folder with a higher number is refused."""


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """The one place where this installation keeps everything.

    Identity lies in ``protected`` (mode 0700) and nowhere else.
    """

    root: Path

    @property
    def protected(self) -> Path:
        """Keys, the index, frozen lists, and what is retrieved but not yet scrubbed."""
        return self.root / "protected"

    @property
    def volumes(self) -> Path:
        """One folder a volume."""
        return self.root / "volumes"

    @property
    def appliances(self) -> Path:
        """One folder an appliance of site ``local``."""
        return self.root / "appliances"

    @property
    def runs(self) -> Path:
        """One folder a run: scratch, log, record."""
        return self.root / "runs"

    @property
    def results(self) -> Path:
        """One folder a run: outputs, report, research object."""
        return self.root / "results"

    @property
    def releases(self) -> Path:
        """One folder a release: the files that were let out, with what was checked."""
        return self.root / "releases"

    @property
    def recipes(self) -> Path:
        """Recipes that people added, each by its content."""
        return self.root / "recipes"

    @property
    def logs(self) -> Path:
        """Logs, without identity."""
        return self.root / "logs"

    @property
    def database_url(self) -> str:
        """The embedded database."""
        return f"sqlite:///{self.root / 'voxpop.db'}"

    @property
    def jobs_url(self) -> str:
        """The embedded database of durable work."""
        return f"sqlite:///{self.root / 'dbos.db'}"

    @contextmanager
    def held(self, holder: str) -> Iterator[None]:
        """Hold the folder for one runtime.

        Raises
        ------
        WorkFolderBusy
            If another process holds it.
        """
        lock = FileLock(self.root / "runtime.lock")
        sign = self.root / "runtime.json"
        try:
            lock.acquire(timeout=0)
        except Timeout as busy:
            raise WorkFolderBusy(str(self.root), _holder(sign)) from busy
        try:
            sign.write_text(json.dumps({"pid": os.getpid(), "command": holder}))
            yield
        finally:
            sign.unlink(missing_ok=True)
            lock.release()

    def holder(self) -> str:
        """Return the command that holds the folder now, without `voxpop`; empty where none does."""
        try:
            content = json.loads((self.root / "runtime.json").read_text())
            os.kill(int(content["pid"]), 0)
            return str(content["command"])
        except (OSError, ValueError, KeyError):  # gone, just being written, or another user's
            return ""


def open_work(root: Path, *, create: bool) -> WorkFolder:
    """Open a work folder, or make one.

    Raises
    ------
    WorkFolderAbsent
        If there is none and ``create`` is false.
    NotAWorkFolder
        If the folder holds something that is not ours.
    WorkFolderNewer
        If it was made by a newer version.
    """
    root = root.expanduser().absolute()
    marker = root / "work.json"
    if not marker.is_file():
        _claim(root, marker, create=create)
    _check_marker(root, marker)
    work = WorkFolder(root)
    work.protected.mkdir(mode=0o700, exist_ok=True)
    work.protected.chmod(0o700)
    for folder in (work.volumes, work.appliances, work.runs, work.results, work.releases, work.recipes, work.logs):
        folder.mkdir(exist_ok=True)
    return work


def _claim(root: Path, marker: Path, *, create: bool) -> None:
    if root.exists() and (not root.is_dir() or any(child.name != "work.json.new" for child in root.iterdir())):
        raise NotAWorkFolder(str(root))
    if not create:
        raise WorkFolderAbsent(str(root))
    root.mkdir(parents=True, exist_ok=True)
    temporary = marker.with_suffix(".json.new")
    temporary.write_text(json.dumps({"format": FORMAT, "voxpop": __version__}) + "\n")
    temporary.replace(marker)


def _check_marker(root: Path, marker: Path) -> None:
    try:
        content = json.loads(marker.read_text())
        version, written_by = int(content["format"]), str(content["voxpop"])
    except (ValueError, KeyError, TypeError) as unreadable:
        raise NotAWorkFolder(str(root)) from unreadable
    if version > FORMAT:
        raise WorkFolderNewer(str(root), written_by)


def _holder(sign: Path) -> str:
    try:
        content = json.loads(sign.read_text())
        return f"`voxpop {content['command']}`, process {content['pid']}"
    except (OSError, ValueError, KeyError):
        return "just starting or ending"
