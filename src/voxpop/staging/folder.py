"""The use case behind ``voxpop deid``: a folder of files, by the code of staging, with the residual scan."""

from pathlib import Path

from voxpop.staging.deid import FolderReport, Profile, deid_folder
from voxpop.staging.errors import IdentityLeft
from voxpop.staging.identity import Identity
from voxpop.staging.scan import scan_files


def deidentified_folder(source: Path, target: Path, profile: Profile, secret: bytes, project: str) -> FolderReport:
    """De-identify every DICOM file of a folder tree; a series in which the residual scan finds anything is refused.

    Raises
    ------
    Invalid
        If the folders cannot be used.
    """
    return deid_folder(source, target, profile, secret, project, _nothing_left)


def _nothing_left(series: Path, identity: Identity, days: int) -> None:
    report = scan_files(sorted(series.iterdir()), identity, shift_days=days)
    if not report.clean:
        raise IdentityLeft(report.reason)
