"""``voxpop recipe``: what appliances can be made of, and what people add to it."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from voxpop.appliance.additions import Added
from voxpop.appliance.errors import ImageDiffers, RecipeFaulty
from voxpop.appliance.images import Rebuilt
from voxpop.appliance.recipes import DOCUMENT, Recipe, load_recipe
from voxpop.cli.console import DEFAULT_WORK, JsonOption, PersonOption, ReasonOption, WorkOption, show, show_table
from voxpop.cli.opening import opened
from voxpop.kernel.digests import Json
from voxpop.kernel.errors import Absent
from voxpop.wiring.installed import looked_at
from voxpop.wiring.installed import recipes as installed_recipes

app = typer.Typer(help="Look at recipes, check, add and approve them, and build images of them.")
COLUMNS = ("recipe", "version", "kind", "state", "purpose")

Folder = Annotated[Path, typer.Argument(help="A recipe's folder.")]
Name = Annotated[str, typer.Argument(help="The recipe's name.", metavar="RECIPE")]
Version = Annotated[str, typer.Option("--version", help="The recipe's version.", metavar="VERSION")]


@app.command(name="list")
def list_(work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """List the recipes that ship, which an application may ask for, and those that were added, by their state."""
    rows = [_recipe(one, "ships") for one in installed_recipes().values()]
    show_table([*rows, *_added(work)], COLUMNS, as_json=as_json, empty="no recipe is installed")


@app.command(name="check")
def check(folder: Folder, as_json: JsonOption = False) -> None:
    """Look at a recipe: description, licence, pinned releases, secrets, unsafe tasks; exit code 1 if one is wrong."""
    folder = folder.absolute()
    found, linted = looked_at(folder)
    facts: dict[str, Json] = {
        "recipe": folder.name,
        "findings": [{"file": one.file, "line": one.line, "fault": one.fault} for one in found],
        "linted": linted,
    }
    if found:
        show(facts, "\n".join(map(str, found)), as_json=as_json)
        raise RecipeFaulty(folder.name, len(found), str(found[0]))
    one = load_recipe(folder / DOCUMENT)
    facts |= {"version": one.version, "kind": one.kind.value, "licence": one.licence}
    told = f"recipe '{one.name}' {one.version} is as it must be, and its licence ({one.licence}) lets everyone run it"
    text = told + ("" if linted else "; ansible-lint is not installed here and did not look at it")
    show(facts, text, as_json=as_json)


@app.command()
def sbom(
    image: Annotated[str, typer.Argument(help="An image's digest, sha256:..., or recipes joined by commas.")],
    site: Annotated[str, typer.Option("--site", help="The site that has it.", metavar="SITE")],
    work: WorkOption = DEFAULT_WORK,
    as_json: JsonOption = False,
) -> None:
    """Print what an image holds, package by package with its version and licence, as CycloneDX 1.6, which is JSON."""
    del as_json  # it is JSON in any case
    sys.stdout.write(opened(work).sites.bill(site, image))


@app.command()
def add(
    folder: Folder, work: WorkOption = DEFAULT_WORK, person: PersonOption = None, as_json: JsonOption = False
) -> None:
    """Keep a copy of a recipe that is as it must be; a technical manager then approves it."""
    system = opened(work, person, create=True)
    _show(system.recipe_book.add(folder.absolute(), system.person), as_json=as_json)


@app.command()
def approve(
    name: Name,
    version: Version,
    reason: ReasonOption = "",
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let applications ask for a recipe that another person added."""
    system = opened(work, person)
    _show(system.recipe_book.approve(name, version, system.person, reason), as_json=as_json)


@app.command()
def withdraw(
    name: Name,
    version: Version,
    reason: ReasonOption = "",
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let no application ask for a recipe any more."""
    system = opened(work, person)
    _show(system.recipe_book.withdraw(name, version, system.person, reason), as_json=as_json)


@contextmanager
def _tidy_when_ended() -> Iterator[None]:
    """Let SIGTERM unwind what goes on, so that no container of a building stays."""

    def end(number: int, frame: FrameType | None) -> None:
        del frame
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def show_added(name: str, version: str, state: str, sha256: str, *, as_json: bool) -> None:
    """Print where a recipe stands that was added."""
    facts: dict[str, Json] = {"recipe": name, "version": version, "state": state, "sha256": sha256}
    show(facts, SENTENCES[state].format(name=name, version=version), as_json=as_json)


SENTENCES = {
    "added": "recipe '{name}' {version} is added: `voxpop recipe approve {name} --version {version}`, by another "
    "person, lets applications ask for it",
    "approved": "recipe '{name}' {version} is approved: applications may ask for it",
    "withdrawn": "recipe '{name}' {version} is withdrawn: no application may ask for it",
}
"""What is said of a recipe that was added, by its state."""


@app.command()
def build(
    names: Annotated[str, typer.Argument(help="Recipes, joined by commas.", metavar="RECIPES")],
    site: Annotated[str, typer.Option("--site", help="The site that the image is for.", metavar="SITE")],
    again: Annotated[
        bool, typer.Option("--again", help="Build it a second time of the same inputs, and say what differs.")
    ] = False,
    work: WorkOption = DEFAULT_WORK,
    as_json: JsonOption = False,
) -> None:
    """Build the image that appliances with these recipes are made of, or say that it is there."""
    asked = tuple(names.split(","))
    with _tidy_when_ended():
        sites = opened(work).sites
        if again:
            _show_rebuilt(sites.rebuild(site, asked, _building), site, as_json=as_json)
            return
        image = sites.build(site, asked, _building)
    state = "is built" if image.built else "was there already"
    show({"site": site, "image": image.id, "built": image.built}, f"image {image.id} {state}", as_json=as_json)


def _building(step: str) -> None:
    typer.echo(f"building {step}", err=True)


def _show_rebuilt(rebuilt: Rebuilt, site: str, *, as_json: bool) -> None:
    facts: dict[str, Json] = {"site": site, "contents_sha256": rebuilt.contents, "differs": list(rebuilt.differs)}
    if rebuilt.differs:
        show(facts, "\n".join(rebuilt.differs), as_json=as_json)
        raise ImageDiffers(len(rebuilt.differs))
    show(facts, f"built anew it is the same: the SHA-256 of its contents is {rebuilt.contents}", as_json=as_json)


def _show(added: Added, *, as_json: bool) -> None:
    show_added(added.name, added.version, added.state.value, added.digest, as_json=as_json)


def _added(work: Path) -> Iterator[dict[str, Json]]:
    try:
        added = opened(work).recipe_book.shown()
    except Absent:  # what ships needs no bank
        return
    for one, recipe in added:
        yield _recipe(recipe, one.state.value)


def _recipe(one: Recipe, state: str) -> dict[str, Json]:
    return {
        "recipe": one.name,
        "version": one.version,
        "kind": one.kind.value,
        "state": state,
        "purpose": one.purpose,
    }
