"""What `voxpop doctor` finds, and that it changes nothing by looking."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi import FastAPI
from tests.bank import Bank, bank_with_results
from tests.postgres import Server

from voxpop.flow.rules import Work
from voxpop.kernel.clock import SystemClock
from voxpop.wiring.doctor import Finding, Verdict, examine
from voxpop.wiring.settings import read_settings
from voxpop.wiring.system import System
from voxpop.wiring.work import open_work


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a work folder in which nothing is left to do."""
    bank = bank_with_results(tmp_path_factory.mktemp("made"))
    for row in list(bank.system.ledger.waiting()):
        bank.system.ledger.taken(row.seq)
    return bank.system.work.root


@pytest.fixture
def bank(made: Path, tmp_path: Path) -> Bank:
    root = tmp_path / "work"
    shutil.copytree(made, root)
    system = System(open_work(root, create=False), read_settings(root, "tester"), SystemClock())
    return Bank(system, FastAPI())


def test_a_bank_that_is_well_has_nothing_bad(bank: Bank) -> None:
    found = _examined(bank)
    assert [one for one in found.values() if one.verdict is Verdict.BAD] == []
    assert {name for name, one in found.items() if one.verdict is Verdict.OK} >= {
        "python", "work folder", "settings", "database", "audit log", "clock", "work", "dcm2niix", "reports",
    }  # fmt: skip
    assert found["archives"].verdict is found["clinical table"].verdict is Verdict.LOOK
    assert "carmen, dolores, teo" in found["second factors"].said


def test_looking_changes_nothing(bank: Bank) -> None:
    root = bank.system.work.root
    before = _content(root)
    examine(root)
    assert _content(root) == before


@pytest.mark.parametrize(("name", "mode"), [("protected", 0o755), ("protected/audit.key", 0o644)])
def test_rights_that_let_others_read_identity_are_bad(bank: Bank, name: str, mode: int) -> None:
    (bank.system.work.root / name).chmod(mode)
    finding = _examined(bank)["work folder"]
    assert finding.verdict is Verdict.BAD
    assert name in finding.said
    assert (bank.system.work.root / name).stat().st_mode & 0o777 == mode


def test_settings_that_others_may_write_are_bad(bank: Bank) -> None:
    file = bank.system.work.root / "voxpop.toml"
    file.write_text("")
    file.chmod(0o666)
    assert _examined(bank)["settings"].verdict is Verdict.BAD


def test_settings_that_cannot_be_read_are_bad_and_named(bank: Bank) -> None:
    (bank.system.work.root / "voxpop.toml").write_text("workers = 0\n")
    assert "'workers'" in _examined(bank)["settings"].said


def test_a_secret_that_others_may_read_is_bad(bank: Bank, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s")
    secret.chmod(0o644)
    provider = '[[providers]]\nname = "a"\ntitle = "A"\nissuer = "https://a.example"\nclient_id = "v"\n'
    (bank.system.work.root / "voxpop.toml").write_text(f'{provider}client_secret_file = "{secret}"\n')
    assert "providers.a.client_secret_file" in _examined(bank)["settings"].said


def test_an_edited_audit_log_is_bad(bank: Bank) -> None:
    with sqlite3.connect(bank.system.work.root / "voxpop.db") as connection:
        connection.execute("UPDATE audit SET actor = 'nobody' WHERE seq = 2")
    assert "event 2 was edited" in _examined(bank)["audit log"].said


def test_a_lost_key_is_bad_and_no_new_one_is_made(bank: Bank) -> None:
    (bank.system.work.protected / "audit.key").unlink()
    assert _examined(bank)["audit log"].verdict is Verdict.BAD
    assert not (bank.system.work.protected / "audit.key").exists()


def test_an_audit_log_from_the_future_is_bad(bank: Bank) -> None:
    with sqlite3.connect(bank.system.work.root / "voxpop.db") as connection:
        connection.execute(
            "UPDATE audit SET at = '2999-01-01T00:00:00.000000+00:00' WHERE seq = (SELECT max(seq) FROM audit)"
        )
    assert _examined(bank)["clock"].verdict is Verdict.BAD


def test_work_that_nobody_takes_is_to_be_looked_at(bank: Bank) -> None:
    bank.system.operations.ask(Work.STAGE, "application:bone-density", "Ada Example")
    assert "1 requests wait and nobody takes them" in _examined(bank)["work"].said


def test_an_archive_that_does_not_answer_is_bad(bank: Bank) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/dicom-web"
        bank.system.connect_archive("pacs", "dicomweb", {"url": url}, "tester")
        assert _examined(bank)["archive pacs"].verdict is Verdict.BAD
        passing = {one.check: one for one in examine(bank.system.work.root, ("pacs",))}
        assert passing["archive pacs"].verdict is Verdict.LOOK


def test_a_bank_without_a_technical_manager_is_bad(bank: Bank) -> None:
    bank.system.access.enable("teo", "tester", enabled=False)
    assert _examined(bank)["accounts"].verdict is Verdict.BAD


def test_a_port_that_another_program_has_is_bad(bank: Bank) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0.01)
        (bank.system.work.root / "voxpop.toml").write_text(f"[web]\nport = {other.getsockname()[1]}\n")
        assert _examined(bank)["port"].verdict is Verdict.BAD


