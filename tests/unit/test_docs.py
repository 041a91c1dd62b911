"""The documentation says what the code does."""

import re
import subprocess
import sys
from pathlib import Path


def test_the_reference_is_what_the_code_says(repo: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(repo / "tools" / "make_reference.py"), "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_every_decision_is_in_the_index(repo: Path) -> None:
    folder = repo / "docs" / "decisions"
    index = (folder / "index.md").read_text()
    for decision in folder.glob("[0-9]*.md"):
        assert f"({decision.name})" in index, decision.name


def test_every_command_in_the_documentation_exists(repo: Path) -> None:
    known = set(
        re.findall(r"^## `(voxpop[^`]*)`", (repo / "docs" / "reference" / "commands.md").read_text(), re.MULTILINE)
    )
    groups = {command.split()[1] for command in known if len(command.split()) == 3}
    pages = [repo / "README.md", *(repo / "docs").rglob("*.md")]
    for page in pages:
        for line in re.findall(r"^ {4}voxpop ([a-z][a-z -]*)", page.read_text(), re.MULTILINE):
            words = line.split()
            command = "voxpop " + " ".join(words[: 2 if words[0] in groups else 1])
            assert command in known, (page.name, command)


def test_the_readme_opens_with_the_two_commands(repo: Path) -> None:
    head = "\n".join((repo / "README.md").read_text().splitlines()[:40])
    assert "make demo" in head
    assert "make test" in head


def test_no_page_names_a_path_of_a_developers_machine(repo: Path) -> None:
    for page in [repo / "README.md", *(repo / "docs").rglob("*.md")]:
        assert not re.search(r"/(home|root|Users|work)/", page.read_text()), page.name


def test_every_command_can_answer_in_json(repo: Path) -> None:
    text = (repo / "docs" / "reference" / "commands.md").read_text()
    sections = re.split(r"^## `", text, flags=re.MULTILINE)[1:]
    assert len(sections) > 30
    assert [section.split("`")[0] for section in sections if "--json" not in section] == []
