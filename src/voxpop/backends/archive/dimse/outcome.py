"""What arrived, and whether the archive's last word agrees with it."""

import threading
from collections.abc import Iterable

from pydicom.dataset import Dataset
from pynetdicom.events import Event

from voxpop.dicom.archives import TransferIncomplete, TransferStopped
from voxpop.dicom.landing import Landing

SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700  # PS3.4 B.2.3
WARNING = 0xB000  # PS3.4 C.4.2.1.5: sub-operations complete, one or more failures


class Arrival:
    """The C-STORE handler: writes each data set as the bytes that came, with a file meta before it."""

    def __init__(self) -> None:
        self.landing: Landing | None = None
        self.stored = 0
        self.failure: OSError | None = None
        self._writing = threading.Lock()

    def begin(self, landing: Landing) -> None:
        """Make ready for another series."""
        self.landing = landing
        self.stored = 0
        self.failure = None

    def store(self, event: Event) -> int:
        """Keep one instance and return the C-STORE status."""
        with self._writing:
            if self.landing is None:
                return OUT_OF_RESOURCES
            try:
                self.landing.take(event.encoded_dataset())
            except OSError as error:
                self.failure = error
                return OUT_OF_RESOURCES
            self.stored += 1
            return SUCCESS


def final_status(answers: Iterable[tuple[Dataset, Dataset | None]]) -> int | None:
    """Follow a C-GET or C-MOVE to its end; None where the association ended before."""
    last: int | None = None
    for status, _ in answers:
        last = status.get("Status")
    return last


def judge(archive: str, status: int | None, arrival: Arrival, landing: Landing) -> None:
    """Refuse a transfer that the archive did not end well.

    A warning stands where all that was counted came nevertheless: the landing looks at that.

    Raises
    ------
    TransferStopped
        If the association ended before the transfer did.
    TransferIncomplete
        If the transfer failed, or warned of failures while nobody knows how many there should be.
    OSError
        If what came could not be written.
    """
    if arrival.failure is not None:
        raise arrival.failure
    if status == SUCCESS or (status == WARNING and landing.expected is not None):
        return
    kind = TransferStopped if status is None else TransferIncomplete
    raise kind(archive, arrival.stored, landing.expected)
