"""Write docs/reference/ from the code: commands, settings, the application document, the TOSCA document.

python tools/make_reference.py          # write
python tools/make_reference.py --check  # exit 1 if what is there is not what the code says
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from typer.main import get_command

from voxpop.appliance.model import Environment, Workers
from voxpop.appliance.recipes import Recipe, RecipeKind
from voxpop.appliance.tosca import document, types
from voxpop.cli.commands import app
from voxpop.wiring.settings import Settings

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference"


def main() -> int:
    """Write the pages, or check them."""
    pages = {
        "commands.md": commands(),
        "settings.md": settings(),
        "application.md": application(),
        "recipe.md": recipe(),
        "tosca.md": tosca(),
    }
    if "--check" in sys.argv:
        stale = [name for name, text in pages.items() if _read(REFERENCE / name) != text]
        for name in stale:
            print(f"docs/reference/{name} is not what the code says: run python tools/make_reference.py")
        return 1 if stale else 0
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
    return 0


def commands() -> str:
    """Return the page of all commands with their options."""
    head = (
        "# Commands\n\nExit code 0: done; 1: refused or failed, with one clear line on stderr; 2: wrong usage. "
        "Made from the code by `tools/make_reference.py`.\n"
    )
    return head + "".join(_command(get_command(app), "voxpop"))


def _command(command: Any, path: str) -> Iterator[str]:
    children = getattr(command, "commands", {})
    if not children:
        yield f"\n## `{path}`\n\n{' '.join(command.help.split())}\n\n"
        yield from (_parameter(one) for one in command.params if one.name != "help")
    for name in children:
        yield from _command(children[name], f"{path} {name}")


def _parameter(one: Any) -> str:
    names = (
        ", ".join(f"`{option}`" for option in one.opts) if one.param_type_name == "option" else f"`{one.name.upper()}`"
    )
    said = " ".join((getattr(one, "help", "") or "").split())
    return f"- {names}{': ' + said if said else ''}\n"


def settings() -> str:
    """Return the page of all settings."""
    lines = [
        "# Settings",
        "",
        "`voxpop.toml` in the work folder; a `VOXPOP_*` variable overrides it. Secrets come from files only.",
        "Made from the code by `tools/make_reference.py`.",
        "",
        "| setting | variable | default | what it is |",
        "|---|---|---|---|",
        *_fields(Settings, ""),
    ]
    return "\n".join(lines) + "\n"


def _fields(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _fields(kind, f"{prefix}{name}.")
            continue
        default = "you" if name == "person" else "none" if field.default is None else f"`{field.default}`"
        variable = "VOXPOP_" + f"{prefix}{name}".replace(".", "__").upper()
        yield f"| `{prefix}{name}` | `{variable}` | {default} | {field.description} |"


def application() -> str:
    """Return the page of the application document, from its JSON Schema and its template."""
    folder = files("voxpop.application")
    example = folder.joinpath("template.yaml").read_text(encoding="utf-8")
    return (
        "# The application document\n\nMade from the JSON Schema by `tools/make_reference.py`.\n\n"
        f"{_table(folder.joinpath('application.schema.json'))}\n\n## An example\n\n"
        f"`voxpop application new` writes it:\n\n```yaml\n{example}```\n"
    )


def recipe() -> str:
    """Return the page of a recipe's description, from its JSON Schema and one that ships."""
    example = (REFERENCE.parent.parent / "recipes" / "image-quality" / "recipe.yaml").read_text(encoding="utf-8")
    return (
        "# A recipe's description\n\n`recipe.yaml`, beside the Ansible role; "
        "[how to write one](../how-to/write-a-recipe.md).\nMade from the JSON Schema by `tools/make_reference.py`.\n\n"
        f"{_table(files('voxpop.appliance').joinpath('recipe.schema.json'))}\n\n## An example\n\n"
        f"```yaml\n{example}```\n"
    )


