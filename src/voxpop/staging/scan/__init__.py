"""The residual scan: what is left of a person's identity in what was written."""

from voxpop.staging.scan.errors import UnreadableFile
from voxpop.staging.scan.report import Finding, ScanReport
from voxpop.staging.scan.service import scan_files

__all__ = ["Finding", "ScanReport", "UnreadableFile", "scan_files"]
