"""One whole demo, told once and shared by the tests that look at what it made."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.project import Project, indexed, voxpop, write_application
from voxpop.demo.population import Population, make_population
from voxpop.staging.deid import new_secret, save_secret


@dataclass(frozen=True)
class Told:
    """A demo that ended: its answer and its work folder."""

    work: Path
    answer: Mapping[str, Any]
    stderr: str

    @property
    def volume(self) -> Path:
        return Path(self.answer["volume"]["path"])


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


@pytest.fixture(scope="session")
def population(tmp_path_factory: pytest.TempPathFactory) -> Population:
    """Return a population of four: two patients with osteoporosis, two controls."""
    return make_population(tmp_path_factory.mktemp("population") / "four", patients=4)


@pytest.fixture(scope="session")
def approved(population: Population, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a work folder in which four patients are indexed and an application is approved; copy it, then stage."""
    folder = tmp_path_factory.mktemp("approved")
    with indexed(population, folder) as project:
        pass
    project.approve(write_application(folder, 2))
    save_secret(project.work / "protected" / "pseudonym.key", new_secret())
    return project
