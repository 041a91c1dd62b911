"""Parts that every document has: software, and the two volumes with their rights."""

from dataclasses import dataclass
from typing import Any

from voxpop.appliance.recipes import Recipe, RecipeKind
from voxpop.appliance.tosca import types

_NODE_OF = {
    RecipeKind.TOOL: types.TOOL,
    RecipeKind.BATCH_QUEUE: types.BATCH_QUEUE,
    RecipeKind.PORTAL: types.PORTAL,
}


@dataclass(frozen=True, slots=True)
class SoftwareNode:
    """Software that the document asks for.

    Parameters
    ----------
    type : str
        The node's TOSCA type.
    programs, python_modules : tuple of str
        What must be found where the software is.
    """

    recipe: str
    type: str
    version: str
    programs: tuple[str, ...]
    python_modules: tuple[str, ...]

    @classmethod
    def of(cls, recipe: Recipe) -> "SoftwareNode":
        """Return the node that stands for a recipe."""
        return cls(recipe.name, _NODE_OF[recipe.kind], recipe.version, recipe.programs, recipe.python_modules)

    @property
    def is_queue(self) -> bool:
        """Whether it hands jobs to workers."""
        return self.type == types.BATCH_QUEUE

    @property
    def is_portal(self) -> bool:
        """Whether it serves pages."""
        return self.type == types.PORTAL

    def node_template(self, workers: str) -> dict[str, Any]:
        """Write it; ``workers`` is the node that hosts it, unless it belongs on the front end."""
        return {
            "type": self.type,
            "properties": {
                "recipe": self.recipe,
                "component_version": self.version,
                "programs": list(self.programs),
                "python_modules": list(self.python_modules),
            },
            "requirements": [{"host": types.FRONT_END_NAME if self.type in types.ON_FRONT_END else workers}],
        }


def mounts() -> list[dict[str, Any]]:
    """Write what every machine that jobs run on requires: the data read-only, the results to write to."""
    return [
        {"data": _mount(types.DATA_NAME, "/data", read_only=True)},
        {"results": _mount(types.RESULTS_NAME, "/results", read_only=False)},
    ]


def _mount(volume: str, location: str, *, read_only: bool) -> dict[str, Any]:
    properties = {"location": location, "read_only": read_only}
    return {"node": volume, "relationship": {"type": types.MOUNTS, "properties": properties}}
