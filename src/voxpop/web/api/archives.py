"""Connected archives: connect one, ask whether it is there, harvest it."""

from fastapi import Response

from voxpop.access.permissions import Action
from voxpop.flow.rules import Work
from voxpop.kernel.errors import Invalid
from voxpop.store.archives import ConnectedArchive
from voxpop.store.ledger import SubjectAbsent
from voxpop.web.api import paging
from voxpop.web.api.guard import Call
from voxpop.web.api.models import archives as m
from voxpop.web.api.models.audit import OperationFacts
from voxpop.web.api.models.base import Page
from voxpop.web.api.operations import shown as operation_shown
from voxpop.web.api.routes import ASKED_FOR, TAGGED, ApiArea, Called, Form, asked_for

area = ApiArea("archives")
_HARVESTED = "archive.harvested"
_FOLDER = "folder"
_FILE = "_file"
_PATH = "path"


class NamesAFile(Invalid):
    """A setting would read a file or folder of the server."""

    code = "archive-names-a-file"

    def __init__(self) -> None:
        super().__init__(
            "an archive whose settings name a file or folder of the server is connected there: "
            "ask whoever keeps the server for `voxpop archive add`"
        )


@area.read("/archives", Action.ARCHIVE_READ)
def list_archives(call: Called, part: paging.Asked) -> Page[m.ArchiveFacts]:
    """List the connected archives, by name."""
    rows = call.system.archive_records.every()
    return paging.page(call, part, rows, lambda one: (one.name,), lambda one: m.ArchiveFacts(**_facts(one)))


@area.act("/archives", Action.ARCHIVE_MANAGE, form=Form(status=201))
def connect_archive(call: Called, asked: m.ArchiveAsked) -> m.ArchiveConnected:
    """Connect an archive, or change its connection; it is not yet tried."""
    if asked.kind == _FOLDER or any(key.endswith(_FILE) or key == _PATH for key in asked.settings):
        raise NamesAFile
    call.system.connect_archive(asked.name, asked.kind, asked.settings, call.person)
    return m.ArchiveConnected(archive=asked.name, kind=asked.kind)


@area.read("/archives/{archive}", Action.ARCHIVE_READ, form=TAGGED)
def get_archive(call: Called, archive: str) -> m.ArchiveDetail:
    """Return an archive and what its last harvest brought."""
    found = next((one for one in call.system.archive_records.every() if one.name == archive), None)
    if found is None:
        raise SubjectAbsent("archive", archive)
    return m.ArchiveDetail(**_facts(found), harvest=_harvest(call, archive))


@area.act("/archives/{archive}/echo", Action.ARCHIVE_MANAGE)
def echo_archive(call: Called, archive: str) -> m.ArchiveAnswered:
    """Ask an archive whether it is there and lets us in."""
    call.system.archives.named(archive).echo()
    return m.ArchiveAnswered(archive=archive, answers=True)


@area.act("/archives/{archive}/harvest", Action.ARCHIVE_MANAGE, form=ASKED_FOR)
def harvest_archive(call: Called, archive: str, response: Response) -> OperationFacts:
    """Ask for an archive's studies to be listed into the index."""
    call.system.archives.named(archive)
    asked = call.system.operations.ask(Work.HARVEST, f"archive:{archive}", call.person)
    return asked_for(operation_shown(asked), response)


def _facts(one: ConnectedArchive) -> dict[str, object]:
    return {
        "archive": one.name,
        "kind": one.kind,
        "studies": one.studies,
        "harvested_at": one.harvested_at.replace(microsecond=0) if one.harvested_at else None,
    }


def _harvest(call: Call, archive: str) -> m.HarvestFacts | None:
    events = [link.event for link in call.system.ledger.links(f"archive:{archive}") if link.event.action == _HARVESTED]
    if not events:
        return None
    facts = events[-1].facts
    return m.HarvestFacts.model_validate(
        {
            "studies": facts["studies"],
            "series": facts["series"],
            "index_sha256": facts["digest"],
            "odd_answers": facts["odd"],
        }
    )
