"""DICOMweb over the DICOM objects of a volume, for OHIF in a browser and for programs.

One root serves one participant, ``/volumes/{volume}/dicomweb/{participant}``, so that nothing of anybody else can be
asked for there, and only that participant's objects are read. A browser comes with its session, a program with a token.
"""

from collections.abc import Sequence
from itertools import chain

from fastapi.responses import FileResponse, JSONResponse, Response

from voxpop.access.permissions import Action
from voxpop.kernel.digests import Json
from voxpop.volume import objects as o
from voxpop.volume.frames import check_frame, frame_of
from voxpop.web.area import Area
from voxpop.web.ask import Ask, Asked, number
from voxpop.web.pages.dicomweb.door import guard
from voxpop.web.pages.dicomweb.parts import DICOM, DICOM_JSON, file_part, frame_part, in_parts, listed
from voxpop.web.pages.volumes import opened_volume

area = Area("dicomweb", guard)
_ROOT = "/volumes/{volume}/dicomweb/{participant}"
_OBJECT = f"{_ROOT}/studies/{{study}}/series/{{series}}/instances/{{instance}}"


@area.page(f"{_ROOT}/studies", Action.VOLUME_OPEN, of="volume")
def search_studies(ask: Asked) -> Response:
    """Search for studies; by ``StudyInstanceUID``, the one key that is looked at."""
    wanted = ask.request.query_params.get("StudyInstanceUID") or ask.request.query_params.get("0020000D")
    return _told(o.studies([one for one in instances_asked(ask) if wanted in (None, one.uids[0])]))


@area.page(f"{_ROOT}/studies/{{study}}/series", Action.VOLUME_OPEN, of="volume")
def search_series(ask: Asked) -> Response:
    """Search for the series of a study; by ``SeriesInstanceUID``, the one key that is looked at."""
    wanted = ask.request.query_params.get("SeriesInstanceUID") or ask.request.query_params.get("0020000E")
    return _told(o.series_of([one for one in instances_asked(ask) if wanted in (None, one.uids[1])]))


@area.page(f"{_ROOT}/studies/{{study}}/series/{{series}}/instances", Action.VOLUME_OPEN, of="volume")
def search_instances(ask: Asked) -> Response:
    """Search for the instances of a series."""
    return _told(o.objects(instances_asked(ask)))


@area.page(f"{_ROOT}/studies/{{study}}/metadata", Action.VOLUME_OPEN, of="volume")
def study_metadata(ask: Asked) -> Response:
    """Return the attributes of all objects of a study."""
    return listed(o.metadata(instances_asked(ask)))


@area.page(f"{_ROOT}/studies/{{study}}/series/{{series}}/metadata", Action.VOLUME_OPEN, of="volume")
def series_metadata(ask: Asked) -> Response:
    """Return the attributes of all objects of a series."""
    return listed(o.metadata(instances_asked(ask)))


@area.page(f"{_ROOT}/studies/{{study}}", Action.VOLUME_OPEN, of="volume")
def retrieve_study(ask: Asked) -> Response:
    """Return all objects of a study as the volume has them."""
    return _files(instances_asked(ask))


@area.page(f"{_ROOT}/studies/{{study}}/series/{{series}}", Action.VOLUME_OPEN, of="volume")
def retrieve_series(ask: Asked) -> Response:
    """Return all objects of a series as the volume has them."""
    return _files(instances_asked(ask))


@area.page(_OBJECT, Action.VOLUME_OPEN, of="volume")
def retrieve(ask: Asked) -> Response:
    """Return an object as the volume has it; in parts, unless ``application/dicom`` itself is asked for."""
    found = instances_asked(ask)
    accepted = ask.request.headers.get("accept", "")
    if DICOM in accepted and "multipart" not in accepted:
        return FileResponse(found[0].path, media_type=DICOM)
    return _files(found)


@area.page(f"{_OBJECT}/frames/{{frames}}", Action.VOLUME_OPEN, of="volume")
def retrieve_frames(ask: Asked, frames: str) -> Response:
    """Return frames as they lie in the file; several numbers are set apart by commas."""
    one = instances_asked(ask)[0]
    numbers = [number(word) or 0 for word in frames.split(",")]
    for wanted in numbers:
        check_frame(one, wanted)
    first = frame_of(one, numbers[0])  # here, so that pixels that cannot be shown are refused before an answer begins
    later = (frame_part(frame_of(one, wanted)) for wanted in numbers[1:])
    return in_parts(first.media_type.partition(";")[0], chain([frame_part(first)], later))


def instances_asked(ask: Ask) -> Sequence[o.Instance]:
    """Return the objects that the path names: a participant's, a study's, a series' or one."""
    named = ask.request.path_params
    found = o.instances_of(opened_volume(ask, named["volume"]), named["participant"])
    found = o.under(found, *(named[level] for level in ("study", "series", "instance") if level in named))
    if ask.token is not None:
        ask.request.app.state.looks.note(ask, named["volume"], named["participant"])
    return found


def _told(found: list[Json]) -> Response:
    return JSONResponse(found, media_type=DICOM_JSON)


def _files(found: Sequence[o.Instance]) -> Response:
    return in_parts(DICOM, (file_part(one.path) for one in found))
