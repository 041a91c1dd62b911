"""The audit log finds what was done to it."""

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest

from voxpop.access.credentials import Safe
from voxpop.kernel.clock import SystemClock
from voxpop.kernel.errors import IllegalMove
from voxpop.kernel.ledger import Event
from voxpop.store.chain import AuditKeyAbsent, SignedHead
from voxpop.store.engine import HEAD, DatabaseNewer, open_engine
from voxpop.store.ledger import SqlLedger, SubjectAbsent


class Light(StrEnum):
    """A life cycle of two states."""

    RED = "red"
    GREEN = "green"


@dataclass
class Log:
    """An audit log of five events, and the file behind it."""

    ledger: SqlLedger
    database: Path
    protected: Path

    def sql(self, statement: str, *values: object) -> None:
        connection = sqlite3.connect(self.database)
        with connection:
            connection.execute("PRAGMA foreign_keys=OFF")
            connection.execute(statement, values)
        connection.close()


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return _log(tmp_path, events=5)


def _log(folder: Path, *, events: int) -> Log:
    ledger = SqlLedger(open_engine(f"sqlite:///{folder / 'a.db'}"), SignedHead(folder), SystemClock())
    ledger.open()
    for number in range(events):
        ledger.record(Event("thing.done", f"thing:{number}", "ana", "because", {"number": number}))
    return Log(ledger, folder / "a.db", folder)


def test_an_untouched_log_has_no_fault(log: Log) -> None:
    assert log.ledger.verify() == []


@pytest.mark.parametrize("lost", [("audit.key",), ("audit.key", "audit-head.json")])
def test_a_log_with_rows_gets_no_new_key(log: Log, lost: tuple[str, ...]) -> None:
    for name in lost:
        (log.protected / name).unlink()
    with pytest.raises(AuditKeyAbsent):
        log.ledger.open()
    assert not (log.protected / "audit.key").exists()


def test_an_empty_log_has_no_fault(tmp_path: Path) -> None:
    assert _log(tmp_path, events=0).ledger.verify() == []


@pytest.mark.parametrize("column", ["at", "action", "subject", "actor", "reason", "facts"])
def test_an_edited_row_is_named(log: Log, column: str) -> None:
    value = '{"number":9}' if column == "facts" else "forged"
    log.sql(f"UPDATE audit SET {column} = ? WHERE seq = 3", value)
    assert log.ledger.verify() == ["event 3 was edited: its content does not give its digest"]


def test_a_removed_row_is_named(log: Log) -> None:
    log.sql("DELETE FROM audit WHERE seq = 3")
    faults = log.ledger.verify()
    assert faults[0] == "event 3 is missing: event 4 follows event 2"


def test_two_reordered_rows_are_named(log: Log) -> None:
    for old, new in ((2, 90), (3, 2), (90, 3)):
        log.sql("UPDATE audit SET seq = ? WHERE seq = ?", new, old)
    faults = " ".join(log.ledger.verify())
    assert "event 2" in faults
    assert "event 3" in faults


@pytest.mark.parametrize("keep", [0, 1, 4])
def test_a_cut_tail_is_named(log: Log, keep: int) -> None:
    log.sql("DELETE FROM audit WHERE seq > ?", keep)
    assert log.ledger.verify() == [f"events {keep + 1} to 5 were cut off: the signed head is event 5"]


def test_a_chain_rewritten_from_the_start_is_found(log: Log, tmp_path: Path) -> None:
    elsewhere = tmp_path / "forger"
    elsewhere.mkdir()
    forged = _log(elsewhere, events=5)
    assert forged.ledger.verify() == []
    forged.ledger._engine.dispose()
    log.ledger._engine.dispose()
    forged.database.replace(log.database)
    assert log.ledger.verify() == ["the chain was rewritten: event 5 is not the one that was signed"]


def test_rows_added_behind_the_signed_head_are_found(log: Log) -> None:
    head = (log.protected / "audit-head.json").read_text()
    log.ledger.record(Event("thing.done", "thing:6", "ana"))
    (log.protected / "audit-head.json").write_text(head)
    assert log.ledger.verify() == ["events 6 to 6 were added behind the signed head"]


