"""What is installed beside the code: pipelines and recipes, from the checkout or from the wheel."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import voxpop
from voxpop.appliance.checking import Finding, check_folder
from voxpop.appliance.recipes import Recipe, find_recipes
from voxpop.run.model import Pipeline
from voxpop.run.pipelines import find_pipelines


def installed_folder(name: str) -> Path:
    """Return the folder of what ships beside the code: the wheel's copy, else the checkout's."""
    package = Path(voxpop.__file__).parent
    shipped = package / "_data" / name
    return shipped if shipped.is_dir() else package.parent.parent / name


@cache
def pipelines() -> Mapping[str, Pipeline]:
    """Return the installed pipelines by ``name/version``."""
    return find_pipelines([installed_folder("pipelines")])


@cache
def recipes() -> Mapping[str, Recipe]:
    """Return the installed recipes by name."""
    return find_recipes(installed_folder("recipes"))


def looked_at(folder: Path) -> tuple[list[Finding], bool]:
    """Return all that is wrong with a recipe's folder, and whether ansible-lint could look at it too.

    It looks once all else is right: it reads what the folder holds with Ansible's own code.
    """
    from voxpop.backends.lint.ansiblelint import ansible_lint

    found = check_folder(folder)
    if found:
        return found, False
    linted = ansible_lint(folder)
    return list(linted or ()), linted is not None
