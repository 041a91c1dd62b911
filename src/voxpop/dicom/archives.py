"""What goes wrong between us and an archive, in sentences that name the archive and nobody in it.

::

    Unavailable
    ├── ArchiveUnreachable   nobody answers at that address
    ├── AssociationRefused   somebody answers, and does not let us in
    ├── ArchiveFailed        let in, and the answer is an error or not to be read
    ├── TransferIncomplete   fewer instances came than were counted, or the transfer stopped
    │   └── TransferStopped  the connection broke in mid transfer: the fault is the wire's, not the series'
    └── DiskFull             what came found no room
"""

import logging
from collections.abc import Mapping

from pydicom import config

from voxpop.kernel.errors import Invalid, Unavailable

WIRE_LOGGERS = ("pynetdicom", "httpx", "httpcore", "pydicom")


class ArchiveUnreachable(Unavailable):
    """Nobody answers at the archive's address."""

    code = "archive-unreachable"

    def __init__(self, archive: str) -> None:
        super().__init__(f"archive '{archive}' does not answer: check that it runs, and its address and port")
        self.archive = archive


class AssociationRefused(Unavailable):
    """The archive answers, and does not let us in."""

    code = "association-refused"

    def __init__(self, archive: str, asked: str) -> None:
        super().__init__(f"archive '{archive}' refuses {asked}: ask its manager to admit us as we are configured")
        self.archive = archive


class ArchiveFailed(Unavailable):
    """The archive let us in, and its answer is an error or cannot be read."""

    code = "archive-failed"

    def __init__(self, archive: str, what: str) -> None:
        super().__init__(f"archive '{archive}' {what}: try again, or ask its manager")
        self.archive = archive


class TransferIncomplete(Unavailable):
    """Fewer instances came than the archive counted, or the transfer stopped.

    Parameters
    ----------
    counted : int or None
        None where the archive did not say how many there are.
    """

    code = "transfer-incomplete"

    def __init__(self, archive: str, sent: int, counted: int | None) -> None:
        what = f"stopped after {sent}" if counted is None else f"sent {sent} of {counted}"
        super().__init__(f"archive '{archive}' {what} instances of a series: try again, or ask its manager")
        self.archive = archive
        self.sent = sent
        self.counted = counted


class TransferStopped(TransferIncomplete):
    """The connection broke in mid transfer; nothing is known of the series, so it may be whole the next time."""

    code = "transfer-stopped"


class DiskFull(Unavailable):
    """There is no room for what the archive sends."""

    code = "disk-full"

    def __init__(self) -> None:
        super().__init__("the disk of the work folder is full: make room and call again, what is whole is kept")


class WrongSettings(Invalid):
    """An archive's settings cannot be used."""

    code = "wrong-archive-settings"

    def __init__(self, archive: str, what: str) -> None:
        super().__init__(f"archive '{archive}': {what}")
        self.archive = archive


def check_settings(archive: str, settings: Mapping[str, str], needed: frozenset[str], known: frozenset[str]) -> None:
    """Refuse settings that lack a needed key or have one that nobody reads.

    Raises
    ------
    WrongSettings
        Naming the keys.
    """
    unknown = sorted(settings.keys() - known - needed)
    if unknown:
        there_are = ", ".join(sorted(known | needed))
        raise WrongSettings(archive, f"there is no setting {', '.join(unknown)}; there are {there_are}")
    missing = sorted(needed - settings.keys())
    if missing:
        raise WrongSettings(archive, f"setting {', '.join(missing)} is missing")


def seconds(archive: str, settings: Mapping[str, str], default_s: float) -> float:
    """Return the setting ``timeout`` in seconds.

    Raises
    ------
    WrongSettings
        If it is not a number above 0.
    """
    text = settings.get("timeout", str(default_s))
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise WrongSettings(archive, f"setting timeout is not a number of seconds above 0: {text}")
    return value


def port_number(archive: str, settings: Mapping[str, str], key: str, default: int | None = None) -> int:
    """Return a setting that is a port.

    Raises
    ------
    WrongSettings
        If it is not a whole number from 0 to 65535.
    """
    text = settings.get(key, "" if default is None else str(default))
    if not text.isdecimal() or int(text) > 65535:
        raise WrongSettings(archive, f"setting {key} is not a port number: {text}")
    return int(text)


def silence_the_wire() -> None:
    """Keep identity out of logs and warnings: these libraries print URLs, identifiers and values of elements."""
    for name in WIRE_LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False
    # A value that breaks its VR is counted by who needs it; pydicom's warning would print it.
    config.settings.reading_validation_mode = config.IGNORE
