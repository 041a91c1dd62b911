"""A backup is whole or is not there, and a bank that is made from it is the one that was backed up."""

import html
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from tests.api import caller
from tests.bank import APPLIANCE, PROJECT, RUN, VOLUME, Bank, bank_with_results
from tests.postgres import Server

from voxpop.kernel.clock import SystemClock
from voxpop.kernel.digests import sha256_file
from voxpop.kernel.ledger import Event
from voxpop.store.engine import DatabaseUnreachable
from voxpop.volume.states import VolumeState
from voxpop.web.app import create_app
from voxpop.wiring.backup import (
    MANIFEST,
    PASSING,
    BackupPlaceOpen,
    BackupThere,
    Contents,
    FileLost,
    _Archive,
    write_backup,
)
from voxpop.wiring.doctor import examine
from voxpop.wiring.passing import passing_folder
from voxpop.wiring.restoring import (
    BackupBroken,
    BackupNewer,
    OtherDatabase,
    RestorePlaceTaken,
    TooLarge,
    restore_backup,
    restoring_prefix,
)
from voxpop.wiring.settings import read_settings
from voxpop.wiring.system import System
from voxpop.wiring.work import open_work

Edit = Callable[[dict[str, bytes]], object]


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    made = bank_with_results(tmp_path_factory.mktemp("bank"))
    (made.system.work.root / "voxpop.toml").write_text('project = "test-bank"\n')
    return made


@pytest.fixture(scope="module")
def backup(bank: Bank, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("backup") / "bank.backup"
    write_backup(bank.system, file, Contents())
    return file


def test_a_backup_becomes_the_same_bank(bank: Bank, backup: Path, tmp_path: Path) -> None:
    restored = restore_backup(backup, tmp_path / "again", "tester")
    assert restored.faults == ()
    assert restored.missing == (f"volume {VOLUME}", f"run {RUN}")
    again = _system(tmp_path / "again")
    before, after = bank.system.ledger.links(), again.ledger.links()
    assert [link.digest for link in before[: len(after) - 1]] == [link.digest for link in after[:-1]]
    assert after[-1].event.action == "bank.restored"
    assert again.ledger.verify() == []
    assert again.settings.project == "test-bank"
    assert {one.name for one in again.access.every()} == {one.name for one in bank.system.access.every()}
    for name in ("audit.key", "pseudonym.key"):
        assert (again.work.protected / name).read_bytes() == (bank.system.work.protected / name).read_bytes()


def test_a_backup_and_what_is_restored_can_be_read_by_its_owner_alone(backup: Path, tmp_path: Path) -> None:
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    restore_backup(backup, tmp_path / "again")
    protected = tmp_path / "again" / "protected"
    assert stat.S_IMODE(protected.stat().st_mode) == 0o700
    files = [file for file in protected.rglob("*") if file.is_file() and file.suffix != ".lock"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_with_data_the_volumes_and_results_come_along(bank: Bank, tmp_path: Path) -> None:
    file = tmp_path / "all.backup"
    write_backup(bank.system, file, Contents(data=True))
    restored = restore_backup(file, tmp_path / "again")
    assert restored.missing == ()
    again = _system(tmp_path / "again")
    assert again.volumes.verify_volume(VOLUME).intact
    for before in (bank.system.work.results / RUN).rglob("*.*"):
        after = again.work.results / before.relative_to(bank.system.work.results)
        assert sha256_file(after) == sha256_file(before)


@pytest.mark.parametrize(
    ("lost", "when"),
    [
        (f"results/{RUN}/log.txt", f"results/{RUN}/log.txt"),
        (f"results/{RUN}/outputs", f"results/{RUN}/log.txt"),
        (f"results/{RUN}", "results/an-earlier-one/log.txt"),
    ],
)
def test_what_vanishes_while_it_is_copied_is_listed_and_the_rest_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str, when: str
) -> None:
    bank = bank_with_results(tmp_path)
    earlier = bank.system.work.results / "an-earlier-one"
    earlier.mkdir()
    (earlier / "log.txt").write_text("")
    _taken_away_meanwhile(monkeypatch, bank.system.work.root / lost, when)
    made = write_backup(bank.system, tmp_path / "b", Contents(data=True))
    assert made.vanished == (lost,)
    with zipfile.ZipFile(tmp_path / "b") as archive:
        assert json.loads(archive.read(MANIFEST))["vanished"] == [lost]
        assert "results/an-earlier-one/log.txt" in archive.namelist()
    restored = restore_backup(tmp_path / "b", tmp_path / "again", "tester")
    assert any("1 files or folders that vanished" in line for line in restored.left_out)
    assert restored.faults == ()


@pytest.mark.parametrize(
    ("lost", "when", "said"),
    [
        (f"volumes/{VOLUME}/participants.tsv", f"volumes/{VOLUME}/participants.tsv", f"of volume '{VOLUME}' vanished"),
        (f"volumes/{VOLUME}/sub-aaaa", f"volumes/{VOLUME}/participants.tsv", f"of volume '{VOLUME}' vanished"),
        ("protected/pseudonym.key", "protected/pseudonym.key", "of the settings or the protected folder vanished"),
    ],
)
def test_a_file_that_has_to_be_there_and_vanishes_stops_the_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str, when: str, said: str
) -> None:
    bank = bank_with_results(tmp_path)
    _taken_away_meanwhile(monkeypatch, bank.system.work.root / lost, when)
    with pytest.raises(FileLost, match=said):
        write_backup(bank.system, tmp_path / "b", Contents(data=True))
    assert [one.name for one in tmp_path.iterdir()] == ["work"]


