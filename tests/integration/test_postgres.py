"""voxpop on a real PostgreSQL: its schema, one audit chain from many writers, work that is claimed once."""

import multiprocessing
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from tests.bank import PROJECT, VOLUME, Bank, bank_with_results
from tests.postgres import Server

from voxpop.flow.operations import OperationState, Sight
from voxpop.flow.rules import Work
from voxpop.kernel.clock import SystemClock
from voxpop.kernel.ids import ApplicationId
from voxpop.kernel.ledger import Event
from voxpop.store import engine as store_engine
from voxpop.store.chain import SignedHead
from voxpop.store.engine import HEAD, DatabaseUnreachable, DatabaseUrlInvalid, database_url, open_engine
from voxpop.store.ledger import SqlLedger
from voxpop.store.operations import SqlOperations
from voxpop.store.schema import Base
from voxpop.store.sessions import SqlSessions
from voxpop.wiring.errors import SettingsInvalid
from voxpop.wiring.settings import read_settings
from voxpop.wiring.system import System
from voxpop.wiring.work import open_work

pytestmark = pytest.mark.needs("postgresql")

WRITERS, EVENTS = 3, 20
ASKED, CLAIMERS = 40, 6


@pytest.fixture
def url(postgres: Server) -> str:
    return postgres.database("voxpop")


