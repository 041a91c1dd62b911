"""Every store of applications does the same; the shipped fake included."""

from pathlib import Path
from typing import TypeAlias

import pytest
from tests.postgres import Server

from voxpop.application.document import read_document, template
from voxpop.application.fakes import FixedCounts, FixedPrices, MemoryApplications
from voxpop.application.model import Application
from voxpop.application.ports import Applications, PriceList
from voxpop.application.service import ApplicationService
from voxpop.application.states import ApplicationState
from voxpop.kernel.clock import SystemClock
from voxpop.kernel.errors import Absent, IllegalMove, Refused
from voxpop.kernel.ids import ApplicationId
from voxpop.kernel.ledger import Event, Ledger
from voxpop.store.applications import SqlApplications
from voxpop.store.chain import SignedHead
from voxpop.store.engine import open_engine
from voxpop.store.ledger import SqlLedger

Store: TypeAlias = tuple[Applications, Ledger]
BONES = ApplicationId("bone-density")
S = ApplicationState


def in_memory(folder: Path) -> Store:
    del folder
    kept = MemoryApplications(SystemClock())
    return kept, kept


def over_sqlite(folder: Path) -> Store:
    return _over_sql(folder, f"sqlite:///{folder / 'voxpop.db'}")


def _over_sql(folder: Path, url: str) -> Store:
    engine = open_engine(url)
    ledger = SqlLedger(engine, SignedHead(folder), SystemClock())
    ledger.open()
    return SqlApplications(engine, ledger, SystemClock()), ledger


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        return _over_sql(tmp_path, server.database("applications"))
    return {"memory": in_memory, "sqlite": over_sqlite}[request.param](tmp_path)


def written(name: str = "bone-density", cores: int = 16) -> Application:
    text = template().replace("name: bone-density", f"name: {name}").replace("cores: 16", f"cores: {cores}")
    return read_document(text, "application.yaml")


def test_a_new_application_is_a_draft_and_comes_back_as_it_was_written(store: Store) -> None:
    applications, _ = store
    applications.add(written(), "sam")
    assert applications.get(BONES) == written()
    assert applications.state(BONES) is S.DRAFT
    assert list(applications.decisions(BONES)) == []


def test_adding_the_same_document_twice_is_once_and_another_under_its_id_is_refused(store: Store) -> None:
    applications, _ = store
    applications.add(written(), "sam")
    applications.add(written(), "sam")
    with pytest.raises(Refused):
        applications.add(written(cores=2), "sam")
    assert applications.get(BONES) == written()


def test_a_replaced_document_keeps_its_state(store: Store) -> None:
    applications, _ = store
    applications.add(written(), "sam")
    applications.replace(written(cores=2), "sam")
    assert applications.get(BONES).compute.cores == 2
    assert applications.state(BONES) is S.DRAFT


def test_what_is_not_there_is_absent(store: Store) -> None:
    applications, _ = store
    for ask in (applications.get, applications.state):
        with pytest.raises(Absent):
            ask(BONES)


def test_all_come_by_id(store: Store) -> None:
    applications, _ = store
    for name in ("spleen", "bone-density", "liver-fat"):
        applications.add(written(name), "sam")
    assert [application.id for application, _ in applications.every()] == ["bone-density", "liver-fat", "spleen"]


def test_a_move_changes_the_state_once_and_is_remembered(store: Store) -> None:
    applications, ledger = store
    applications.add(written(), "sam")
    event = Event("application.submitted", "application:bone-density", "sam", "please")
    ledger.move("application:bone-density", S.DRAFT, S.SUBMITTED, event)
    with pytest.raises(IllegalMove):
        ledger.move("application:bone-density", S.DRAFT, S.SUBMITTED, event)
    (step,) = applications.decisions(BONES)
    assert (step.actor, step.source, step.target, step.reason) == ("sam", S.DRAFT, S.SUBMITTED, "please")
    assert step.at.tzinfo is not None
    assert applications.state(BONES) is S.SUBMITTED


def test_a_move_of_what_is_not_there_is_absent(store: Store) -> None:
    _, ledger = store
    event = Event("application.submitted", "application:nothing", "sam")
    with pytest.raises(Absent):
        ledger.move("application:nothing", S.DRAFT, S.SUBMITTED, event)


def test_the_service_goes_the_whole_way_on_it(store: Store) -> None:
    applications, ledger = store
    prices = FixedPrices(PriceList("EUR", 0.02, 1.1, 0.05))
    service = ApplicationService(applications, FixedCounts({"osteoporotic": 12, "control": 12}), prices, ledger)
    service.draft(written(), "sam")
    service.submit(BONES, "sam")
    service.take_up(BONES, "mira")
    service.return_(BONES, "mira", "fewer cores")
    service.draft(written(cores=2), "sam")
    service.submit(BONES, "sam")
    service.take_up(BONES, "mira")
    service.approve(BONES, "mira", "sound")
    service.activate(BONES, "voxpop")
    service.close(BONES, "voxpop", "done")
    service.archive(BONES, "mira")
    assert [step.target for step in service.history(BONES)][-3:] == [S.ACTIVE, S.CLOSED, S.ARCHIVED]
    assert service.get(BONES).compute.cores == 2
