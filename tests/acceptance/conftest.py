"""One whole demo, told once and shared by the tests that look at what it made."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

DEMO_SECONDS = 900


@dataclass(frozen=True)
class Told:
    """A demo that ended: its answer and its work folder."""

    work: Path
    answer: Mapping[str, Any]
    stderr: str

    @property
    def volume(self) -> Path:
        return Path(self.answer["volume"]["path"])


def voxpop(*arguments: str, work: Path | None = None, env: Mapping[str, str] | None = None) -> Any:
    """Run the command line as a person would, in a process of its own."""
    command = [sys.executable, "-m", "voxpop", *arguments, *(["--work", str(work)] if work else [])]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=DEMO_SECONDS,
        env={**os.environ, **(env or {})},
        check=False,
    )


def tell(work: Path, *options: str) -> Told:
    """Run ``voxpop demo --json`` to its end."""
    done = voxpop("demo", "--json", *options, work=work)
    assert done.returncode == 0, done.stderr
    return Told(work, json.loads(done.stdout), done.stderr)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Return the demo of this test session."""
    return tell(tmp_path_factory.mktemp("demo") / "work")


def outside_protected(work: Path) -> Sequence[Path]:
    """Return every file of a work folder that is not in its protected folder."""
    protected = work / "protected"
    return [path for path in sorted(work.rglob("*")) if path.is_file() and protected not in path.parents]