def test_the_command_prints_what_vanished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from voxpop.cli.backup import backup as command

    bank = bank_with_results(tmp_path)
    root = bank.system.work.root
    log = f"results/{RUN}/log.txt"
    _taken_away_meanwhile(monkeypatch, root / log, log)
    command(tmp_path / "b", with_data=True, work=root, person="tester")
    assert f"vanished while it was copied:\n  {log}\n" in capsys.readouterr().out


def test_an_appliance_of_a_restored_bank_is_deployed_again_from_its_page_and_over_the_api(
    bank: Bank, tmp_path: Path
) -> None:
    write_backup(bank.system, tmp_path / "all.backup", Contents(data=True))
    restore_backup(tmp_path / "all.backup", tmp_path / "again")
    shutil.rmtree(tmp_path / "again" / "appliances" / APPLIANCE)  # which names folders of another machine
    system = _system(tmp_path / "again")
    again = Bank(system, create_app(system))
    page, form = f"/appliances/{APPLIANCE}", f'action="/appliances/{APPLIANCE}/deploy"'
    form += ' class="inline"'
    ada, dolores = again.client("ada"), again.client("dolores")
    for path in (f"/applications/{PROJECT}/run", f"{page}/terminal"):
        assert "deploy it again on its page" in html.unescape(ada.get(path).text), path
    assert "Deploy again</button>" in ada.get(page).text
    assert form not in dolores.get(page).text
    assert caller(again, "ada").get(page).json()["state"] == "lost"
    assert again.post(ada, f"{page}/deploy").status == 303
    assert form not in ada.get(page).text  # it is in hand
    asked = caller(again, "ada").post(f"{page}/deploy").json()
    assert (asked["work"], asked["subject"]) == ("set-up", f"appliance:{APPLIANCE}")
    assert len(again.system.operations.of_subjects([f"appliance:{APPLIANCE}"])) == 1
    assert system.durable_work.deploy(VOLUME) == APPLIANCE
    system.operations.end(asked["operation"])
    assert form not in ada.get(page).text
    assert ada.get(f"/applications/{PROJECT}/run").status_code == 200


def test_an_appliance_of_a_bank_that_was_copied_is_deployed_again_from_its_page(bank: Bank, tmp_path: Path) -> None:
    shutil.copytree(bank.system.work.root, tmp_path / "copy", symlinks=True)
    system = _system(tmp_path / "copy")
    copied = Bank(system, create_app(system))
    ada, page = copied.client("ada"), f"/appliances/{APPLIANCE}"
    assert "deploy it again on its page" in html.unescape(copied.post(ada, f"/applications/{PROJECT}/run").text)
    assert "Deploy again</button>" in ada.get(page).text
    assert "Deploy again</button>" not in bank.client("ada").get(page).text
    assert system.durable_work.deploy(VOLUME) == APPLIANCE
    assert "Deploy again</button>" not in ada.get(page).text


def test_without_the_protected_folder_no_key_is_in_it(bank: Bank, tmp_path: Path) -> None:
    file = tmp_path / "open.backup"
    made = write_backup(bank.system, file, Contents(protected=False))
    assert not any(name.startswith("protected/") for name in zipfile.ZipFile(file).namelist())
    assert "the protected folder" in made.left_out[0]
    restored = restore_backup(file, tmp_path / "again")
    assert restored.faults == ()
    assert not restored.head
    assert list((tmp_path / "again" / "protected").iterdir()) == []


