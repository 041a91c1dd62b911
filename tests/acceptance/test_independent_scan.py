"""The scanner that shares no code with voxpop finds what it has to find."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCANNER = Path(__file__).with_name("independent_scan.py")
KEY = {
    "patients": [
        {"planted": [{"kind": "person name", "value": "Grünewald^Änne"}, {"kind": "date", "value": "19480229"}]},
        {"planted": [{"kind": "id", "value": "PID-771209"}, {"kind": "text", "value": "abc"}]},
    ]
}


def _scan(key: Path, *folders: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(SCANNER), "--key", str(key), *map(str, folders)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "planted.json"
    file.write_text(json.dumps(KEY))
    return file


@pytest.mark.needs("poppler")
def test_it_finds_one_planted_value_in_each_kind_of_file() -> None:
    import importlib.util

    spec = importlib.util.spec_from_file_location("independent_scan", SCANNER)
    assert spec
    assert spec.loader
    scanner = importlib.util.module_from_spec(spec)
    sys.modules["independent_scan"] = scanner
    spec.loader.exec_module(scanner)
    assert scanner.self_test() == []


@pytest.mark.needs("poppler")
def test_a_clean_folder_ends_well_and_says_what_was_not_sought(tmp_path: Path, key: Path) -> None:
    folder = tmp_path / "volume"
    folder.mkdir()
    (folder / "README").write_text("nothing here")
    done = _scan(key, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 too short" in done.stderr


@pytest.mark.needs("poppler")
@pytest.mark.parametrize("text", ["born 29.02.1948", "anne GRÜNEWALD ÄNNE", "x pid-771209 y"])
def test_a_planted_value_is_named_by_its_file_and_never_repeated(tmp_path: Path, key: Path, text: str) -> None:
    folder = tmp_path / "volume"
    folder.mkdir()
    (folder / "leak.txt").write_text(text)
    done = _scan(key, folder)
    assert done.returncode == 1
    assert "leak.txt" in done.stdout
    assert text not in done.stdout


@pytest.mark.needs("poppler")
def test_the_protected_folder_is_left_out(tmp_path: Path, key: Path) -> None:
    (tmp_path / "work" / "protected").mkdir(parents=True)
    (tmp_path / "work" / "protected" / "index.txt").write_text("PID-771209")
    assert _scan(key, tmp_path / "work").returncode == 0


@pytest.mark.needs("poppler")
def test_an_unreadable_key_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text('{"people": []}')
    assert _scan(tmp_path / "key.json", tmp_path).returncode == 2
