"""A database as the last release left it is opened by this one, and nothing of it is lost.

``tests/data/upgrade/0001.sql`` was written by the release at schema 0001 (commit 00378c9): a project from its draft to
a finished run. ``0001-head.json`` holds the audit log's signed head and the key of that made-up bank.
"""

import json
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from voxpop.access.model import Account, Membership, ProjectRole, Role
from voxpop.application.states import ApplicationState
from voxpop.flow.rules import Work
from voxpop.kernel.clock import SystemClock
from voxpop.kernel.ids import ApplicationId, RunId, VolumeId
from voxpop.store.engine import HEAD, revision_of
from voxpop.store.schema import Base
from voxpop.volume.states import VolumeState
from voxpop.wiring.settings import read_settings
from voxpop.wiring.system import System
from voxpop.wiring.work import open_work

PROJECT, VOLUME, RUN = ApplicationId("bone-density"), VolumeId("bone-density-v1"), RunId("bone-density-r1")
OLD = "0001"


@pytest.fixture
def old(tmp_path: Path, repo: Path) -> System:
    """Return the system of a work folder that the last release left."""
    data = repo / "tests" / "data" / "upgrade"
    work = open_work(tmp_path / "work", create=True)
    with sqlite3.connect(work.root / "voxpop.db") as connection:
        connection.executescript((data / f"{OLD}.sql").read_text(encoding="utf-8"))
    connection.close()
    kept = json.loads((data / f"{OLD}-head.json").read_text(encoding="utf-8"))
    (work.protected / "audit.key").write_bytes(bytes.fromhex(kept["key"]))
    (work.protected / "audit-head.json").write_text(json.dumps(kept["head"]), encoding="utf-8")
    return System(work, read_settings(work.root, "tester"), SystemClock())


def test_opening_brings_it_to_the_newest_schema(old: System) -> None:
    assert revision_of(old.database_url) == OLD
    with old._engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    assert revision_of(old.database_url) == HEAD


def test_its_audit_log_is_whole_and_goes_on(old: System) -> None:
    assert old.ledger.verify() == []
    before = len(old.ledger.links())
    old.volumes.grant(VOLUME, "Iker Example", "tester")
    assert old.ledger.verify() == []
    assert len(old.ledger.links()) == before + 1


def test_its_project_is_what_it_was(old: System) -> None:
    assert old.applications.state(PROJECT) is ApplicationState.ACTIVE
    assert [step.target for step in old.applications.history(PROJECT)][:2] == ["submitted", "in review"]
    volume = old.volumes.get(VOLUME)
    assert (volume.state, volume.owner) == (VolumeState.SEALED, "Ada Example")
    assert old.volumes.may_open(VOLUME, "Mia Example")
    run = old.run_records.get(RUN)
    assert (run.state, dict(run.parameters)) == ("done", {})
    assert [one.name for one in old.archive_records.every()] == ["pacs"]


def test_what_this_release_brings_works_on_it(old: System) -> None:
    old.access.add(Account("ada", "Ada Example", roles=frozenset({Role.RESEARCHER})), "correct horse battery", "tester")
    old.access.join(Membership(PROJECT, "ada", ProjectRole.APPLICANT), "tester")
    assert list(old.projects.applicants(PROJECT)) == ["Ada Example"]
    asked = old.operations.ask(Work.VERIFY, f"volume:{VOLUME}", "tester")
    assert old.operations.claim() is not None
    old.operations.end(asked.id)
    assert not old.operations.get(asked.id).open
    assert old.ledger.verify() == []
