"""Volumes: what was staged and what was refused and why, who may open it, its images in the viewer."""

import csv
from collections import Counter
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from fastapi.responses import FileResponse, Response

from voxpop.access.permissions import Action
from voxpop.flow.fates import Why, told
from voxpop.flow.rules import Work
from voxpop.kernel.errors import Invalid
from voxpop.kernel.ids import VolumeId
from voxpop.staging.model import Fate
from voxpop.store.ledger import SubjectAbsent
from voxpop.volume.errors import VolumeNotGranted
from voxpop.volume.model import Volume
from voxpop.volume.objects import has_objects
from voxpop.volume.seal import manifest_of
from voxpop.volume.states import VolumeState
from voxpop.web.area import Area
from voxpop.web.ask import Ask, Asked, number
from voxpop.web.pages.volumes.images import images_of, overlays_of
from voxpop.web.shield import ISLAND_POLICY

area = Area("volumes")
_PAGE = 100
_MOST_OTHERS = 500
PARTICIPANTS = "participants.tsv"


@area.page("/volumes", Action.VOLUME_LIST)
def list_(ask: Asked) -> Response:
    """List what may be read."""
    rows = [one for one in ask.system.volumes.every() if ask.may(Action.VOLUME_READ, one.application)]
    return ask.page("volumes/list.html", rows=rows)


@area.page("/volumes/{volume}", Action.VOLUME_READ, of="volume")
def show(ask: Asked, volume: str) -> Response:
    """Show a volume: its seal, its participants, what was refused and why, its grants."""
    one = ask.system.volumes.get(VolumeId(volume))
    opens = _opens(ask, one)
    participants = _participants(one) if opens else []
    first = number(ask.request.query_params.get("from", "")) or 0
    outcomes = ask.system.staging_records.outcomes(one.id) if ask.may(Action.STAGING_READ, one.application) else ()
    exact = ask.may(Action.STAGING_EXACT, one.application)
    fates = Counter((study.fate.value, study.reason) for study in outcomes)
    operations = ask.system.operations.of_subjects([f"volume:{volume}"])
    return ask.page(
        "volumes/show.html",
        one=one,
        participants=participants[first : first + _PAGE],
        columns=list(participants[0]) if participants else [],
        number=len(participants),
        first=first,
        page=_PAGE,
        opens=opens,
        fates=sorted(fates.items()) if exact else _told(fates),
        exact=exact,
        refused=[study for study in outcomes if study.reason][:_PAGE] if exact else [],
        grants=ask.system.volumes.grants(one.id),
        operations=operations[:3],
        events=ask.system.ledger.links(f"volume:{volume}")[-10:],
    )


@area.page("/volumes/{volume}/participants/{participant}", Action.VOLUME_OPEN, of="volume")
def view(ask: Asked, volume: str, participant: str) -> Response:
    """Show a participant's images in the viewer, with what a run has segmented laid over them."""
    one = opened_volume(ask, volume)
    beside = ask.request.query_params.get("beside", "")
    labels = [participant, *([beside] if beside else [])]
    overlays = overlays_of(ask, one)
    shown = [image for label in labels for image in images_of(one, label, overlays)[:1]]
    if not shown:
        raise SubjectAbsent("participant", participant)
    ask.system.projects.viewed(one.id, ask.person, labels)
    others = [row["participant_id"] for row in _participants(one) if row["participant_id"] not in labels]
    answer = ask.page(
        "volumes/view.html",
        one=one,
        participant=participant,
        shown=shown,
        viewed=[image.for_viewer() for image in shown],
        others=others[:_MOST_OTHERS],
        beside=beside,
        ohif=ask.system.settings.web.ohif is not None and has_objects(one, participant),
    )
    answer.headers["content-security-policy"] = ISLAND_POLICY
    return answer


@area.page("/volumes/{volume}/files/{path:path}", Action.VOLUME_OPEN, of="volume")
def file(ask: Asked, volume: str, path: str) -> Response:
    """Return a file of a volume, or the range of it that was asked for; only what its seal names."""
    one = opened_volume(ask, volume)
    digest = manifest_of(one.path).get(path)
    if digest is None:
        raise SubjectAbsent("file", "of that name")
    if ask.request.headers.get("if-none-match") == f'"{digest}"':
        return Response(status_code=304)
    return sealed_file(one.path / path, digest)


@area.act("/volumes/{volume}/verify", Action.VOLUME_VERIFY, of="volume")
def verify(ask: Asked, volume: str) -> Response:
    """Ask for the files to be compared with the seal."""
    ask.system.operations.ask(Work.VERIFY, f"volume:{volume}", ask.person)
    return ask.go(f"/volumes/{volume}")


@area.act("/volumes/{volume}/grants", Action.VOLUME_GRANT, of="volume")
def grant(ask: Asked, volume: str) -> Response:
    """Give a person the right to open it, or take it away."""
    name = VolumeId(volume)
    if ask.text("revoke"):
        ask.system.volumes.revoke(name, ask.text("person"), ask.person)
        return ask.go(f"/volumes/{volume}")
    account = ask.system.access.get(ask.text("account"))
    ask.system.volumes.grant(name, account.person, ask.person, _day(ask.text("until")))
    return ask.go(f"/volumes/{volume}")


@area.act("/volumes/{volume}/remove", Action.VOLUME_REMOVE, of="volume")
def remove(ask: Asked, volume: str) -> Response:
    """Delete its files; its record stays."""
    ask.system.volumes.remove(VolumeId(volume), ask.person, ask.text("reason"))
    return ask.go(f"/volumes/{volume}")


def opened_volume(ask: Ask, volume: str) -> Volume:
    """Return a volume, to who may open it today.

    Raises
    ------
    VolumeNotGranted
    """
    one = ask.system.volumes.get(VolumeId(volume))
    if not _opens(ask, one):
        raise VolumeNotGranted(volume)
    return one


def sealed_file(path: Path, digest: str) -> FileResponse:
    """Return a file that will never change under this name: a browser keeps it and asks whether it still may."""
    answer = FileResponse(path, headers={"etag": f'"{digest}"', "cache-control": "private, no-cache"})
    answer.headers["content-security-policy"] = "default-src 'none'; sandbox"
    return answer


def _told(fates: Mapping[Why, int]) -> list[tuple[Why, int | None]]:
    seen = told(fates)
    return [((Fate.STAGED.value, ""), seen.staged), *seen.others.items()]


def _opens(ask: Ask, one: Volume) -> bool:
    return ask.may(Action.VOLUME_OPEN, one.application) and ask.system.projects.may_open(ask.someone, one)


def _participants(one: Volume) -> list[dict[str, str]]:
    path = one.path / PARTICIPANTS
    if one.state is not VolumeState.SEALED or not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as unreadable:
        raise Invalid("write the last day as year-month-day, such as 2027-01-31") from unreadable
