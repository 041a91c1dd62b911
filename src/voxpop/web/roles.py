"""The Ansible roles of recipes, for machines of a cloud, which ask for them by their digest."""

from fastapi.responses import Response

from voxpop.access.permissions import Action
from voxpop.appliance.errors import RecipeAbsent
from voxpop.web.area import Area
from voxpop.web.ask import Asked

area = Area("roles")


@area.page("/roles/{archive}", Action.ROLE_FETCH)
def role(ask: Asked, archive: str) -> Response:
    """Return the archive of that name: a recipe's, a hyphen, and the SHA-256 of its bytes."""
    found = ask.system.role(archive)
    if found is None:
        raise RecipeAbsent(archive.rpartition("-")[0] or archive)
    return Response(found, media_type="application/gzip", headers={"cache-control": "public, max-age=86400"})
