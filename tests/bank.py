"""A small bank in a temporary folder: people of every role, and one project that has come to its results."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import nibabel
import numpy as np
from fastapi import FastAPI
from starlette.testclient import TestClient

from voxpop.access.model import Account, Membership, ProjectRole, Role
from voxpop.application.document import read_document, template
from voxpop.application.model import Application
from voxpop.cohort.model import Cohort, Selection
from voxpop.kernel.clock import SystemClock
from voxpop.kernel.digests import sha256_file
from voxpop.kernel.ids import ApplianceId, ApplicationId, CohortId, RunId, VolumeId
from voxpop.kernel.ledger import Event
from voxpop.result.model import ResultFile
from voxpop.run.model import FileFact, Run, RunRecord, StepRecord
from voxpop.run.records import dumps
from voxpop.run.states import RunState
from voxpop.staging.deid import new_secret, save_secret
from voxpop.volume.service import building_folder
from voxpop.web.app import create_app
from voxpop.wiring.settings import read_settings
from voxpop.wiring.system import System
from voxpop.wiring.work import open_work

PASSWORD = "correct horse battery staple"
PROJECT = ApplicationId("bone-density")
VOLUME, APPLIANCE, RUN = VolumeId("bone-density-v1"), ApplianceId("bone-density-a1"), RunId("bone-density-r1")
PARTICIPANTS = ("sub-aaaa", "sub-bbbb")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SITE_ROLES: Mapping[str, Role] = {
    "ada": Role.RESEARCHER,
    "carmen": Role.COMMITTEE,
    "dolores": Role.DATA_MANAGER,
    "teo": Role.TECHNICAL_MANAGER,
    "aurora": Role.AUDITOR,
    "olga": Role.RESEARCHER,
}
"""Who is what in the bank; ``olga`` is a researcher of another project."""
PROJECT_ROLES: Mapping[str, ProjectRole] = {
    "ada": ProjectRole.APPLICANT,
    "mia": ProjectRole.MEMBER,
    "iker": ProjectRole.IT_CONTACT,
}
"""Who is what in the project."""


@dataclass(frozen=True)
class Bank:
    """A work folder's system and the application over it."""

    system: System
    app: FastAPI

    def client(self, name: str = "") -> TestClient:
        """Return a browser; one that has signed in where a name is given."""
        # the address is this machine's, so that no cookie needs TLS; redirects are looked at, not followed
        client = TestClient(self.app, base_url="http://127.0.0.1", follow_redirects=False)
        if name:
            account = self.system.access.get(name)
            secret, session = self.system.entrance.begin(account)
            client.cookies.set("voxpop", secret)
            client.headers["x-test-csrf"] = session.csrf
        return client

    def post(self, client: TestClient, path: str, /, **fields: str | list[str]) -> "Answer":
        """Send a form as the page would: with the session's token."""
        answer = client.post(path, data={**fields, "csrf": client.headers.get("x-test-csrf", "")})
        return Answer(answer.status_code, answer.text, dict(answer.headers))


@dataclass(frozen=True)
class Answer:
    """What a form was answered with."""

    status: int
    text: str
    headers: Mapping[str, str]


def empty_bank(root: Path) -> Bank:
    """Return a bank with people and nothing else."""
    work = open_work(root / "work", create=True)
    save_secret(work.protected / "pseudonym.key", new_secret())
    system = System(work, read_settings(work.root, "tester"), SystemClock())
    for name in sorted({*SITE_ROLES, *PROJECT_ROLES}):
        roles = frozenset({SITE_ROLES[name]} if name in SITE_ROLES else set())
        account = Account(name, f"{name.title()} Example", f"{name}@example.org", roles)
        system.access.add(account, PASSWORD, "tester")
    return Bank(system, create_app(system))


def bank_with_results(root: Path, place: Callable[[Path], None] = lambda _: None) -> Bank:
    """Return a bank in which the project has a sealed volume, a deployed appliance and a finished run.

    Parameters
    ----------
    place : callable
        Puts more into the volume's folder before it is sealed.
    """
    bank = empty_bank(root)
    written = _decided(bank.system)
    _sealed(bank.system, written, place)
    deployed = bank.system.durable_work.deploy(VOLUME)
    assert deployed == APPLIANCE
    bank.system.durable_work.activate(APPLIANCE)
    _ran(bank.system)
    return bank


