"""Bad input ends with one clear sentence, exit code 1, and nothing half done."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def voxpop(*arguments: str, cwd: Path | None = None, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "voxpop", *arguments],
        capture_output=True, text=True, check=False, cwd=cwd, env={**os.environ, **env}, timeout=120,
    )  # fmt: skip


def refused(done: "subprocess.CompletedProcess[str]") -> str:
    """Return the one sentence of a refusal."""
    assert done.returncode == 1, (done.returncode, done.stderr)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("voxpop: ")
    assert "Traceback" not in done.stderr
    return lines[0]


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    sentence = refused(voxpop("demo", "--work", str(tmp_path)))
    assert "is not a work folder of voxpop and is not empty" in sentence
    assert sorted(path.name for path in tmp_path.iterdir()) == ["thesis.txt"]


def test_a_work_folder_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "work.json").write_text(json.dumps({"format": 99, "voxpop": "9.0"}))
    assert "made by voxpop 9.0, which is newer" in refused(voxpop("demo", "--work", str(tmp_path)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["work.json"]


def test_a_work_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "there is no work folder at" in refused(voxpop("volume", "list", "--work", str(tmp_path / "none")))


def test_an_archive_dir_that_is_not_there_is_named_and_nothing_is_made(tmp_path: Path) -> None:
    done = voxpop("demo", "--work", str(tmp_path / "w"), "--archive-dir", str(tmp_path / "gone"))
    assert "is no folder: name a folder of DICOM files" in refused(done)
    assert not (tmp_path / "w").exists()


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    sentence = refused(voxpop("volume", "list", "--work", str(_empty(tmp_path)), VOXPOP_WORKERS="many"))
    assert "the setting 'workers' is wrong" in sentence


def _empty(tmp_path: Path) -> Path:
    """Make an empty work folder."""
    work = tmp_path / "work"
    done = voxpop("archive", "add", "a", "--kind", "folder", "--set", f"path={tmp_path}", "--work", str(work))
    assert done.returncode == 0, done.stderr
    return work


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("volume", "show", "nothing-v1"), "there is no volume 'nothing-v1' here"),
        (("run", "show", "nothing-r1"), "there is no run 'nothing-r1' here"),
        (("application", "show", "nothing"), "there is no application 'nothing' here"),
        (("appliance", "show", "nothing-a1"), "there is no appliance 'nothing-a1' here"),
        (("stage", "nothing"), "there is no application 'nothing' here"),
        (("archive", "harvest", "nowhere"), "no archive 'nowhere' is connected here"),
        (("archive", "add", "b", "--kind", "fax"), "'fax' is no kind of archive: use one of dicomweb, dimse, folder"),
        (("archive", "add", "b", "--kind", "folder", "--set", "path"), "'path' is no setting: write --set KEY=VALUE"),
        (("trace", "no-such-file.pdf"), "no-such-file.pdf"),
    ],
)
def test_what_is_not_there_is_named(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    assert sentence in refused(voxpop(*arguments, "--work", str(_empty(tmp_path))))


def test_an_archive_that_is_down_is_named_by_its_name_alone(tmp_path: Path) -> None:
    work = tmp_path / "work"
    added = voxpop(
        "archive", "add", "pacs", "--kind", "dicomweb", "--set", "url=http://127.0.0.1:9/dicom-web", "--work", str(work)
    )
    assert added.returncode == 0, added.stderr
    sentence = refused(voxpop("archive", "echo", "pacs", "--work", str(work)))
    assert "archive 'pacs'" in sentence
    assert "127.0.0.1" not in sentence


def test_a_lost_pseudonym_key_is_not_made_anew(tmp_path: Path) -> None:
    work = _empty(tmp_path)
    (work / "protected" / "audit.key").unlink()
    assert "audit.key" in refused(
        voxpop("archive", "add", "c", "--kind", "folder", "--set", "path=/tmp", "--work", str(work))
    )


def test_an_application_with_faults_names_line_and_column(tmp_path: Path) -> None:
    voxpop("application", "new", "a.yaml", cwd=tmp_path)
    file = tmp_path / "a.yaml"
    file.write_text(file.read_text().replace("cores: 16", "cors: 16").replace("M80, M81]}", "M80, Z999]}", 1))
    done = voxpop("application", "check", "a.yaml", cwd=tmp_path)
    assert done.returncode == 1
    assert "cors" in done.stderr
    assert "Z999" in done.stderr
    assert "line" in done.stderr


def test_the_example_application_is_complete(tmp_path: Path) -> None:
    assert voxpop("application", "new", "a.yaml", cwd=tmp_path).returncode == 0
    done = voxpop("application", "check", "a.yaml", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["application"] == "bone-density"


def test_wrong_usage_is_exit_code_2() -> None:
    assert voxpop("volume", "shw").returncode == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_clear_sentence(tmp_path: Path) -> None:
    script = (
        "import sys; sys.argv = ['voxpop', 'application', 'new', '/dev/full/../full']\n"
        "import voxpop.cli.application as a, errno\n"
        "def full(*_, **__): raise OSError(errno.ENOSPC, 'No space left on device')\n"
        "a.template = full\n"
        "a.Path.exists = lambda self: False\n"
        "from voxpop.cli.main import main; main()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "the disk is full" in refused(done)


def test_every_command_has_help() -> None:
    from typer.main import get_command

    from voxpop.cli.commands import app

    def walk(command: object, path: str) -> list[str]:
        missing = [] if getattr(command, "help", None) else [path]
        for name, child in getattr(command, "commands", {}).items():
            missing += walk(child, f"{path} {name}")
        return missing

    assert walk(get_command(app), "voxpop") == []


def test_an_application_that_asks_for_what_is_not_here_leaves_no_draft(tmp_path: Path) -> None:
    work = _empty(tmp_path)
    voxpop("application", "new", "a.yaml", cwd=tmp_path)
    file = tmp_path / "a.yaml"
    file.write_text(file.read_text().replace("[portal,", "[rootkit,"))
    assert "rootkit" in refused(voxpop("application", "submit", "a.yaml", "--work", str(work), cwd=tmp_path))
    listed = voxpop("application", "list", "--json", "--work", str(work))
    assert json.loads(listed.stdout) == []


def test_a_harvest_with_a_bad_clinical_source_changes_nothing(tmp_path: Path) -> None:
    work = _empty(tmp_path)
    source = tmp_path / "bad.csv"
    source.write_text("patient_id,birth_date\nP1,yesterday\n")
    sentence = refused(voxpop("archive", "harvest", "a", "--clinical", str(source), "--work", str(work)))
    assert "bad.csv" in sentence
    listed = voxpop("archive", "list", "--json", "--work", str(work))
    assert json.loads(listed.stdout)[0]["harvested_at"] is None


def test_a_folder_without_dicom_is_told_in_one_sentence(tmp_path: Path) -> None:
    work = _empty(tmp_path)
    assert "holds no study that can be used" in refused(voxpop("archive", "harvest", "a", "--work", str(work)))


def test_control_characters_of_others_do_not_reach_the_terminal(tmp_path: Path) -> None:
    work = _empty(tmp_path)
    voxpop("application", "new", "a.yaml", cwd=tmp_path)
    file = tmp_path / "a.yaml"
    file.write_text(
        file.read_text().replace("title: Trabecular bone density from abdominal CT", r'title: "a\e[31mred"')
    )
    voxpop("application", "submit", "a.yaml", "--work", str(work), cwd=tmp_path)
    assert "\x1b" not in voxpop("application", "list", "--work", str(work)).stdout


def test_an_empty_name_is_no_tag() -> None:
    assert "neither a tag" in refused(voxpop("profile", "explain", ""))
