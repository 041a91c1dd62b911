"""What somebody else left in a folder is read as it lies there, and never through a link."""

import os
from pathlib import Path

import pytest

from voxpop.kernel.plainfiles import plain_file, read_plain, strange


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("key")
    here = tmp_path / "run"
    (here / "outputs").mkdir(parents=True)
    (here / "outputs" / "a.txt").write_text("a")
    (here / "log.txt").symlink_to(tmp_path / "secret")
    (here / "beside").symlink_to(tmp_path)
    os.mkfifo(here / "pipe")
    return here


def test_a_plain_file_is_found_below_its_folder(folder: Path) -> None:
    assert plain_file(folder, "outputs/a.txt") == folder / "outputs" / "a.txt"


ELSEWHERE = ["log.txt", "beside/secret", "pipe", "outputs", "none", "../secret", "/etc/passwd", "", "a\0b"]


@pytest.mark.parametrize("path", [*ELSEWHERE, "outputs/a.txt/x"])
def test_nothing_else_is(folder: Path, path: str) -> None:
    assert plain_file(folder, path) is None


@pytest.mark.parametrize("name", ["log.txt", "pipe", "none"])
def test_a_link_or_a_pipe_is_not_read(folder: Path, name: str) -> None:
    with pytest.raises(FileNotFoundError):
        read_plain(folder, name)


def test_what_is_neither_file_nor_folder_is_named(folder: Path) -> None:
    assert sorted(strange(folder)) == ["beside", "log.txt", "pipe"]
    (folder / "outputs" / "link").symlink_to("a.txt")
    assert "outputs/link" in list(strange(folder))
    assert "outputs/link" not in list(strange(folder, apart=("outputs",)))
