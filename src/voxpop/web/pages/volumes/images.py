"""Which images a participant has, and which results of runs lie over them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import quote

from voxpop.access.permissions import Action
from voxpop.run.states import RunState
from voxpop.volume.model import Volume
from voxpop.volume.seal import manifest_of
from voxpop.web.ask import Ask

NIFTI = ".nii.gz"
_LABELS = "labels"


@dataclass(frozen=True, slots=True)
class Shown:
    """An image and what lies over it.

    Parameters
    ----------
    url, overlay_url : str
        Where the browser gets them; the second is empty where no run has segmented it.
    """

    name: str
    url: str
    overlay_name: str = ""
    overlay_url: str = ""

    def for_viewer(self) -> dict[str, object]:
        """Return what the viewer's page says of it."""
        overlay = {"url": self.overlay_url, "name": self.overlay_name} if self.overlay_url else None
        return {"url": self.url, "name": self.name, **({"overlay": overlay} if overlay else {})}


def images_of(volume: Volume, participant: str, overlays: Mapping[str, str]) -> list[Shown]:
    """Return a participant's images, by path; of a participant who is not in the volume, none."""
    found = []
    for path in sorted(manifest_of(volume.path)):
        if path.startswith(f"{participant}/") and path.endswith(NIFTI):
            stem = PurePosixPath(path).name.removesuffix(NIFTI)
            overlay = overlays.get(stem, "")
            url = f"/volumes/{quote(volume.id)}/files/{quote(path)}"
            found.append(Shown(PurePosixPath(path).name, url, PurePosixPath(overlay).name, overlay))
    return found


def overlays_of(ask: Ask, volume: Volume) -> dict[str, str]:
    """Return where the segmentations of the newest finished run over a volume are, by the image's name."""
    if not ask.may(Action.RESULT_READ, volume.application):
        return {}
    runs = ask.system.run_records.of_application(volume.application)
    done = [run for run in runs if run.volume == volume.id and run.state is RunState.DONE and run.repeats is None]
    if not done:
        return {}
    files = ask.system.result_records.of_run(done[-1].id)
    return {
        PurePosixPath(one.path).name.removesuffix(f"_{_LABELS}{NIFTI}"): f"/results/{done[-1].id}/files/{one.path}"
        for one in files
        if one.kind == _LABELS and one.path.endswith(f"_{_LABELS}{NIFTI}")
    }
