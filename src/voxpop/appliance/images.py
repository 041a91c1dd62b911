"""What a machine image is made of: a base, and the roles of the recipes that an environment names."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path

from ruamel.yaml import YAML

from voxpop.appliance.errors import RecipeChanged, RecipeWithoutRole
from voxpop.appliance.recipes import Recipe, RecipeKind, contents, in_order
from voxpop.kernel.digests import sha256_json

SUITE = "trixie"
BASE_PACKAGES = ("ansible-core", "ca-certificates", "procps", "python3", "python3-venv")
"""What the base holds beside Debian's essential packages: enough for a role to be applied inside it."""

ALWAYS = ("pipeline-runner",)
"""Recipes that every image has, asked for or not."""

OF_A_QUEUE = ("cluster-node",)
"""Recipes that every image with a batch queue has beside it."""

PYTHON = Path("/opt/voxpop/bin/python3")
"""The Python of an image that pipelines are carried out with."""

_FORMAT = 2


@dataclass(frozen=True, slots=True)
class ImagePlan:
    """An image that can be built.

    Parameters
    ----------
    recipes : tuple of Recipe
        In the order in which their roles are applied.
    layers : tuple of str
        A name for the image after each recipe, made from the SHA-256 over all that went in until then: the base's suite
        and packages, and every file of every role. Environments that begin alike share them.
    """

    recipes: tuple[Recipe, ...]
    layers: tuple[str, ...]

    @property
    def tag(self) -> str:
        """The image's name in an engine and in a registry."""
        return f"voxpop/appliance:{self.inputs}"

    @property
    def inputs(self) -> str:
        """What an image of it says that it was made of."""
        return self.layers[-1].partition(":")[2]

    def again(self) -> "ImagePlan":
        """Return the plan of the same image under other names, so that it is built anew beside this one."""
        return replace(self, layers=tuple(layer.replace(":", ":again-") for layer in self.layers))


@dataclass(frozen=True, slots=True)
class Image:
    """An image that is there.

    Parameters
    ----------
    id : str
        The engine's digest of it.
    built : bool
        Whether it was built now; else it was there already.
    """

    id: str
    built: bool


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """An image that was built a second time of the same inputs.

    Parameters
    ----------
    contents : str
        SHA-256 over mode, owner and content of all files of the image that was there.
    differs : tuple of str
        What is different in the second, a line each: packages first, then files. None where it is the same.
    """

    contents: str
    differs: tuple[str, ...]


Say = Callable[[str], None]
"""Hears of each step of a building."""


def base_digest() -> str:
    """Return the SHA-256 over what the base image is made of."""
    return sha256_json({"format": _FORMAT, "suite": SUITE, "packages": [*BASE_PACKAGES]})


def plan_image(asked: Sequence[str], recipes: Mapping[str, Recipe]) -> ImagePlan:
    """Say what the image of an environment is made of; a portal is no part of it, the bank's own serves it.

    Parameters
    ----------
    asked : sequence of str
        Names of recipes; ``check_recipes`` says whether they go together.

    Raises
    ------
    RecipeWithoutRole
        If one of them says what is there and not how to install it.
    RecipeChanged
        If the files of one that was approved are no longer those.
    """
    chosen = in_order(_in_one_order(asked, recipes), recipes)
    for recipe in chosen:
        if not recipe.has_role:
            raise RecipeWithoutRole(recipe.name)
    layers, digest = [], base_digest()
    for recipe in chosen:
        assert recipe.folder is not None  # it has a role
        found = contents(recipe.folder)
        if recipe.digest and recipe.digest != sha256_json(found):
            raise RecipeChanged(recipe.name)
        digest = sha256_json([digest, recipe.name, found])
        layers.append(f"voxpop/layer:{digest[:16]}")
    return ImagePlan(chosen, tuple(layers))


def _in_one_order(asked: Sequence[str], recipes: Mapping[str, Recipe]) -> Sequence[str]:
    """Put recipes in one order, so that one set has one image; queues come last, on what is shared without them."""
    tools = [name for name in sorted(asked) if recipes[name].kind is RecipeKind.TOOL]
    queues = [name for name in sorted(asked) if recipes[name].kind is RecipeKind.BATCH_QUEUE]
    return [*dict.fromkeys([*ALWAYS, *tools, *queues, *(OF_A_QUEUE if queues else ())])]


def playbook(roles: Sequence[str]) -> str:
    """Write the Ansible playbook that applies some roles, in this order."""
    play = {
        "name": "An appliance's machine",
        "hosts": "all",
        "gather_facts": False,
        "roles": [*roles],
    }
    text = StringIO()
    YAML(pure=True).dump([play], text)
    return text.getvalue()
