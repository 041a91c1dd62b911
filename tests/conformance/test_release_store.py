"""Every store of releases does the same; the shipped fake included."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert
from tests.postgres import Server

from voxpop.kernel.clock import SystemClock
from voxpop.kernel.errors import Absent, IllegalMove
from voxpop.kernel.ids import RunId
from voxpop.kernel.ledger import Event
from voxpop.result.egress.errors import ReleaseAbsent
from voxpop.result.egress.fakes import MemoryReleases
from voxpop.result.egress.model import Finding, Release, ReleaseFile, Severity
from voxpop.result.egress.ports import Releases
from voxpop.result.egress.states import ReleaseState
from voxpop.store.chain import SignedHead
from voxpop.store.engine import open_engine
from voxpop.store.ledger import SqlLedger
from voxpop.store.releases import SqlReleases
from voxpop.store.schema import Base

S = ReleaseState
ASKED_AT = datetime(2026, 5, 4, 12, 0, 0, 123456, tzinfo=UTC)
FINDING = Finding("outputs/m.tsv", "row-level", Severity.NEEDS_PERMISSION, "tells of participants one by one")


def in_memory(folder: Path) -> Releases:
    del folder
    return MemoryReleases()


def over_sqlite(folder: Path) -> Releases:
    return _over_sql(folder, f"sqlite:///{folder / 'voxpop.db'}")


def _over_sql(folder: Path, url: str) -> Releases:
    engine = open_engine(url)
    ledger = SqlLedger(engine, SignedHead(folder), SystemClock())
    ledger.open()
    with engine.begin() as connection:
        _put_two_runs(connection)
    return SqlReleases(engine, ledger)


def _put_two_runs(connection: Connection) -> None:
    """Put two runs there, with what they hang on."""
    no_digest, at = "", ASKED_AT
    rows: list[tuple[str, dict[str, object]]] = [
        ("application", {"document": "", "digest": no_digest, "state": "active", "written_by": "a", "written_at": at}),
        (
            "cohort",
            {
                "application": "a", "query": "", "index_digest": no_digest, "list_digest": no_digest, "counts": {},
                "selected": 0, "not_selected": 0, "frozen_at": at,
            },
        ),
        (
            "volume",
            {
                "application": "a", "cohort": "a", "state": "sealed", "owner": "a", "digest": no_digest, "files": 0,
                "bytes": 0,
            },
        ),
        (
            "appliance",
            {
                "application": "a", "volume": "a", "site": "local", "state": "deployed", "document": "",
                "document_digest": no_digest, "created_at": at,
            },
        ),
    ]  # fmt: skip
    for table, row in rows:
        connection.execute(insert(Base.metadata.tables[table]), [{**row, "id": "a"}])
    run = {
        "application": "a", "appliance": "a", "volume": "a", "pipeline": "p", "pipeline_digest": "", "state": "done",
        "parameters": {}, "created_at": ASKED_AT,
    }  # fmt: skip
    connection.execute(insert(Base.metadata.tables["run"]), [{**run, "id": name} for name in ("bones-r1", "bones-r2")])


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))])
def releases(request: pytest.FixtureRequest, tmp_path: Path) -> Releases:
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        return _over_sql(tmp_path, server.database("releases"))
    return {"memory": in_memory, "sqlite": over_sqlite}[request.param](tmp_path)


def asked(number: int = 1, run: str = "bones-r1") -> Release:
    return Release(
        id=f"{run}-x{number}",
        run=RunId(run),
        state=S.REQUESTED,
        files=(ReleaseFile("outputs/m.tsv", "ab" * 32, 12),),
        findings=(FINDING,),
        asked_by="ada",
        purpose="the paper",
        asked_at=ASKED_AT,
    )


def event(release: Release, action: str = "egress.asked") -> Event:
    return Event(action, f"egress:{release.id}", "ada", "the paper", {"files": 1})


def decided(release: Release, state: ReleaseState = S.RELEASED) -> Release:
    findings = tuple(replace(one, allowed=True) for one in release.findings)
    return replace(
        release, state=state, findings=findings, decided_by="bo", reason="fine", decided_at=ASKED_AT.replace(hour=13)
    )


def test_a_request_comes_back_as_it_was_asked(releases: Releases) -> None:
    releases.add(asked(), event(asked()))
    assert releases.get("bones-r1-x1") == asked()
    assert list(releases.every()) == [asked()]


def test_what_was_not_asked_for_is_absent(releases: Releases) -> None:
    with pytest.raises(ReleaseAbsent):
        releases.get("bones-r1-x1")
    with pytest.raises(Absent):
        releases.decided(decided(asked()), event(asked(), "egress.released"))


def test_releases_come_by_time_and_those_of_a_run_alone(releases: Releases) -> None:
    late = replace(asked(1), asked_at=ASKED_AT.replace(hour=14))
    for one in (late, asked(2), asked(1, "bones-r2")):
        releases.add(one, event(one))
    assert [one.id for one in releases.every()] == ["bones-r1-x2", "bones-r2-x1", "bones-r1-x1"]
    assert [one.id for one in releases.of_run(RunId("bones-r1"))] == ["bones-r1-x2", "bones-r1-x1"]


@pytest.mark.parametrize("state", [S.RELEASED, S.REFUSED, S.WITHDRAWN])
def test_a_decision_is_kept_whole_and_once(releases: Releases, state: ReleaseState) -> None:
    releases.add(asked(), event(asked()))
    releases.decided(decided(asked(), state), event(asked(), f"egress.{state}"))
    assert releases.get("bones-r1-x1") == decided(asked(), state)
    for other in (S.RELEASED, S.REFUSED, S.WITHDRAWN):
        again = replace(decided(asked(), other), decided_by="eve")
        with pytest.raises(IllegalMove):
            releases.decided(again, event(asked(), f"egress.{other}"))
    assert releases.get("bones-r1-x1").decided_by == "bo"
