"""A project over any archive, by the command line as people use it; and a way to end it at a chosen moment."""

import csv
import gzip
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from voxpop.demo.archive import TestArchive
from voxpop.demo.population import Population

APPLICATION = "bone-density"
VOLUME = f"{APPLICATION}-v1"
ARCHIVE = "pacs"
HERE = Path(__file__).parent
LOOK_EVERY_S = 0.002
WATCHED_S = 120.0
COMMAND_S = 900

Done = subprocess.CompletedProcess[str]


def voxpop(*arguments: str, work: Path | None = None, env: Mapping[str, str] | None = None) -> Done:
    """Run the command line as a person would, in a process of its own."""
    command = [sys.executable, "-m", "voxpop", *arguments, *(["--work", str(work)] if work else [])]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        env={**os.environ, **(env or {})},
        check=False,
    )


@dataclass(frozen=True)
class Project:
    """A work folder, and the commands of the persons who work in it."""

    work: Path

    def voxpop(self, *arguments: str, env: Mapping[str, str] | None = None) -> Done:
        """Run a command to its end, however it ends."""
        return voxpop(*arguments, work=self.work, env=env)

    def asked(self, *arguments: str) -> Any:
        """Run a command that has to succeed, and return its answer."""
        done = self.voxpop(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def connect(self, kind: str, **settings: object) -> None:
        """Connect the archive, or change its connection."""
        pairs = [f"{key}={value}" for key, value in settings.items()]
        options = [part for pair in pairs for part in ("--set", pair)]
        self.asked("archive", "add", ARCHIVE, "--kind", kind, *options, "--as", "Dolores Mena")

    def harvest(self, population: Population) -> Any:
        """List the archive's studies, and load the clinical source."""
        return self.asked("archive", "harvest", ARCHIVE, "--clinical", str(population.clinical))

    def approve(self, document: Path) -> None:
        """Hand an application in, review it, and decide for it: three persons' work."""
        self.asked("application", "submit", str(document), "--as", "Ada Ferrer")
        self.asked("application", "review", APPLICATION, "--as", "Carmen Iglesias")
        decided = ("--reason", "purpose and ethics are sound", "--as", "Carmen Iglesias")
        self.asked("application", "approve", APPLICATION, *decided)

    def stage(self) -> Path:
        """Stage to the end; returns the sealed volume."""
        return Path(self.asked("stage", APPLICATION)["path"])

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a command as a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "voxpop", *arguments, "--work", str(self.work)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def ended_when(
        self, seen: Callable[[], bool], *arguments: str, by: int = signal.SIGKILL, alone: bool = True
    ) -> Done:
        """Start a command, and send it a signal as soon as something is seen: alone, or with all that it started."""
        child = self.start(*arguments)
        try:
            for _ in range(int(WATCHED_S / LOOK_EVERY_S)):
                if seen():
                    break
                try:
                    child.wait(LOOK_EVERY_S)
                except subprocess.TimeoutExpired:
                    continue
                pytest.fail(f"ended before it was seen: {child.communicate()}")
            else:
                pytest.fail("was not seen in time")
            os.kill(child.pid, by) if alone else os.killpg(child.pid, by)
            out, err = child.communicate(timeout=60)
        finally:
            child.kill()
            child.wait()
        return subprocess.CompletedProcess(child.args, child.returncode, out, err)

    def killed_when(self, seen: Callable[[], bool], *arguments: str) -> None:
        """Start a command, and kill its process as soon as something is seen."""
        done = self.ended_when(seen, *arguments)
        assert done.returncode == -signal.SIGKILL, (done.returncode, done.stderr)

    def killed_in(self, place: str, *arguments: str, after: bool = False, call: int = 1) -> None:
        """Run a command that kills itself when it comes to a call of a function (``module:Class.function``)."""
        code = _SUICIDE.format(place=place, after=after, call=call)
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments, "--work", str(self.work)],
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == -signal.SIGKILL, (done.returncode, done.stderr)

    def rows(self, question: str) -> list[Any]:
        """Ask the database; nothing where it is not there or busy."""
        try:
            with closing(sqlite3.connect(f"file:{self.work / 'voxpop.db'}?mode=ro", uri=True)) as database:
                return list(database.execute(question))
        except sqlite3.OperationalError:
            return []

    def protected_files(self, pattern: str) -> list[Path]:
        """List what lies below the staging area of the protected folder."""
        return list((self.work / "protected" / "staging").glob(pattern))

    @property
    def building(self) -> Path:
        return self.work / "volumes" / f"{VOLUME}.building"

    def fates(self) -> dict[str, tuple[str, str]]:
        """Return fate and reason of each study, as the sealed volume's report tells."""
        with (self.work / "volumes" / VOLUME / "staging-report.tsv").open(encoding="utf-8") as stream:
            return {row["study"]: (row["fate"], row["reason"]) for row in csv.DictReader(stream, delimiter="\t")}


