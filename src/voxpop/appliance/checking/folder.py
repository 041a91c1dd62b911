"""A recipe's folder, looked at file by file."""

from collections.abc import Iterator
from pathlib import Path

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from voxpop.appliance.checking.finding import Finding
from voxpop.appliance.checking.pins import unpinned
from voxpop.appliance.checking.secrets import secrets
from voxpop.appliance.checking.tasks import faults_of
from voxpop.appliance.errors import RecipeInvalid
from voxpop.appliance.recipes import DOCUMENT, ROLE, left_by_tools, load_recipe

MOST_BYTES = 10_000_000
"""Of all files together: what is larger is fetched by its checksum."""

MOST_FILES = 500
_TASKS = ("tasks", "handlers")
_FOLDERS = frozenset({"defaults", "files", "handlers", "meta", "tasks", "templates", "vars"})
"""Those of a role that hold no code which Ansible itself carries out."""

_NOT_FREE = ("-NC-", "-NC", "LicenseRef-", "BUSL-", "SSPL-", "Elastic-")
_META = Path("meta") / "main.yml"


def check_folder(folder: Path) -> list[Finding]:
    """Return all that is wrong with a recipe, by file and line; nothing of it is carried out.

    Parameters
    ----------
    folder : Path
        Holds ``recipe.yaml`` and an Ansible role.
    """
    odd = sorted(_odd(folder))
    if odd:
        return odd  # what lies elsewhere, or is too much, is not read
    return sorted({*_description(folder), *_layout(folder), *_contents(folder)})


def _odd(folder: Path) -> Iterator[Finding]:
    size = 0
    for number, path in enumerate(sorted(folder.rglob("*"))):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            yield Finding(name, 0, "is a link: put the file itself there")
        elif path.is_file():
            size += path.stat().st_size
        elif not path.is_dir():
            yield Finding(name, 0, "is neither a file nor a folder: take it away")
        if left_by_tools(path.relative_to(folder)):
            yield Finding(name, 0, "is hidden, and would not be part of the recipe: take it away, or rename it")
        if number >= MOST_FILES:
            yield Finding(name, 0, f"there are more than {MOST_FILES} files: let the role fetch them by their checksum")
            return
    if size > MOST_BYTES:
        yield Finding(
            ".", 0, f"there are more than {MOST_BYTES // 10**6} MB: let the role fetch them by their checksum"
        )


def _description(folder: Path) -> Iterator[Finding]:
    try:
        recipe = load_recipe(folder / DOCUMENT)
    except RecipeInvalid as invalid:
        yield Finding(DOCUMENT, 0, invalid.fault)
        return
    if not recipe.health:
        yield Finding(DOCUMENT, 0, "has no `health`: give the command that shows that it works")
    try:
        licence = canonicalize_license_expression(recipe.licence)
    except InvalidLicenseExpression:
        yield Finding(
            DOCUMENT, 0, f"the licence '{recipe.licence}' is no SPDX expression: write it as on spdx.org/licenses"
        )
        return
    if any(part in licence for part in _NOT_FREE):
        yield Finding(
            DOCUMENT, 0, f"the licence '{licence}' does not let everyone run it for every purpose: ask for a right to, "
            "and take software under a free licence until then",
        )  # fmt: skip


def _layout(folder: Path) -> Iterator[Finding]:
    if not (folder / ROLE).is_file():
        yield Finding(ROLE.as_posix(), 0, "is not there: a recipe needs what its Ansible role does")
    if not (folder / _META).is_file():
        yield Finding(_META.as_posix(), 0, "is not there: Ansible Galaxy's layout needs it")
    for name in sorted(path.name for path in folder.iterdir() if path.is_dir()):
        if name not in _FOLDERS:
            yield Finding(
                name, 0, f"may hold code that Ansible itself carries out: a role has {', '.join(sorted(_FOLDERS))}"
            )


def _contents(folder: Path) -> Iterator[Finding]:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        text = path.read_bytes().decode("utf-8", errors="replace")
        yield from secrets(name, text)
        if path.name.startswith("requirements") and path.suffix == ".txt":
            yield from unpinned(name, text)
        if path.suffix in (".yml", ".yaml") and name != DOCUMENT:
            yield from faults_of(name, text, tasks=name.partition("/")[0] in _TASKS)
