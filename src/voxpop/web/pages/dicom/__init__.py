"""OHIF, which shows a participant's DICOM objects in a browser and asks DICOMweb for them."""

from fastapi.responses import Response

from voxpop.access.permissions import Action
from voxpop.kernel.errors import Absent
from voxpop.kernel.ids import VolumeId
from voxpop.web.area import Area
from voxpop.web.ask import Asked
from voxpop.web.pages.dicom.ohif import Ohif
from voxpop.web.pages.dicomweb import instances_asked

area = Area("dicom")
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


@area.page(_VIEWER, Action.VOLUME_OPEN, of="volume")
def open_viewer(ask: Asked, volume: str, participant: str) -> Response:
    """Open OHIF at a participant's studies."""
    uids = sorted({one.uids[0] for one in instances_asked(ask)})
    return ask.go(f"/volumes/{volume}/ohif/{participant}/viewer?StudyInstanceUIDs={','.join(uids)}")


@area.page(f"{_VIEWER}/viewer", Action.VOLUME_OPEN, of="volume")
def viewer(ask: Asked, volume: str, participant: str) -> Response:
    """Show OHIF, and write down who looks; what it shows, it asks DICOMweb for."""
    ohif: Ohif | None = ask.request.app.state.ohif
    if ohif is None:
        raise ViewerAbsent
    instances_asked(ask)
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