def _table(schema: Traversable) -> str:
    content = json.loads(schema.read_text(encoding="utf-8"))
    return "\n".join(["| key | type | what it is |", "|---|---|---|", *_properties(content, content, "")])


def _properties(schema: dict[str, Any], root: dict[str, Any], prefix: str) -> Iterator[str]:
    required = set(schema.get("required", ()))
    for name, part in schema.get("properties", {}).items():
        whole = _resolved(part, root)
        kind = whole.get("type", "choice")
        kind = " or ".join(kind) if isinstance(kind, list) else kind
        said = " ".join(str(whole.get("description", part.get("description", ""))).split()).replace("|", "\\|")
        yield f"| `{prefix}{name}` | {kind}{', required' if name in required else ''} | {said} |"
        yield from _properties(whole, root, f"{prefix}{name}.")
        if "items" in whole:
            items = _resolved(whole["items"], root)
            for one in [items, *items.get("oneOf", ()), *items.get("anyOf", ())]:
                yield from _properties(_resolved(one, root), root, f"{prefix}{name}[].")


def _resolved(part: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    reference = part.get("$ref", "")
    found = root
    for key in reference.removeprefix("#/").split("/") if reference else ():
        found = found[key]
    return {**found, **part} if reference else part


_ON_TOSCA = """\
# The TOSCA document

Made from the types and by writing two documents, by `tools/make_reference.py`.

An appliance is one document of TOSCA Simple Profile in YAML 1.3. It imports nothing: all types that are not the
profile's own stand in it. The same environment gives the same bytes. Without a batch queue it is one machine; with one
it is a cluster, whose two inputs are what differs from site to site. There are no artifacts and no implementations in
it: a site carries out what it says, and refuses one that says anything else.
"""


def tosca() -> str:
    """Return the page of the TOSCA documents: our types, and two examples."""
    alone = replace(_EXAMPLE, recipes=("octave",), workers=None)
    parts = {
        "Types of every document": _types(types.type_sections()),
        "Types of a cluster, beside these": _types(_only_new()),
        "The topology of a cluster": f"```yaml\n{_topology(_EXAMPLE)}```\n",
        "The topology without a queue": f"```yaml\n{_topology(alone)}```\n",
    }
    return _ON_TOSCA + "".join(f"\n## {title}\n\n{text}" for title, text in parts.items())


_EXAMPLE = Environment(
    "bone-density", ("slurm", "octave"), 16, 32, 0, 50, 90, "bone-density/1.0.0", Workers(0, 4, 4, 8, 0)
)
_RECIPES = {
    "slurm": Recipe("slurm", "1.0.0", "", "", RecipeKind.BATCH_QUEUE, programs=("sbatch",)),
    "octave": Recipe("octave", "1.0.0", "", "", RecipeKind.TOOL, programs=("octave-cli",)),
}


def _topology(environment: Environment) -> str:
    text = document(environment, application="bone-density", volume_digest="0" * 64, recipes=_RECIPES)
    return text[text.index("topology_template:") :]


def _only_new() -> dict[str, Any]:
    plain = types.type_sections()
    return {
        section: {name: kind for name, kind in found.items() if name not in plain.get(section, {})}
        for section, found in types.cluster_type_sections().items()
    }


def _types(sections: dict[str, Any]) -> str:
    rows = [
        f"| `{name}` | `{kind['derived_from']}` | {kind['description']}{_type_properties(kind)} |"
        for found in sections.values()
        for name, kind in found.items()
    ]
    return "\n".join(["| type | derived from | |", "|---|---|---|", *rows, ""])


def _type_properties(kind: dict[str, Any]) -> str:
    found = kind.get("properties", {})
    listed = ", ".join(f"`{name}` ({one['type']})" for name, one in found.items())
    return f" Properties: {listed}." if found else ""


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


if __name__ == "__main__":
    sys.exit(main())
