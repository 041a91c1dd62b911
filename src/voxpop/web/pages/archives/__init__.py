"""Connected archives: when each was harvested, and harvesting one again."""

from fastapi.responses import Response

from voxpop.access.permissions import Action
from voxpop.flow.rules import Work
from voxpop.web.area import Area
from voxpop.web.ask import Asked

area = Area("archives")


@area.page("/archives", Action.ARCHIVE_READ)
def list_(ask: Asked) -> Response:
    """List the connected archives; not their settings, which name hosts and files."""
    rows = ask.system.archive_records.every()
    operations = ask.system.operations.of_subjects([f"archive:{one.name}" for one in rows])
    return ask.page("archives/list.html", rows=rows, operations=operations[:5])


@area.act("/archives/{archive}/harvest", Action.ARCHIVE_MANAGE)
def harvest(ask: Asked, archive: str) -> Response:
    """Ask for an archive's listing to be read again."""
    ask.system.archives.named(archive)
    ask.system.operations.ask(Work.HARVEST, f"archive:{archive}", ask.person)
    return ask.go("/archives")
