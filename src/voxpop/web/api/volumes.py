"""Volumes: what was staged and what was refused and why, who may open them, their files."""

import csv
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from fastapi import Query, Request, Response

from voxpop.access.permissions import Action
from voxpop.flow.rules import Work
from voxpop.kernel.ids import VolumeId
from voxpop.store.ledger import SubjectAbsent
from voxpop.volume.errors import VolumeNotGranted
from voxpop.volume.model import Volume
from voxpop.volume.seal import manifest_of
from voxpop.volume.states import VolumeState
from voxpop.web.api import paging
from voxpop.web.api.files import file_form, ranged
from voxpop.web.api.guard import Call
from voxpop.web.api.models import volumes as m
from voxpop.web.api.models.audit import OperationFacts
from voxpop.web.api.models.base import NAME, NO_NUL, Page, Reason
from voxpop.web.api.operations import shown as operation_shown
from voxpop.web.api.routes import ASKED_FOR, TAGGED, ApiArea, Called, Form, asked_for

area = ApiArea("volumes")
PARTICIPANTS = "participants.tsv"
_LABEL = "participant_id"
_BYTES = "application/octet-stream"
_VERIFIED = "volume.verified"


@area.read("/volumes", Action.VOLUME_LIST)
def list_volumes(call: Called, part: paging.Asked) -> Page[m.VolumeFacts]:
    """List the volumes that may be read, by id."""
    rows = [one for one in call.system.volumes.every() if call.may(Action.VOLUME_READ, one.application)]
    return paging.page(call, part, rows, lambda one: (one.id,), lambda one: m.VolumeFacts(**_facts(one)))


@area.read("/volumes/{volume}", Action.VOLUME_READ, "volume", form=TAGGED)
def get_volume(call: Called, volume: str) -> m.VolumeDetail:
    """Return a volume, its seal, its last check and who may open it."""
    return _detail(call, call.system.volumes.get(VolumeId(volume)))


@area.read("/volumes/{volume}/participants", Action.VOLUME_OPEN, "volume")
def list_participants(call: Called, volume: str, part: paging.Asked) -> Page[m.Participant]:
    """List a volume's participants, by pseudonym, for who may open it."""
    rows = _participants(_opened(call, volume))
    return paging.page(call, part, rows, lambda one: (one.participant,), lambda one: one)


@area.read("/volumes/{volume}/outcomes", Action.STAGING_EXACT, "volume")
def list_outcomes(call: Called, volume: str, part: paging.Asked) -> Page[m.Outcome]:
    """List what became of each study of a volume's cohort, with the reason."""
    rows = call.system.staging_records.outcomes(VolumeId(volume))
    return paging.page(
        call,
        part,
        rows,
        lambda one: (one.ordinal,),
        lambda one: m.Outcome(
            ordinal=one.ordinal,
            fate=one.fate,
            reason=one.reason,
            participant=one.participant,
            session=one.session,
            group=one.group,
        ),
    )


@area.read("/volumes/{volume}/files", Action.VOLUME_OPEN, "volume")
def list_volume_files(call: Called, volume: str, part: paging.Asked) -> Page[m.SealedFile]:
    """List the files that a volume's seal names, for who may open it."""
    rows = manifest_of(_opened(call, volume).path).items()
    return paging.page(call, part, rows, lambda row: (row[0],), lambda row: m.SealedFile(path=row[0], sha256=row[1]))


@area.read("/volumes/{volume}/files/{path:path}", Action.VOLUME_OPEN, "volume", form=file_form(_BYTES))
def get_volume_file(call: Called, volume: str, path: str, request: Request) -> Response:
    """Return a file of a volume, or a range of it; only what its seal names, for who may open it."""
    one = _opened(call, volume)
    digest = manifest_of(one.path).get(path)
    if digest is None:
        raise SubjectAbsent("file", "of that name")
    return ranged(request, one.path / path, _BYTES, digest)


