"""DICOM objects of a participant: DICOMweb over those of one volume, and OHIF, which reads it.

One root serves one participant, ``/volumes/{volume}/dicomweb/{participant}``, so that nothing of anybody else can be
asked for there, and only that participant's objects are read. A browser comes with its session, as for any page.
"""

import secrets
from collections.abc import Iterable, Sequence

from fastapi.responses import FileResponse, JSONResponse, Response

from voxpop.access.permissions import Action
from voxpop.kernel.digests import Json
from voxpop.kernel.errors import Absent
from voxpop.kernel.ids import VolumeId
from voxpop.volume import objects as o
from voxpop.volume.frames import frame_of
from voxpop.web.area import Area
from voxpop.web.ask import Ask, Asked, number
from voxpop.web.pages.dicom.ohif import Ohif
from voxpop.web.pages.volumes import opened_volume

area = Area("dicom")
_ROOT = "/volumes/{volume}/dicomweb/{participant}"
_OBJECT = f"{_ROOT}/studies/{{study}}/series/{{series}}/instances/{{instance}}"
_VIEWER = "/volumes/{volume}/ohif/{participant}"
_JSON = "application/dicom+json"
_MOST_FRAMES = 100
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
    return _told(o.metadata(_instances(ask)))


@area.page(f"{_ROOT}/studies/{{study}}/series/{{series}}/metadata", Action.VOLUME_OPEN, of="volume")
def series_metadata(ask: Asked) -> Response:
    """Return the attributes of all objects of a series."""
    return _told(o.metadata(_instances(ask)))


@area.page(_OBJECT, Action.VOLUME_OPEN, of="volume")
def retrieve(ask: Asked) -> Response:
    """Return an object as the volume has it; in parts, unless ``application/dicom`` itself is asked for."""
    one = _instances(ask)[0]
    accepted = ask.request.headers.get("accept", "")
    if "application/dicom" in accepted and "multipart" not in accepted:
        return FileResponse(one.path, media_type="application/dicom")
    return _parts("application/dicom", [("application/dicom", one.path.read_bytes())])


@area.page(f"{_OBJECT}/frames/{{frames}}", Action.VOLUME_OPEN, of="volume")
def retrieve_frames(ask: Asked, frames: str) -> Response:
    """Return frames as they lie in the file; several numbers are set apart by commas."""
    one = _instances(ask)[0]
    numbers = [number(word) or 0 for word in frames.split(",")][:_MOST_FRAMES]
    found = [frame_of(one, wanted) for wanted in numbers]
    return _parts(found[0].media_type.partition(";")[0], [(frame.media_type, frame.pixels) for frame in found])


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
    return JSONResponse(found, media_type=_JSON)


def _parts(kind: str, parts: Iterable[tuple[str, bytes]]) -> Response:
    """Answer in parts (RFC 2387), as PS3.18 has it for what is not JSON."""
    boundary = secrets.token_hex(16)
    body = b"".join(
        b"--%b\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b\r\n"
        % (boundary.encode(), media_type.encode(), len(content), content)
        for media_type, content in parts
    )
    whole = body + b"--%b--\r\n" % boundary.encode()
    return Response(whole, media_type=f'multipart/related; type="{kind}"; boundary={boundary}')