@pytest.mark.parametrize(
    ("web", "verdict"),
    [
        ('host = "0.0.0.0"', Verdict.LOOK),
        ('base_url = "http://bank.example"', Verdict.BAD),
        ('base_url = "https://bank.example"', Verdict.LOOK),
        ('base_url = "https://bank.example"\nproxies = ["127.0.0.1"]', Verdict.OK),
    ],
)
def test_an_address_is_looked_at(bank: Bank, web: str, verdict: Verdict) -> None:
    (bank.system.work.root / "voxpop.toml").write_text(f"[web]\n{web}\n")
    assert _examined(bank)["web address"].verdict is verdict


@pytest.mark.parametrize(("revision", "verdict"), [("0001", Verdict.LOOK), ("9999", Verdict.BAD)])
def test_another_schema_is_told_and_not_migrated(bank: Bank, revision: str, verdict: Verdict) -> None:
    database = bank.system.work.root / "voxpop.db"
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    assert _examined(bank)["database"].verdict is verdict
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (revision,)


@pytest.mark.needs("postgresql")
def test_a_database_that_does_not_let_us_in_is_bad(
    bank: Bank, postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "url"
    secret.write_text(postgres.database("doctor"))
    secret.chmod(0o600)
    monkeypatch.setenv("VOXPOP_DATABASE_URL_FILE", str(secret))
    assert "it is empty" in _examined(bank)["database"].said
    secret.write_text("postgresql://voxpop:hunter2@127.0.0.1:1/voxpop")
    finding = _examined(bank)["database"]
    assert finding.verdict is Verdict.BAD
    assert "hunter2" not in finding.said


def test_the_command_ends_with_1_where_anything_is_bad(bank: Bank, tmp_path: Path) -> None:
    (bank.system.work.root / "voxpop.toml").write_text("[web]\nport = 0\n")
    root = bank.system.work.root
    assert _doctor("--work", str(root)).returncode == 0
    root.joinpath("protected").chmod(0o755)
    bad = _doctor("--work", str(root), "--json")
    told = json.loads(bad.stdout)
    assert (bad.returncode, told["well"]) == (1, False)
    nothing = _doctor("--work", str(tmp_path / "nothing"))
    assert nothing.returncode == 1
    assert "there is none" in nothing.stdout
    assert not (tmp_path / "nothing").exists()


def _examined(bank: Bank) -> dict[str, Finding]:
    return {one.check: one for one in examine(bank.system.work.root)}


def _content(root: Path) -> tuple[dict[Path, int], list[str]]:
    """Return when each file was written, and what the database holds: SQLite folds its log into it when it may."""
    files = [path for path in root.rglob("*") if path.is_file() and path.suffix not in (".lock", ".log")]
    written = {path: path.stat().st_mtime_ns for path in files if not path.name.startswith("voxpop.db")}
    with sqlite3.connect(root / "voxpop.db") as connection:
        return written, list(connection.iterdump())


def _doctor(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "voxpop", "doctor", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})