def test_what_was_being_staged_is_staged_anew(tmp_path: Path) -> None:
    bank = bank_with_results(tmp_path)
    volume = _being_built(bank)
    write_backup(bank.system, tmp_path / "b", Contents())
    restore_backup(tmp_path / "b", tmp_path / "again", "tester")
    again = _system(tmp_path / "again")
    assert again.volumes.get(volume).state is VolumeState.REMOVED
    assert again.ledger.verify() == []


def test_a_backup_while_others_write_has_a_chain_that_is_whole(tmp_path: Path) -> None:
    bank = bank_with_results(tmp_path)
    _hold_while_written(bank, tmp_path)


@pytest.mark.needs("postgresql")
def test_the_same_on_postgresql(postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "url"
    secret.write_text(postgres.database("before"))
    monkeypatch.setenv("VOXPOP_DATABASE_URL_FILE", str(secret))
    bank = bank_with_results(tmp_path)

    def elsewhere() -> None:
        secret.write_text(postgres.database("after"))

    _hold_while_written(bank, tmp_path, elsewhere)
    with pytest.raises(RestorePlaceTaken, match="the database is not empty"):
        restore_backup(tmp_path / "b", tmp_path / "third")
    secret.write_text("postgresql://voxpop:hunter2@127.0.0.1:1/voxpop")
    with pytest.raises(DatabaseUnreachable):
        restore_backup(tmp_path / "b", tmp_path / "third")
    monkeypatch.delenv("VOXPOP_DATABASE_URL_FILE")
    with pytest.raises(OtherDatabase, match="VOXPOP_DATABASE_URL_FILE"):
        restore_backup(tmp_path / "b", tmp_path / "third")
    assert not (tmp_path / "third").exists()


@pytest.mark.parametrize("step", ["_check_room", "_fill", "_checked", "_close"])
def test_a_restore_that_was_killed_is_done_by_the_same_command_again(bank: Bank, tmp_path: Path, step: str) -> None:
    file, root = tmp_path / "all.backup", tmp_path / "there" / "again"
    write_backup(bank.system, file, Contents(data=True))
    _restore_killed_after(step, file, root)
    assert not root.exists()
    restored = restore_backup(file, root, "tester")
    assert (restored.faults, restored.missing) == ((), ())
    again = _system(root)
    assert again.volumes.verify_volume(VOLUME).intact
    assert [link.event.action for link in again.ledger.links()].count("bank.restored") == 1
    assert list(root.parent.iterdir()) == [root]


@pytest.mark.needs("postgresql")
@pytest.mark.parametrize("step", ["_check_room", "_fill", "_checked", "_close"])
def test_the_same_on_postgresql_where_the_database_was_filled(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    file, root = _backup_of_postgresql(postgres, tmp_path, monkeypatch), tmp_path / "there" / "again"
    _restore_killed_after(step, file, root)
    with pytest.raises(RestorePlaceTaken, match="the database is not empty"):
        restore_backup(file, tmp_path / "elsewhere", "tester")
    assert restore_backup(file, root, "tester").faults == ()
    again = _system(root)
    assert again.ledger.verify() == []
    assert [link.event.action for link in again.ledger.links()].count("bank.restored") == 1
    assert list(root.parent.iterdir()) == [root]


@pytest.mark.needs("postgresql")
def test_a_restore_that_failed_leaves_postgresql_empty(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _backup_of_postgresql(postgres, tmp_path, monkeypatch)

    def full(*_: object) -> None:
        raise OSError(28, "")

    with monkeypatch.context() as once:
        once.setattr("voxpop.wiring.restoring._close", full)
        with pytest.raises(OSError, match="28"):
            restore_backup(file, tmp_path / "again", "tester")
    assert list(tmp_path.glob(".again*")) == []
    assert restore_backup(file, tmp_path / "elsewhere", "tester").faults == ()


@pytest.mark.needs("postgresql")
def test_a_restore_whose_database_went_away_is_done_by_the_same_command_again(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _backup_of_postgresql(postgres, tmp_path, monkeypatch)

    def gone(*_: object) -> None:
        raise OperationalError("", None, OSError())

    with monkeypatch.context() as once:
        once.setattr("voxpop.wiring.restoring._close", gone)
        once.setattr("voxpop.wiring.restoring.give_up", gone)
        with pytest.raises(OperationalError):
            restore_backup(file, tmp_path / "again", "tester")
    assert restore_backup(file, tmp_path / "again", "tester").faults == ()
    assert list(tmp_path.glob(".again*")) == []


@pytest.mark.needs("postgresql")
def test_a_bank_whose_restore_was_killed_at_the_end_is_never_emptied(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, root = _backup_of_postgresql(postgres, tmp_path, monkeypatch), tmp_path / "there" / "again"
    _restore_killed_after("replace", file, root)
    before = len(_system(root).ledger.links())
    with pytest.raises(RestorePlaceTaken, match="the work folder is not empty"):
        restore_backup(file, root, "tester")
    moved = root.rename(tmp_path / "moved")
    with pytest.raises(RestorePlaceTaken, match="the database is not empty"):
        restore_backup(file, root, "tester")
    assert len(_system(moved).ledger.links()) == before
    write_backup(_system(moved), tmp_path / "second", Contents())
    Path(os.environ["VOXPOP_DATABASE_URL_FILE"]).write_text(postgres.database("second"))
    assert restore_backup(tmp_path / "second", root, "tester").faults == ()


@pytest.mark.needs("postgresql")
def test_a_bank_that_has_its_name_is_not_emptied_by_ctrl_c(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, root, replace = _backup_of_postgresql(postgres, tmp_path, monkeypatch), tmp_path / "again", Path.replace

    def interrupted(path: Path, target: Path) -> None:
        replace(path, target)
        if target == root:
            raise KeyboardInterrupt

    with monkeypatch.context() as once:
        once.setattr(Path, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            restore_backup(file, root, "tester")
    assert _system(root).ledger.verify() == []
    assert list(tmp_path.glob(".again*")) == []


def test_what_a_living_restore_works_in_is_left_alone(backup: Path, tmp_path: Path) -> None:
    root = tmp_path / "again"
    with passing_folder(tmp_path, restoring_prefix(root)) as living:
        (living.path / "bank").mkdir()
        restore_backup(backup, root, "tester")
        assert (living.path / "bank").is_dir()


def test_a_backup_is_not_written_over_nor_into_the_open(bank: Bank, backup: Path) -> None:
    with pytest.raises(BackupThere):
        write_backup(bank.system, backup, Contents())
    with pytest.raises(BackupPlaceOpen):
        write_backup(bank.system, bank.system.work.root / "b", Contents())
    write_backup(bank.system, bank.system.work.protected / "b", Contents())
    assert sorted(one.name for one in bank.system.work.protected.iterdir() if one.name.startswith(".")) == []
    (bank.system.work.protected / "b").unlink()


def test_a_backup_that_fails_leaves_nothing(bank: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "")

    monkeypatch.setattr("voxpop.wiring.backup._Archive.finish", full)
    with pytest.raises(OSError, match="28"):
        write_backup(bank.system, tmp_path / "b", Contents())
    assert list(tmp_path.iterdir()) == []
    assert bank.system.ledger.verify() == []


def test_what_a_killed_backup_left_is_told_and_cleared_by_the_next(tmp_path: Path) -> None:
    bank = bank_with_results(tmp_path)
    protected, place = bank.system.work.protected, tmp_path / "backups"
    place.mkdir()
    _backup_killed(bank.system.work.root, place / "first")
    left = [*protected.glob(".voxpop-backup-*"), *place.iterdir()]
    assert len(left) == 2
    assert {stat.S_IMODE(one.stat().st_mode) for one in left} == {0o700}
    told = [one for one in examine(bank.system.work.root) if one.check == "left behind"]
    assert [left[0].name in one.said for one in told] == [True]
    with passing_folder(place, PASSING) as living:
        write_backup(bank.system, place / "second", Contents())
        assert sorted(place.iterdir()) == sorted([living.path, place / "second"])
    assert [one for one in examine(bank.system.work.root) if one.check == "left behind"] == []


def test_what_a_killed_restore_left_is_told(backup: Path, tmp_path: Path) -> None:
    root = tmp_path / "again"
    _restore_killed_after("_check_room", backup, root)
    left = next(tmp_path.iterdir())
    assert any(left.name in one.said for one in examine(root))
    restore_backup(backup, root)
    assert [one for one in examine(root) if one.check == "left behind"] == []


def test_nothing_is_restored_over_what_is_there(backup: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    with pytest.raises(RestorePlaceTaken):
        restore_backup(backup, tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert restore_backup(backup, empty).faults == ()


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9, 0.999])
def test_a_cut_backup_is_refused(backup: Path, tmp_path: Path, part: float) -> None:
    content = backup.read_bytes()
    _refused(content[: int(len(content) * part)], tmp_path)


@pytest.mark.parametrize("place", [0.05, 0.5, 0.95])
def test_a_backup_with_a_flipped_bit_is_refused(backup: Path, tmp_path: Path, place: float) -> None:
    content = bytearray(backup.read_bytes())
    content[int(len(content) * place)] ^= 1
    _refused(bytes(content), tmp_path)


@pytest.mark.parametrize(
    "name", ["../escaped", "/tmp/escaped", "protected/../../escaped", "elsewhere/x", "protected//x", "a\\..\\b", "."]
)
def test_a_name_that_leads_out_is_refused(backup: Path, tmp_path: Path, name: str) -> None:
    def edit(files: dict[str, bytes]) -> None:
        files[name] = b"x"
        _say(files, lambda said: said["files"].update({name: {"sha256": "0" * 64, "bytes": 1, "mode": 0o644}}))

    with pytest.raises(BackupBroken):
        restore_backup(_edited(backup, tmp_path, edit), tmp_path / "deep" / "again")
    assert not (tmp_path / "escaped").exists()
    assert list((tmp_path / "deep").iterdir() if (tmp_path / "deep").exists() else []) == []


def test_a_file_that_unpacks_to_more_than_it_says_is_refused(backup: Path, tmp_path: Path) -> None:
    def bomb(files: dict[str, bytes]) -> None:
        files["voxpop.db"] = bytes(50_000_000)

    file = _edited(backup, tmp_path, bomb)
    assert file.stat().st_size < 1_000_000
    with pytest.raises(BackupBroken, match="is not the one that was backed up"):
        restore_backup(file, tmp_path / "again")


def test_a_backup_that_says_more_than_the_disk_holds_is_refused(backup: Path, tmp_path: Path) -> None:
    file = _edited(
        backup, tmp_path, lambda files: _say(files, lambda said: said["files"]["voxpop.db"].update(bytes=1 << 60))
    )
    with pytest.raises(TooLarge):
        restore_backup(file, tmp_path / "again")


def test_a_file_that_the_manifest_does_not_name_is_refused(backup: Path, tmp_path: Path) -> None:
    with pytest.raises(BackupBroken, match="other files than its manifest names"):
        restore_backup(_edited(backup, tmp_path, lambda files: files.update(more=b"x")), tmp_path / "again")


def test_a_backup_of_a_newer_voxpop_is_refused(backup: Path, tmp_path: Path) -> None:
    file = _edited(backup, tmp_path, lambda files: _say(files, lambda said: said.update(format=99)))
    with pytest.raises(BackupNewer):
        restore_backup(file, tmp_path / "again")


def test_a_database_that_was_edited_with_its_digest_is_found_by_the_audit(bank: Bank, tmp_path: Path) -> None:
    import hashlib
    import sqlite3

    write_backup(bank.system, tmp_path / "good", Contents())

    def edit(files: dict[str, bytes]) -> None:
        database = tmp_path / "edited.db"
        database.write_bytes(files["voxpop.db"])
        with sqlite3.connect(database) as connection:
            connection.execute("UPDATE audit SET actor = 'nobody' WHERE seq = 3")
        connection.close()
        files["voxpop.db"] = database.read_bytes()
        facts = {"sha256": hashlib.sha256(files["voxpop.db"]).hexdigest(), "bytes": len(files["voxpop.db"])}
        _say(files, lambda said: said["files"]["voxpop.db"].update(facts))

    restored = restore_backup(_edited(tmp_path / "good", tmp_path, edit), tmp_path / "again")
    assert restored.faults == ("event 3 was edited: its content does not give its digest",)


def test_the_commands_say_what_is_in_it_and_what_is_not(bank: Bank, tmp_path: Path) -> None:
    file, work = tmp_path / "b", tmp_path / "again"
    told = json.loads(_voxpop("backup", str(file), "--work", str(bank.system.work.root), "--json").stdout)
    assert told["identity"] is True
    done = _voxpop("restore", str(file), "--work", str(work))
    assert f"volume {VOLUME}" in done.stdout
    assert "the audit log is whole" in done.stderr
    cut = tmp_path / "cut"
    cut.write_bytes(file.read_bytes()[:5000])
    refused = _voxpop("restore", str(cut), "--work", str(tmp_path / "more"), code=1)
    assert refused.stderr.count("\n") == 1
    assert "nothing was restored" in refused.stderr


def _hold_while_written(bank: Bank, folder: Path, between: Callable[[], object] = lambda: None) -> None:
    over = threading.Event()

    def write() -> None:
        number = 0
        while not over.is_set():
            bank.system.ledger.record(Event("thing.done", f"thing:{number}", "ana"))
            number += 1

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    try:
        write_backup(bank.system, folder / "b", Contents())
    finally:
        over.set()
        for writer in writers:
            writer.join()
    between()
    assert restore_backup(folder / "b", folder / "again", "tester").faults == ()


def _taken_away_meanwhile(monkeypatch: pytest.MonkeyPatch, lost: Path, when: str) -> None:
    """Take a file or folder away when the file of a name is about to be copied."""
    really = _Archive.add

    def add(archive: _Archive, name: str, file: Path) -> None:
        if name == when:
            shutil.rmtree(lost) if lost.is_dir() else lost.unlink()
        really(archive, name, file)

    monkeypatch.setattr("voxpop.wiring.backup._Archive.add", add)


def _backup_killed(root: Path, file: Path) -> None:
    """Write a backup in a process of its own, which ends as by ``kill -9`` before the last of it is written."""
    lines = (
        "import os, signal, sys",
        "from pathlib import Path",
        "from voxpop.cli.opening import opened",
        "from voxpop.wiring import backup",
        "backup._Archive.finish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)",
        "backup.write_backup(opened(Path(sys.argv[1]), 'tester'), Path(sys.argv[2]), backup.Contents())",
    )
    command = [sys.executable, "-c", "\n".join(lines), str(root), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})
    assert done.returncode == -signal.SIGKILL, done.stderr


def _restore_killed_after(step: str, file: Path, root: Path) -> None:
    """Restore in a process of its own, which ends as by ``kill -9`` once it has done a step."""
    lines = (
        "import os, signal, sys",
        "from pathlib import Path",
        "from voxpop.wiring import restoring",
        f"place, name = {'Path' if step == 'replace' else 'restoring'}, {step!r}",
        "step = getattr(place, name)",
        "def killed(*given):",
        "    step(*given)",
        "    if step.__name__ != 'replace' or given[1] == root: os.kill(os.getpid(), signal.SIGKILL)",
        "setattr(place, name, killed)",
        "root = Path(sys.argv[2])",
        "restoring.restore_backup(Path(sys.argv[1]), root, 'tester')",
    )
    command = [sys.executable, "-c", "\n".join(lines), str(file), str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})
    assert done.returncode == -signal.SIGKILL, done.stderr


def _backup_of_postgresql(postgres: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a backup, and let the settings name an empty database."""
    secret = folder / "url"
    secret.write_text(postgres.database("before"))
    monkeypatch.setenv("VOXPOP_DATABASE_URL_FILE", str(secret))
    write_backup(bank_with_results(folder).system, folder / "b", Contents())
    secret.write_text(postgres.database("after"))
    return folder / "b"


def _being_built(bank: Bank) -> str:
    from dataclasses import replace
    from datetime import date

    from voxpop.cohort.model import Selection
    from voxpop.kernel.ids import CohortId

    cohort = bank.system.cohort_records.get(bank.system.volumes.get(VOLUME).cohort)
    second = replace(cohort, id=CohortId(f"{cohort.application}-c2"))
    bank.system.cohort_records.freeze(second, Selection((), ()), "tester")
    return bank.system.volumes.begin(cohort.application, second.id, "Ada Example", "tester", date(2099, 1, 1)).id


def _system(root: Path) -> System:
    return System(open_work(root, create=False), read_settings(root, "tester"), SystemClock())


def _refused(content: bytes, folder: Path) -> None:
    file = folder / "b"
    file.write_bytes(content)
    with pytest.raises(BackupBroken, match="nothing was restored"):
        restore_backup(file, folder / "again")
    assert list(folder.iterdir()) == [file]


def _edited(backup: Path, folder: Path, edit: Edit) -> Path:
    with zipfile.ZipFile(backup) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    edit(files)
    target = folder / "edited.backup"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target


def _say(files: dict[str, bytes], change: Callable[[dict[str, object]], object]) -> None:
    said = json.loads(files[MANIFEST])
    change(said)
    files[MANIFEST] = json.dumps(said).encode()


def _voxpop(*arguments: str, code: int = 0) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "voxpop", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})
    assert done.returncode == code, done.stderr
    return done