_SUICIDE = """
import functools, importlib, os, signal, sys
module, _, path = "{place}".partition(":")
*outer, name = path.split(".")
owner = functools.reduce(getattr, outer, importlib.import_module(module))
real, calls = getattr(owner, name), [0]
def dies(*args, **kwargs):
    calls[0] += 1
    if calls[0] < {call}:
        return real(*args, **kwargs)
    if {after}:
        real(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, name, dies)
sys.argv[0] = "voxpop"
from voxpop.cli.main import main
main()
"""


@contextmanager
def indexed(population: Population, folder: Path) -> Iterator[Project]:
    """Give a work folder in which a population is indexed, while its archive runs."""
    project = Project(folder / "work")
    with TestArchive([population.dicom], workdir=folder / "archive") as archive:
        project.connect("dicomweb", url=archive.dicomweb_url)
        project.harvest(population)
        yield project


def write_application(folder: Path, number: int) -> Path:
    """Write the bone density project's application for small groups."""
    from voxpop.application.document import template

    file = folder / "application.yaml"
    file.write_text(template().replace("number: 12", f"number: {number}"), encoding="utf-8")
    return file


def copy_of(project: Project, folder: Path) -> Project:
    """Copy a work folder in which nothing is staged yet; the same key, so the same pseudonyms."""
    shutil.copytree(project.work, folder / "work")
    return Project(folder / "work")


def sentence(done: Done, *, code: int = 1) -> str:
    """Return the one sentence of a refusal."""
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("voxpop: ")
    return lines[0]


def images(volume: Path) -> dict[str, str]:
    """Return the digest of each image's content: header and voxels, uncompressed."""
    found = sorted(volume.rglob("*.nii.gz"))
    return {
        path.relative_to(volume).as_posix(): hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest()
        for path in found
    }


def assert_sound(project: Project) -> None:
    """Check what has to hold after any mishap: audit log whole, volume as sealed, nothing left behind."""
    assert project.asked("audit", "verify")["whole"] is True
    assert project.asked("volume", "verify", VOLUME)["intact"] is True
    assert not list((project.work / "volumes").glob("*.building"))
    assert not project.protected_files("**/*")


def assert_nothing_published(project: Project) -> None:
    """Check that a staging that did not end left no volume that anybody could open."""
    assert not (project.work / "volumes" / VOLUME).exists()
    assert [row[0] for row in project.rows("select state from volume")] in (["building"], [])


def assert_no_identity(work: Path, population: Population, *texts: str) -> None:
    """Look for every planted value outside the protected folder, by a scan that is not our own code."""
    folders = [str(path) for path in work.iterdir() if path.name != "protected"]
    scan = subprocess.run(
        [sys.executable, str(HERE / "independent_scan.py"), "--key", str(population.answer_key), *folders],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert scan.returncode == 0, scan.stdout[-3000:] + scan.stderr[-1000:]
    assert_tells_nobody(population, *texts)


def assert_tells_nobody(population: Population, *texts: str) -> None:
    """Check that no sentence holds a planted identifier or name, nor any UID."""
    patients = json.loads(population.answer_key.read_text(encoding="utf-8"))["patients"]
    planted = {row["value"] for patient in patients for row in patient["planted"] if len(row["value"]) >= 6}
    for text in texts:
        assert not [value for value in planted if value in text]
        assert "1.2." not in text


def environment(**more: str) -> dict[str, str]:
    """Return this process' environment and more."""
    return {**os.environ, **more}