def test_a_head_signed_with_another_key_is_refused(log: Log) -> None:
    (log.protected / "audit.key").write_bytes(b"\x01" * 32)
    assert log.ledger.verify() == ["the signed head of the audit log is missing or not signed by our key"]


def test_a_crash_between_intent_and_commit_is_no_fault(log: Log) -> None:
    def crash(_: object) -> None:
        raise OSError("the machine stopped")

    with pytest.raises(OSError, match="stopped"):
        log.ledger.change(Event("thing.done", "thing:7", "ana"), crash)
    assert log.ledger.verify() == []
    log.ledger.record(Event("thing.done", "thing:8", "ana"))
    assert log.ledger.verify() == []


def test_a_move_needs_a_subject_and_its_state(log: Log) -> None:
    with pytest.raises(SubjectAbsent, match="there is no run 'r1' here"):
        log.ledger.move("run:r1", Light.RED, Light.GREEN, Event("run.started", "run:r1", "ana"))


def test_a_move_from_a_state_that_no_longer_holds_changes_nothing(log: Log) -> None:
    log.sql(
        "INSERT INTO application VALUES ('a', '', '', 'green', 'ana', '2026-01-01 00:00:00')",
    )
    event = Event("application.submitted", "application:a", "ana")
    with pytest.raises(IllegalMove):
        log.ledger.move("application:a", Light.RED, Light.GREEN, event)
    assert list(log.ledger.waiting()) == []
    assert len(log.ledger.links()) == 5
    assert log.ledger.verify() == []


def test_a_move_leaves_an_event_a_row_and_a_request(log: Log) -> None:
    log.sql("INSERT INTO application VALUES ('a', '', '', 'red', 'ana', '2026-01-01 00:00:00')")
    log.ledger.move(
        "application:a", Light.RED, Light.GREEN, Event("application.submitted", "application:a", "ana", "ready")
    )
    (waiting,) = log.ledger.waiting()
    assert (waiting.action, waiting.subject) == ("application.submitted", "application:a")
    (move,) = log.ledger.moves("application:a")
    assert (move.source, move.target, move.actor, move.reason) == ("red", "green", "ana", "ready")
    log.ledger.taken(waiting.seq)
    assert list(log.ledger.waiting()) == []


def test_the_newest_migration_is_the_one_the_code_expects(tmp_path: Path) -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    import voxpop.store.engine as engine

    config = Config()
    config.set_main_option("script_location", str(engine._MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_the_migrations_make_exactly_the_tables_of_the_models(tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from voxpop.store.schema import Base

    with open_engine(f"sqlite:///{tmp_path / 'm.db'}").connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_a_database_of_a_newer_voxpop_is_refused(log: Log) -> None:
    log.sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseNewer, match="use the newer voxpop"):
        open_engine(f"sqlite:///{log.database}")


@pytest.fixture
def open_to_all() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_to_all")
def test_a_database_and_the_files_beside_it_can_be_read_by_their_owner_alone(tmp_path: Path) -> None:
    log = _log(tmp_path, events=1)
    assert _modes(tmp_path, "a.db") == {"a.db": 0o600, "a.db-shm": 0o600, "a.db-wal": 0o600}
    for name in _modes(tmp_path, "a.db"):
        (tmp_path / name).chmod(0o666)
    open_engine(f"sqlite:///{log.database}")
    assert _modes(tmp_path, "a.db") == {"a.db": 0o600, "a.db-shm": 0o600, "a.db-wal": 0o600}


@pytest.mark.usefixtures("open_to_all")
def test_a_key_can_be_read_by_its_owner_alone(tmp_path: Path) -> None:
    Safe(tmp_path).signed("text", "purpose")
    assert _modes(tmp_path, "web.key") == {"web.key": 0o600}


def _modes(folder: Path, name: str) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir() if file.name.startswith(name)}


def _from_threads(work: Callable[[int], None], threads: int) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads * 5)))


def test_events_from_many_threads_make_one_chain(log: Log) -> None:
    _from_threads(lambda number: log.ledger.record(Event("thing.done", f"thing:{number}", "ana")), 4)
    assert log.ledger.verify() == []
    assert len(log.ledger.links()) == 25
