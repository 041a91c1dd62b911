"""The definitions for users' own CI: they parse, and every command in them is one of ours with options that it has."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.main import get_command

from voxpop.cli.commands import app

_SUBSTITUTED = re.compile(r'"?\$\([^)]*\)"?')
FILES = ("gitlab-ci.yml", "github-actions.yml")


def texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield from content.splitlines()
    for part in content.values() if isinstance(content, dict) else content if isinstance(content, list) else ():
        yield from texts(part)


def ours(repo: Path, name: str) -> list[list[str]]:
    content = YAML(typ="safe", pure=True).load((repo / "packaging" / "ci" / name).read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    lines = [line for line in texts(content) if line.startswith("voxpop ")]
    return [shlex.split(_SUBSTITUTED.sub("1.0.0", line).partition(" > ")[0]) for line in lines]


@pytest.mark.parametrize("name", FILES)
def test_a_definition_checks_and_builds_by_commands_that_there_are(repo: Path, name: str) -> None:
    lines = ours(repo, name)
    assert [line[1:3] for line in lines] == [
        ["recipe", "check"], ["recipe", "add"], ["recipe", "approve"], ["site", "add"], ["recipe", "build"],
        ["recipe", "sbom"],
    ]  # fmt: skip
    for _, group, command, *rest in lines:
        found = get_command(app).commands[group].commands[command]  # type: ignore[attr-defined]
        with found.make_context(command, list(rest)):
            pass


def test_who_adds_and_who_approves_are_two(repo: Path) -> None:
    for name in FILES:
        acting = [line[line.index("--as") + 1] for line in ours(repo, name) if "--as" in line]
        assert len(set(acting)) == 2
