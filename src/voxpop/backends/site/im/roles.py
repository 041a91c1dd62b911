"""The recipes' roles that machines fetch, where their image does not have them."""

from collections.abc import Mapping, Sequence

from voxpop.appliance.images import plan_image
from voxpop.appliance.recipes import Recipe
from voxpop.appliance.roles import packed
from voxpop.appliance.tosca import Blueprint


def fetched(blueprint: Blueprint, recipes: Mapping[str, Recipe], url: str) -> Sequence[tuple[str, str, str]]:
    """Return name, address and SHA-256 of each role, in the order of their application; none without an address.

    Raises
    ------
    RecipeWithoutRole
        If a recipe says what is there and not how to install it.
    RecipeChanged
        If the files of one that was approved are no longer those.
    """
    if not url:
        return ()
    chosen = plan_image(blueprint.environment.recipes, recipes).recipes
    archives = [packed(recipe) for recipe in chosen]
    return [
        (recipe.name, f"{url}/{archive.name}", archive.sha256) for recipe, archive in zip(chosen, archives, strict=True)
    ]
