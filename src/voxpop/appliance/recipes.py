"""Recipes: software that a project can ask for, each described by a ``recipe.yaml``."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from itertools import combinations
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from voxpop.appliance.errors import RecipeAbsent, RecipeAlone, RecipeInvalid, RecipesConflict
from voxpop.kernel.digests import Json, sha256_file, sha256_json

DOCUMENT = "recipe.yaml"
ROLE = Path("tasks") / "main.yml"
"""Where Ansible Galaxy's layout has what a role does."""


class RecipeKind(StrEnum):
    """What a recipe brings into an appliance."""

    TOOL = "tool"
    BATCH_QUEUE = "batch-queue"
    PORTAL = "portal"


class Gpu(StrEnum):
    """Whether a recipe's software uses a GPU."""

    NO = "no"
    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Software that a project can ask for.

    Parameters
    ----------
    version : str
        Of the recipe, not of the software.
    licence : str
        SPDX expression of the software's licence.
    needs : tuple of str
        Recipes that must be asked for beside it.
    programs, python_modules : tuple of str
        What is on a machine once the recipe was applied; a site that installs nothing looks for these.
    gives_on : tuple of str
        Kinds of site that can give it; a site may still lack what it needs.
    folder : Path, optional
        Holds its Ansible role, where it has one.
    conflicts : tuple of str
        Recipes that can't be on the same machine.
    ports : tuple of int
        Those that its software listens on.
    health : str
        A line of sh(1) that shows that it works; empty where its programs and modules are all that is looked at.
    digest : str
        What ``content_digest`` must say of its folder when an image is made of it; empty where it ships with the bank.
    """

    name: str
    version: str
    purpose: str
    licence: str
    kind: RecipeKind
    needs: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    python_modules: tuple[str, ...] = ()
    gives_on: tuple[str, ...] = ()
    folder: Path | None = None
    conflicts: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    gpu: Gpu = Gpu.NO
    health: str = ""
    digest: str = ""

    @property
    def has_role(self) -> bool:
        """Whether it can be installed by its Ansible role."""
        return self.folder is not None and (self.folder / ROLE).is_file()


def find_recipes(folder: Path) -> Mapping[str, Recipe]:
    """Read every recipe of a folder ``<folder>/<name>/recipe.yaml``.

    Returns
    -------
    mapping of name to Recipe, in order of names

    Raises
    ------
    RecipeInvalid
        If one of them can't be read, or lies in a folder of another name.
    """
    return {path.parent.name: load_recipe(path) for path in sorted(folder.glob(f"*/{DOCUMENT}"))}


def contents(folder: Path) -> dict[str, Json]:
    """Return the SHA-256 of each file of a recipe, but of what tools leave there."""
    paths = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    return {name.as_posix(): sha256_file(paths[name]) for name in sorted(paths) if not left_by_tools(name)}


def left_by_tools(name: Path) -> bool:
    """Say whether a file of a recipe is none of its own: nobody digests it, so an added recipe may have none."""
    return any(part.startswith(".") or part == "__pycache__" for part in name.parts)


def content_digest(folder: Path) -> str:
    """Return the SHA-256 over all files of a recipe."""
    return sha256_json(contents(folder))


def load_recipe(path: Path, digest: str = "") -> Recipe:
    """Read one ``recipe.yaml`` and check it against its schema.

    Raises
    ------
    RecipeInvalid
        If it is no YAML, breaks the schema, or its name is not its folder's.
    """
    folder = path.parent.name
    content = _content(path)
    fault = next(iter(sorted(_schema().iter_errors(content), key=lambda error: list(map(str, error.path)))), None)
    if fault is not None:
        place = ".".join(str(part) for part in fault.absolute_path) or "the document"
        raise RecipeInvalid(folder, f"{place} is wrong: {fault.message}")
    if content["name"] != folder:
        raise RecipeInvalid(folder, f"its name is '{content['name']}': give the folder and the recipe one name")
    provides = content["provides"]
    return Recipe(
        name=content["name"],
        version=content["version"],
        purpose=content["purpose"].strip(),
        licence=content["licence"],
        kind=RecipeKind(provides["kind"]),
        needs=tuple(content["needs"]),
        programs=tuple(provides.get("programs", ())),
        python_modules=tuple(provides.get("python_modules", ())),
        gives_on=tuple(content["gives_on"]),
        folder=path.parent,
        conflicts=tuple(content.get("conflicts", ())),
        ports=tuple(one["port"] for one in content.get("ports", ())),
        gpu=Gpu(content.get("gpu", Gpu.NO)),
        health=content.get("health", "").strip(),
        digest=digest,
    )


def check_recipes(asked: Sequence[str], recipes: Mapping[str, Recipe]) -> None:
    """Refuse recipes that are not there, that lack one they need, or that don't go together.

    Raises
    ------
    RecipeAbsent
        If a name is not known.
    RecipeAlone
        If a recipe needs one that was not asked for.
    RecipesConflict
        If one says that it conflicts with another, or two listen on one port.
    """
    for name in asked:
        if name not in recipes:
            raise RecipeAbsent(name)
        missing = [needed for needed in recipes[name].needs if needed not in asked]
        if missing:
            raise RecipeAlone(name, missing[0])
    for one, other in combinations([recipes[name] for name in dict.fromkeys(asked)], 2):
        shared = {*one.ports} & {*other.ports}
        if other.name in one.conflicts or one.name in other.conflicts:
            raise RecipesConflict(one.name, other.name, "they say that they don't go together")
        if shared:
            raise RecipesConflict(one.name, other.name, f"both listen on port {min(shared)}")


def in_order(asked: Sequence[str], recipes: Mapping[str, Recipe]) -> tuple[Recipe, ...]:
    """Return recipes in the order in which they are applied: what is needed comes before what needs it."""
    placed: dict[str, Recipe] = {}
    begun: set[str] = set()

    def place(name: str) -> None:
        if name in begun:  # it is there already, or two need each other
            return
        begun.add(name)
        for needed in sorted(set(recipes[name].needs) & set(asked)):
            place(needed)
        placed[name] = recipes[name]

    for name in asked:
        place(name)
    return tuple(placed.values())


def _content(path: Path) -> Any:
    folder = path.parent.name
    try:
        return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as missing:
        raise RecipeInvalid(folder, f"{DOCUMENT} is not there: a recipe's folder needs one") from missing
    except (YAMLError, UnicodeDecodeError) as broken:
        raise RecipeInvalid(folder, f"{DOCUMENT} is no readable YAML: mend its syntax") from broken


@cache
def _schema() -> Draft202012Validator:
    schema = json.loads(files("voxpop.appliance").joinpath("recipe.schema.json").read_text(encoding="utf-8"))
    return Draft202012Validator(schema)
