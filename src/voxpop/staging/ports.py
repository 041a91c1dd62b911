"""What staging needs from outside."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from voxpop.kernel.ids import CohortId, VolumeId
from voxpop.staging.model import Conversion, SeriesOutcome, SeriesRequest, StudyOrder, StudyOutcome


class Archive(Protocol):
    """An archive that gives a series (WADO-RS, C-GET, C-MOVE, a folder).

    Safe to call again after a kill: what lies in the folder and is whole is kept.
    """

    @property
    def name(self) -> str:
        """The archive's configured name."""
        ...

    def retrieve(self, request: SeriesRequest, into: Path) -> int:
        """Write the instances of a series as ``0001.dcm``, ... and return how many there are.

        Raises
        ------
        Unavailable
            If the archive does not answer, refuses the association, stops in mid transfer, or sends fewer
            instances than it counted.
        """
        ...


class Converter(Protocol):
    """DICOM to NIfTI."""

    def version(self) -> str:
        """Return name and version of the tool."""
        ...

    def convert(self, dicom: Path, into: Path) -> Conversion:
        """Convert one series that lies alone in a folder; raises ``Refused`` with the tool's reason."""
        ...


class StagingRecords(Protocol):
    """Where outcomes are kept, so that a killed staging goes on; nothing here is identity."""

    def series_done(self, volume: VolumeId, ordinal: int, series: int) -> SeriesOutcome | None:
        """Return what became of a series, or None if it was not finished."""
        ...

    def series_finished(self, volume: VolumeId, ordinal: int, outcome: SeriesOutcome) -> None:
        """Keep a series' outcome; the same again is silent."""
        ...

    def study_finished(self, volume: VolumeId, outcome: StudyOutcome) -> None:
        """Keep a study's outcome; the same again is silent."""
        ...

    def outcomes(self, volume: VolumeId) -> Sequence[StudyOutcome]:
        """Return the studies finished so far, by ordinal."""
        ...


class Orders(Protocol):
    """The frozen list, opened for staging; an access to identity."""

    def orders(self, cohort: CohortId) -> Sequence[StudyOrder]:
        """Return the studies to stage, by ordinal."""
        ...


class CompressedFile(Protocol):
    """A compressed file as written."""

    @property
    def sha256(self) -> str:
        """Digest of the compressed file."""
        ...

    @property
    def bytes(self) -> int:
        """Size of the compressed file."""
        ...


class Compressor(Protocol):
    """Gzip that gives the same bytes for the same content."""

    def __call__(self, source: Path, target: Path) -> CompressedFile:
        """Compress ``source`` to ``target``, written whole or not at all."""
        ...