def test_nothing_becomes_the_newest_schema(url: str) -> None:
    with open_engine(url).connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_the_first_release_becomes_the_newest_schema(url: str) -> None:
    _at_revision(url, "0001")
    with open_engine(url).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_processes_that_open_an_empty_database_at_once_make_it_once(url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        engines = list(pool.map(open_engine, [url] * 4))
    with engines[0].connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 1


def test_many_processes_and_threads_append_to_one_chain(url: str, tmp_path: Path) -> None:
    ledger = _ledger(tmp_path, url)  # nobody has written yet: there is no row that a writer could wait for
    ledger._engine.dispose()
    spawn = multiprocessing.get_context("spawn")
    begin = spawn.Barrier(WRITERS)
    writers = [spawn.Process(target=_append, args=(tmp_path, url, begin, number)) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        assert ledger.verify() == []  # also while others append
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    assert ledger.verify() == []
    assert [link.seq for link in ledger.links()] == list(range(1, 2 * WRITERS * EVENTS + 1))


def test_a_sqlite_chain_of_many_processes_is_whole_too(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    ledger = _ledger(tmp_path, url)
    ledger._engine.dispose()
    spawn = multiprocessing.get_context("spawn")
    begin = spawn.Barrier(2)
    writers = [spawn.Process(target=_append, args=(tmp_path, url, begin, number)) for number in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert ledger.verify() == []
    assert len(ledger.links()) == 2 * 2 * EVENTS


def test_a_confirmation_that_was_overtaken_does_not_take_the_head_back(url: str, tmp_path: Path) -> None:
    slow, quick = _ledger(tmp_path, url), _ledger(tmp_path, url)
    confirm = slow._head.confirm

    def late(head: object) -> None:
        quick.record(Event("thing.done", "thing:2", "bo"))
        confirm(head)  # type: ignore[arg-type]

    slow._head.confirm = late  # type: ignore[method-assign, assignment]
    slow.record(Event("thing.done", "thing:1", "ana"))
    assert quick.verify() == []


def test_what_waits_is_claimed_by_one_worker_alone(url: str) -> None:
    operations = SqlOperations(open_engine(url), SystemClock())
    for number in range(ASKED):
        operations.ask(Work.VERIFY, f"volume:v{number}", "ana")
    taken: list[str] = []

    def claim(name: str) -> None:
        mine = SqlOperations(open_engine(url), SystemClock())
        while (operation := mine.claim(name)) is not None:
            taken.append(operation.id)

    _in_threads(claim, [f"worker-{number}" for number in range(CLAIMERS)])
    assert Counter(taken).most_common(1)[0][1] == 1
    assert len(taken) == ASKED


def test_the_same_work_asked_for_at_once_is_one(url: str) -> None:
    open_engine(url)

    def ask(name: str) -> None:
        SqlOperations(open_engine(url), SystemClock()).ask(Work.STAGE, "application:bones", name)

    _in_threads(ask, ["ana", "bo", "cy", "di"])
    assert len(SqlOperations(open_engine(url), SystemClock()).of_subjects(["application:bones"])) == 1


def test_a_worker_that_lost_its_work_cannot_end_it(url: str) -> None:
    operations = SqlOperations(open_engine(url), SystemClock())
    operations.ask(Work.VERIFY, "volume:v1", "ana")
    first = operations.claim("worker-1")
    assert first is not None
    operations.reclaim("worker-1")
    assert operations.claim("worker-2") is not None
    operations.end(first.id, "", "worker-1")
    assert operations.get(first.id).state is OperationState.WORKING
    operations.end(first.id, "", "worker-2")
    assert operations.get(first.id).state is OperationState.DONE


def test_processes_that_forget_failed_sign_ins_at_once_do_not_stop_each_other(url: str) -> None:
    sessions, then = SqlSessions(open_engine(url)), datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(40):
        sessions.failed(f"old-{number}", then)
    later = then + timedelta(hours=2)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: sessions.failed(f"new-{number}", later), range(8)))
    assert sum(sessions.failures(f"old-{number}", then)[0] for number in range(40)) == 0
    assert sum(sessions.failures(f"new-{number}", then)[0] for number in range(8)) == 8


def test_a_whole_bank_lives_on_it(postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bank = postgres_bank(postgres, "bank", tmp_path, monkeypatch)
    assert bank.client("ada").get(f"/applications/{PROJECT}").status_code == 200
    assert bank.system.ledger.verify() == []
    assert bank.system.jobs_url.startswith("postgresql+psycopg://")


def test_the_operations_that_may_be_seen_are_found_on_it(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    operations = postgres_bank(postgres, "seen", tmp_path, monkeypatch).system.operations
    asked = operations.ask(Work.DEPLOY, f"volume:{VOLUME}", "Teo Example")
    for projects, seen in ((None, [asked]), ({PROJECT}, [asked]), (set[ApplicationId](), [])):
        assert operations.seen(Sight({"run": None}, projects, archives=True)) == seen


def test_a_restarted_server_is_no_error_to_who_asks_next(url: str, postgres: Server, tmp_path: Path) -> None:
    ledger = _ledger(tmp_path, url)
    ledger.record(Event("thing.done", "thing:1", "ana"))
    postgres.cut_connections("voxpop")
    ledger.record(Event("thing.done", "thing:2", "ana"))
    assert ledger.verify() == []


def test_a_wrong_password_is_one_sentence_without_it(url: str) -> None:
    with pytest.raises(DatabaseUnreachable) as refused:
        open_engine(url.replace("pa%25ss", "hunter2"))
    assert "hunter2" not in str(refused.value)
    assert "did not let voxpop in" in str(refused.value)


@pytest.mark.parametrize("wrong", ["", "hunter2", "mysql://u:hunter2@h/d", "postgresql://u:hunter2@h:port/d"])
def test_what_is_no_url_is_refused_without_being_told(wrong: str) -> None:
    with pytest.raises(DatabaseUrlInvalid) as refused:
        database_url(wrong)
    assert "hunter2" not in str(refused.value)


def test_a_file_of_the_url_that_is_not_there_is_a_wrong_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOXPOP_DATABASE_URL_FILE", str(tmp_path / "nothing"))
    work = open_work(tmp_path / "work", create=True)
    with pytest.raises(SettingsInvalid, match="database_url_file"):
        System(work, read_settings(work.root), SystemClock()).database_answers()


def postgres_bank(server: Server, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Bank:
    """Return a bank with results whose settings name a database of the server."""
    secret = folder / "database-url"
    secret.write_text(server.database(name) + "\n")
    monkeypatch.setenv("VOXPOP_DATABASE_URL_FILE", str(secret))
    return bank_with_results(folder)


def _ledger(folder: Path, url: str) -> SqlLedger:
    ledger = SqlLedger(open_engine(url), SignedHead(folder), SystemClock())
    ledger.open()
    return ledger


def _append(folder: Path, url: str, begin: threading.Barrier, process: int) -> None:
    ledger = _ledger(folder, url)
    begin.wait()

    def record(thread: str) -> None:
        for number in range(EVENTS):
            ledger.record(Event("thing.done", f"thing:{process}-{thread}-{number}", "ana"))

    _in_threads(record, ["a", "b"])


def _in_threads(work: Callable[[str], None], names: list[str]) -> None:
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(work, names))


def _at_revision(url: str, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(store_engine._MIGRATIONS))
    with create_engine(database_url(url)).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
