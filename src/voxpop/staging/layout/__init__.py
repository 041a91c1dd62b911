"""Where files lie in a volume, and what its tables and sidecars say: BIDS, and MIDS where BIDS has no name."""

from voxpop.staging.layout.errors import NameNotAllowed, SidecarUnreadable
from voxpop.staging.layout.paths import ImageName, view_point
from voxpop.staging.layout.report import counts, write_staging_report
from voxpop.staging.layout.sidecar import safe_sidecar, write_sidecar
from voxpop.staging.layout.tables import (
    Participant,
    Scan,
    write_bidsignore,
    write_dataset_description,
    write_participants,
    write_readme,
    write_scans,
)

__all__ = [
    "ImageName",
    "NameNotAllowed",
    "Participant",
    "Scan",
    "SidecarUnreadable",
    "counts",
    "safe_sidecar",
    "view_point",
    "write_bidsignore",
    "write_dataset_description",
    "write_participants",
    "write_readme",
    "write_scans",
    "write_sidecar",
    "write_staging_report",
]
