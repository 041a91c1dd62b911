"""The names of files in a volume."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from voxpop.kernel.ids import ParticipantLabel
from voxpop.kernel.imaging import SOURCE
from voxpop.staging.layout.errors import NameNotAllowed

_LABEL = re.compile(r"[0-9A-Za-z]+\Z")
_NOT_ALPHANUMERIC = re.compile(r"[^0-9a-z]+")
_HEAD: Final = frozenset({"head", "brain", "skull"})
_WHOLE: Final = "unspecified"
_VIEWS: Final = ("sag", "cor", "ax")
_COSINES: Final = 6


@dataclass(frozen=True, slots=True)
class ImageName:
    """The name of one CT image.

    Parameters
    ----------
    participant : ParticipantLabel
    session : str
        Letters and digits.
    run : int
        From 1, within the session.
    body_part : str
        As the object says it; empty where it does not.
    view : str
        ``ax``, ``sag`` or ``cor``.

    Raises
    ------
    NameNotAllowed
        If a label holds anything but letters and digits, the run is below 1, or the view is another.

    Notes
    -----
    MIDS: a head CT lies in ``ct/``, another part of the body in ``mim-rx/ct/`` with ``bp-`` and ``vp-`` in its name.
    """

    participant: ParticipantLabel
    session: str
    run: int = 1
    body_part: str = ""
    view: str = "ax"

    def __post_init__(self) -> None:
        for entity, label in (("participant", self.participant), ("session", self.session)):
            if not _LABEL.match(label):
                raise NameNotAllowed(entity)
        if self.run < 1:
            raise NameNotAllowed("run")
        if self.view not in _VIEWS:
            raise NameNotAllowed("view point")

    @property
    def session_folder(self) -> PurePosixPath:
        """The folder of the session."""
        return PurePosixPath(f"sub-{self.participant}", f"ses-{self.session}")

    @property
    def objects(self) -> PurePosixPath:
        """The folder of the de-identified objects; BIDS leaves what lies in ``sourcedata/`` alone."""
        return PurePosixPath(SOURCE) / self.session_folder / f"run-{self.run}"

    @property
    def image(self) -> PurePosixPath:
        """The compressed image, relative to the volume's root."""
        return self._file(".nii.gz")

    @property
    def sidecar(self) -> PurePosixPath:
        """The image's sidecar, relative to the volume's root."""
        return self._file(".json")

    @property
    def part(self) -> str:
        """The part of the body as the name writes it: lower-case letters and digits."""
        return _NOT_ALPHANUMERIC.sub("", self.body_part.casefold()) or _WHOLE

    def _file(self, ending: str) -> PurePosixPath:
        stem = f"sub-{self.participant}_ses-{self.session}_run-{self.run}"
        if self.part in _HEAD:
            return self.session_folder / "ct" / f"{stem}_ct{ending}"
        return self.session_folder / "mim-rx" / "ct" / f"{stem}_bp-{self.part}_vp-{self.view}_ct{ending}"


def view_point(orientation: Sequence[float]) -> str:
    """Tell the plane of an image from (0020,0037).

    Parameters
    ----------
    orientation : sequence of 6 float
        Direction cosines of a row and a column, LPS+.

    Returns
    -------
    str
        ``ax``, ``sag`` or ``cor``: the axis that the image's normal is nearest to; ``ax`` where it cannot be told.
    """
    if len(orientation) != _COSINES:
        return "ax"
    (a, b, c), (d, e, f) = orientation[:3], orientation[3:]
    normal = (b * f - c * e, c * d - a * f, a * e - b * d)
    sizes = [abs(part) for part in normal]
    return _VIEWS[sizes.index(max(sizes))] if any(sizes) else "ax"