@area.act("/volumes/{volume}/verify", Action.VOLUME_VERIFY, "volume", form=ASKED_FOR)
def verify_volume(call: Called, volume: str, response: Response) -> OperationFacts:
    """Ask for a volume's files to be compared with its seal; the volume then says how it came out."""
    asked = call.system.operations.ask(Work.VERIFY, f"volume:{volume}", call.person)
    return asked_for(operation_shown(asked), response)


@area.read("/volumes/{volume}/diff", Action.VOLUME_READ, "volume")
def compare_volumes(
    call: Called,
    volume: str,
    other: Annotated[str, Query(alias="with", max_length=100, pattern=NAME, description="The other volume.")],
) -> m.Differences:
    """Say by path how another volume differs from this one."""
    call.seen("volume", other)
    found = call.system.volumes.diff(VolumeId(volume), VolumeId(other))
    return m.Differences(
        added=list(found.added), removed=list(found.removed), changed=list(found.changed), same=found.same
    )


@area.act("/volumes/{volume}/grants", Action.VOLUME_GRANT, "volume", form=Form(status=201))
def grant_volume(call: Called, volume: str, asked: m.GrantAsked) -> m.GrantGiven:
    """Give a person the right to open a volume, at most until it ends."""
    account = call.system.access.person_of(asked.who) or call.system.access.get(asked.who)
    given = call.system.volumes.grant(VolumeId(volume), account.person, call.person, asked.until)
    return m.GrantGiven(volume=given.volume, person=given.person, until=given.until)


@area.delete("/volumes/{volume}/grants", Action.VOLUME_GRANT, "volume", form=Form(status=204))
def revoke_volume(
    call: Called,
    volume: str,
    who: Annotated[str, Query(max_length=200, pattern=NO_NUL, description="The person, as the grant has it.")],
) -> None:
    """Take a person's right to open a volume away; silent if there is none."""
    call.system.volumes.revoke(VolumeId(volume), who, call.person)


@area.act("/volumes/{volume}/remove", Action.VOLUME_REMOVE, "volume")
def remove_volume(call: Called, volume: str, asked: Reason) -> m.VolumeDetail:
    """Delete a volume's files; its record, seal and history stay."""
    return _detail(call, call.system.volumes.remove(VolumeId(volume), call.person, asked.reason))


def _detail(call: Call, one: Volume) -> m.VolumeDetail:
    grants = [
        m.GrantFacts(person=given.person, until=given.until, granted_by=given.granted_by)
        for given in call.system.volumes.grants(one.id)
    ]
    return m.VolumeDetail(**_facts(one), grants=grants, verified=_verified(call, one))


def _verified(call: Call, one: Volume) -> m.VolumeChecked | None:
    looks = [link for link in call.system.ledger.links(f"volume:{one.id}") if link.event.action == _VERIFIED]
    if not looks:
        return None
    return m.VolumeChecked.model_validate({"at": datetime.fromisoformat(looks[-1].at), **looks[-1].event.facts})


def _facts(one: Volume) -> dict[str, object]:
    return {
        "volume": one.id,
        "application": one.application,
        "cohort": one.cohort,
        "state": one.state,
        "files": one.files,
        "bytes": one.bytes,
        "manifest_sha256": one.digest,
        "sealed_at": one.sealed_at,
        "ends_on": one.ends_on,
    }


def _opened(call: Call, volume: str) -> Volume:
    """Return a volume whose images the caller may open today."""
    one = call.system.volumes.get(VolumeId(volume))
    if not call.system.projects.may_open(call.account, one):
        raise VolumeNotGranted(volume)
    return one


def _participants(one: Volume) -> Iterator[m.Participant]:
    path = one.path / PARTICIPANTS
    if one.state is not VolumeState.SEALED or not path.is_file():
        return
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream, delimiter="\t"):
            label = row.pop(_LABEL, "")
            yield m.Participant(participant=label, facts=row)
