"""DICOM objects of a participant: DICOMweb over those of one volume, and OHIF, which reads it.

One root serves one participant, ``/volumes/{volume}/dicomweb/{participant}``, so that nothing of anybody else can be
asked for there, and only that participant's objects are read. A browser comes with its session, as for any page.
"""

from collections.abc import Sequence
from itertools import chain

from fastapi.responses import FileResponse, JSONResponse, Response

from voxpop.access.permissions import Action
from voxpop.kernel.digests import Json
from voxpop.kernel.errors import Absent
from voxpop.kernel.ids import VolumeId
from voxpop.volume import objects as o
from voxpop.volume.frames import check_frame, frame_of
from voxpop.web.area import Area
from voxpop.web.ask import Ask, Asked, number
from voxpop.web.pages.dicom.ohif import Ohif
from voxpop.web.pages.dicom.parts import DICOM, DICOM_JSON, file_part, frame_part, in_parts, listed
from voxpop.web.pages.volumes import opened_volume

area = Area("dicom")
_ROOT = "/volumes/{volume}/dicomweb/{participant}"
_OBJECT = f"{_ROOT}/studies/{{study}}/series/{{series}}/instances/{{instance}}"
_VIEWER = "/volumes/{volume}/ohif/{participant}"
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval' blob:; worker-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' blob: data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What OHIF's own page may do: it compiles its decoders, runs them in workers, and styles what it draws by itself."""


class ViewerAbsent(Absent):
    """The bank has no OHIF."""

    code = "viewer-absent"

    def __init__(self) -> None:
        super().__init__("this bank has no OHIF viewer: the technical manager can add one, by the setting 'web.ohif'")


@area.page(f"{_ROOT}/studies", Action.VOLUME_OPEN, of="volume")
def search_studies(ask: Asked) -> Response:
    """Search for studies; by ``StudyInstanceUID``, the one key that is looked at."""
    wanted = ask.request.query_params.get("StudyInstanceUID") or ask.request.query_params.get("0020000D")
    return _told(o.studies([one for one in _instances(ask) if wanted in (None, one.uids[0])]))


@area.page(f"{_ROOT}/studies/{{study}}/series", Action.VOLUME_OPEN, of="volume")
def search_series(ask: Asked) -> Response:
    """Search for the series of a study; by ``SeriesInstanceUID``, the one key that is looked at."""
    wanted = ask.request.query_params.get("SeriesInstanceUID") or ask.request.query_params.get("0020000E")
    return _told(o.series_of([one for one in _instances(ask) if wanted in (None, one.uids[1])]))


@area.page(f"{_ROOT}/studies/{{study}}/series/{{series}}/instances", Action.VOLUME_OPEN, of="volume")
def search_instances(ask: Asked) -> Response:
    """Search for the instances of a series."""
    return _told(o.objects(_instances(ask)))


@area.page(f"{_ROOT}/studies/{{study}}/metadata", Action.VOLUME_OPEN, of="volume")
def study_metadata(ask: Asked) -> Response:
    """Return the attributes of all objects of a study."""
    return listed(o.metadata(_instances(ask)))


@area.page(f"{_ROOT}/studies/{{study}}/series/{{series}}/metadata", Action.VOLUME_OPEN, of="volume")
def series_metadata(ask: Asked) -> Response:
    """Return the attributes of all objects of a series."""
    return listed(o.metadata(_instances(ask)))


@area.page(f"{_ROOT}/studies/{{study}}", Action.VOLUME_OPEN, of="volume")
def retrieve_study(ask: Asked) -> Response:
    """Return all objects of a study as the volume has them."""
    return _files(_instances(ask))


@area.page(f"{_ROOT}/studies/{{study}}/series/{{series}}", Action.VOLUME_OPEN, of="volume")
def retrieve_series(ask: Asked) -> Response:
    """Return all objects of a series as the volume has them."""
    return _files(_instances(ask))


@area.page(_OBJECT, Action.VOLUME_OPEN, of="volume")
def retrieve(ask: Asked) -> Response:
    """Return an object as the volume has it; in parts, unless ``application/dicom`` itself is asked for."""
    found = _instances(ask)
    accepted = ask.request.headers.get("accept", "")
    if DICOM in accepted and "multipart" not in accepted:
        return FileResponse(found[0].path, media_type=DICOM)
    return _files(found)


@area.page(f"{_OBJECT}/frames/{{frames}}", Action.VOLUME_OPEN, of="volume")
def retrieve_frames(ask: Asked, frames: str) -> Response:
    """Return frames as they lie in the file; several numbers are set apart by commas."""
    one = _instances(ask)[0]
    numbers = [number(word) or 0 for word in frames.split(",")]
    for wanted in numbers:
        check_frame(one, wanted)
    first = frame_of(one, numbers[0])  # here, so that pixels that cannot be shown are refused before an answer begins
    later = (frame_part(frame_of(one, wanted)) for wanted in numbers[1:])
    return in_parts(first.media_type.partition(";")[0], chain([frame_part(first)], later))


@area.page(_VIEWER, Action.VOLUME_OPEN, of="volume")
def open_viewer(ask: Asked, volume: str, participant: str) -> Response:
    """Open OHIF at a participant's studies."""
    uids = sorted({one.uids[0] for one in _instances(ask)})
    return ask.go(f"/volumes/{volume}/ohif/{participant}/viewer?StudyInstanceUIDs={','.join(uids)}")


@area.page(f"{_VIEWER}/viewer", Action.VOLUME_OPEN, of="volume")
def viewer(ask: Asked, volume: str, participant: str) -> Response:
    """Show OHIF, and write down who looks; what it shows, it asks DICOMweb for."""
    ohif: Ohif | None = ask.request.app.state.ohif
    if ohif is None:
        raise ViewerAbsent
    _instances(ask)
    ask.system.projects.viewed(VolumeId(volume), ask.person, [participant])
    root = f"/volumes/{volume}"
    answer = ask.page(
        "dicom/ohif.html",
        participant=participant,
        script=ohif.script,
        style=ohif.style,
        config={"root": f"{root}/dicomweb/{participant}", "basename": f"{root}/ohif/{participant}"},
    )
    answer.headers["content-security-policy"] = POLICY
    return answer


def _instances(ask: Ask) -> Sequence[o.Instance]:
    """Return the objects that the path names: a participant's, a study's, a series' or one."""
    named = ask.request.path_params
    found = o.instances_of(opened_volume(ask, named["volume"]), named["participant"])
    return o.under(found, *(named[level] for level in ("study", "series", "instance") if level in named))


def _told(found: list[Json]) -> Response:
    return JSONResponse(found, media_type=DICOM_JSON)


def _files(found: Sequence[o.Instance]) -> Response:
    return in_parts(DICOM, (file_part(one.path) for one in found))
