"""What the test archive takes in, what it leaves out, and the faults it can be told to have."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.dataset import Dataset

MOST_DELAY_S = 2.0


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that the archive does not serve, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Ingest:
    """What the archive found in its folders."""

    instances: int
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class Instance:
    """A served file.

    Parameters
    ----------
    header : Dataset
        The elements that can be asked for; no pixels.
    transfer_syntax : str
        As the file says; nothing is ever re-encoded.
    """

    path: Path
    study: str
    series: str
    uid: str
    sop_class: str
    transfer_syntax: str
    header: Dataset


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong on purpose.

    Parameters
    ----------
    refuse_association : bool
        Every association is rejected.
    unavailable : bool
        Every DICOMweb request is answered with 503.
    stop_after : int or None
        Instances of one retrieval after which the connection is cut.
    send_fewer : int
        Instances that a retrieval leaves out without a word, so that more are counted than sent.
    delay_s : float
        Wait before each instance and each query; at most ``MOST_DELAY_S``.
    """

    refuse_association: bool = False
    unavailable: bool = False
    stop_after: int | None = None
    send_fewer: int = 0
    delay_s: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "delay_s", min(max(self.delay_s, 0.0), MOST_DELAY_S))


@dataclass(frozen=True, slots=True)
class Order:
    """All that the serving process needs to know; it is sent to it.

    Parameters
    ----------
    destinations : mapping of str to (str, int)
        AE title to host and port: where C-MOVE may send.
    """

    folders: tuple[Path, ...]
    aet: str
    workdir: Path
    faults: Faults
    destinations: Mapping[str, tuple[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ready:
    """What the serving process answers when it serves."""

    dicom_port: int
    http_port: int
    ingest: Ingest