def document(name: str = PROJECT, title: str = "Trabecular bone density") -> str:
    """Return an application's document that asks for everyone: an empty index then stands against nothing."""
    text = template().replace("name: bone-density", f"name: {name}", 1)
    text = text.replace("title: Trabecular bone density from abdominal CT", f"title: {json.dumps(title)}", 1)
    return "\n".join(line for line in text.splitlines() if not line.strip().startswith("number:")) + "\n"


def _decided(system: System) -> Application:
    written = read_document(document(), "application")
    system.projects.draft(written, system.access.get("ada"))
    for name, role in PROJECT_ROLES.items():
        system.access.join(Membership(PROJECT, name, role), "Ada Example")
    system.applications.submit(PROJECT, "Ada Example")
    system.applications.take_up(PROJECT, "Carmen Example")
    system.applications.approve(PROJECT, "Carmen Example", "sound")
    return written


def _sealed(system: System, written: Application, place: Callable[[Path], None]) -> None:
    cohort = Cohort(CohortId(f"{PROJECT}-c1"), PROJECT, "{}", "0" * 64, "", {}, 2, 0, NOW)
    system.cohort_records.freeze(cohort, Selection((), ()), "tester")
    volume = system.volumes.begin(PROJECT, cohort.id, "Ada Example", "tester", date(2099, 1, 1))
    folder = building_folder(volume)
    rows = ["participant_id\tage\tsex\tgroup", *(f"{name}\t60\tF\tcontrol" for name in PARTICIPANTS)]
    (folder / "participants.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    for name in PARTICIPANTS:
        image(folder / name / "ses-x" / "ct" / f"{name}_ses-x_ct.nii.gz")
    place(folder)
    system.volumes.seal_volume(volume.id, "tester")
    for person in ("Ada Example", "Mia Example", "Iker Example"):
        system.volumes.grant(volume.id, person, "tester")


def image(path: Path, value: int = 300) -> None:
    """Write a small CT: a bright cube in the dark."""
    voxels = np.full((16, 16, 12), -1000, np.int16)
    voxels[4:12, 4:12, 3:9] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), path)


def _ran(system: System) -> None:
    folder = system.work.results / RUN
    outputs = folder / "outputs"
    outputs.mkdir(parents=True)
    report = {
        "title": "Bone density", "subtitle": "two people", "summary": ["All is well."],
        "sections": [{"title": "Groups", "paragraphs": ["One."], "tables": [], "figures": []}],
        "methods": ["by hand"], "exclusions": [],
    }  # fmt: skip
    (outputs / "report.json").write_text(json.dumps(report), encoding="utf-8")
    (outputs / "group.json").write_text(json.dumps({"difference_hu": -40.0}), encoding="utf-8")
    for name in PARTICIPANTS:
        image(outputs / f"{name}_ses-x_ct_labels.nii.gz", 20)
    files = sorted(outputs.iterdir())
    facts = {path: FileFact(f"outputs/{path.name}", sha256_file(path), path.stat().st_size) for path in files}
    volume = system.volumes.get(VOLUME)
    pipeline = system.projects.pipeline_of(PROJECT)
    named = f"{pipeline.name}/{pipeline.version}"
    run = Run(RUN, PROJECT, APPLIANCE, VOLUME, named, pipeline.digest, RunState.CREATED, folder, NOW)
    step = StepRecord("measure", 0, "measure.py", "0" * 64, NOW, NOW, 0, {}, {"files": tuple(facts.values())})
    record = RunRecord(
        RUN, named, pipeline.digest, VOLUME, volume.digest, NOW, NOW, "bubblewrap", {"python": "3.11"}, {}, (step,),
        {"files": tuple(facts.values())}, dict(pipeline.parameters),
    )  # fmt: skip
    (folder / "record.json").write_text(dumps(record), encoding="utf-8")
    (folder / "log.txt").write_text("measure: done\n", encoding="utf-8")
    (folder / "progress.txt").write_text("measure\n", encoding="utf-8")
    system.run_records.add(run, "Ada Example")
    subject = f"run:{RUN}"
    system.ledger.move(subject, RunState.CREATED, RunState.RUNNING, Event("run.started", subject, "voxpop"))
    done = {"record_sha256": sha256_file(folder / "record.json"), "volume_sha256": volume.digest}
    system.ledger.move(subject, RunState.RUNNING, RunState.DONE, Event("run.done", subject, "voxpop", facts=done))
    kinds = {path: "labels" if path.name.endswith("labels.nii.gz") else "report" for path in files}
    system.result_records.keep(
        [ResultFile(RUN, kinds[path], facts[path].path, facts[path].sha256, facts[path].bytes) for path in files]
    )
