"""The recipes' roles that machines fetch, where their image does not have them."""

from collections.abc import Mapping, Sequence

from voxpop.appliance.images import OF_A_QUEUE
from voxpop.appliance.recipes import Recipe
from voxpop.appliance.roles import archive_name, packed
from voxpop.appliance.tosca import Blueprint
from voxpop.kernel.digests import sha256_bytes


def fetched(blueprint: Blueprint, recipes: Mapping[str, Recipe], url: str) -> Sequence[tuple[str, str, str]]:
    """Return name, address and SHA-256 of each role, in the order of their application; none without an address."""
    if not url:
        return ()
    names = [node.recipe for node in blueprint.software if not node.is_portal] + [*OF_A_QUEUE]
    chosen = [recipes[name] for name in dict.fromkeys(names) if name in recipes and recipes[name].has_role]
    return [(one.name, f"{url}/{archive_name(one)}", sha256_bytes(packed(one))) for one in chosen]
