"""The archive's two faces: the catalogue that is harvested, and the source that staging retrieves from."""

import ssl
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Protocol

from pynetdicom.presentation import build_context
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined] # pynetdicom makes these names at import

from voxpop.backends.archive.dimse.find import studies
from voxpop.backends.archive.dimse.get import Get
from voxpop.backends.archive.dimse.move import Move
from voxpop.backends.archive.dimse.peer import Peer
from voxpop.dicom.archives import (
    ArchiveFailed,
    WrongSettings,
    check_settings,
    port_number,
    seconds,
    silence_the_wire,
)
from voxpop.dicom.landing import Landing
from voxpop.dicom.listing import Listing
from voxpop.kernel.imaging import Study
from voxpop.staging.model import SeriesRequest

NEEDED = frozenset({"host", "port", "aet"})
KNOWN = frozenset(
    {"calling_aet", "retrieve", "move_aet", "move_port", "timeout", "tls", "ca_file", "cert_file", "key_file"}
)
CALLING_AET = "VOXPOP"
TIMEOUT_S = 600.0  # a study that comes from tape is silent for minutes
SUCCESS = 0x0000


class Retrieval(Protocol):
    """C-GET or C-MOVE."""

    def fetch(self, request: SeriesRequest, landing: Landing) -> None:
        """Bring a series' instances into the landing."""
        ...

    def close(self) -> None:
        """Give back what it holds open."""
        ...


class DimseArchive:
    """C-FIND for the catalogue, C-GET or C-MOVE for the images.

    Parameters
    ----------
    peer : Peer
        The archive's address.
    retrieval : Retrieval
        How series are fetched.
    """

    def __init__(self, peer: Peer, retrieval: Retrieval) -> None:
        self._peer = peer
        self._retrieval = retrieval
        self._listing = Listing(peer.archive)

    @property
    def name(self) -> str:
        """The archive's configured name."""
        return self._peer.archive

    @property
    def odd(self) -> Mapping[str, int]:
        """Wrong or missing answers so far, counted by kind."""
        return self._listing.odd

    def echo(self) -> None:
        """Send C-ECHO; raises ``Unavailable`` if nobody answers or the answer is an error."""
        with self._peer.association([build_context(Verification)], "C-ECHO") as association:
            status = association.send_c_echo()
            if status.get("Status") != SUCCESS:
                raise ArchiveFailed(self.name, "does not answer C-ECHO with success")

    def studies(self, since: date | None = None, until: date | None = None) -> Iterator[Study]:
        """List studies, each with its series; a listing that cannot be complete is an error."""
        return studies(self._peer, self._listing, since, until)

    def retrieve(self, request: SeriesRequest, into: Path) -> int:
        """Fetch a series as it is stored there.

        Raises
        ------
        Unavailable
            If the archive does not answer, refuses the association, stops in mid transfer, or sends fewer
            instances than it counted.
        """
        landing = Landing(self.name, request.series, request.instances, into)
        kept = landing.kept()
        if kept is not None:
            return kept
        with landing.open():
            self._retrieval.fetch(request, landing)
        return landing.kept() or 0

    def close(self) -> None:
        """Give back what it holds open; it may be used again."""
        self._retrieval.close()


def open_archive(name: str, settings: Mapping[str, str]) -> DimseArchive:
    """Open an archive by its settings; nothing is sent yet.

    Parameters
    ----------
    settings : mapping
        ``host``, ``port``, ``aet`` (the archive's); ``calling_aet`` (VOXPOP), ``retrieve`` (``get`` or ``move``),
        for move ``move_aet`` (the calling AE title) and ``move_port``, where the archive's configuration finds us;
        ``timeout`` (seconds of silence, 600); ``tls`` (``yes`` or ``no``), ``ca_file``, ``cert_file``, ``key_file``.

    Raises
    ------
    Invalid
        If a setting is missing, unknown or cannot be used.
    """
    silence_the_wire()
    check_settings(name, settings, NEEDED, KNOWN)
    peer = Peer(
        archive=name,
        host=settings["host"],
        port=port_number(name, settings, "port"),
        aet=_title(name, settings, "aet", ""),
        calling_aet=_title(name, settings, "calling_aet", CALLING_AET),
        timeout_s=seconds(name, settings, TIMEOUT_S),
        tls=_tls(name, settings),
    )
    return DimseArchive(peer, _retrieval(peer, settings))


def _retrieval(peer: Peer, settings: Mapping[str, str]) -> Retrieval:
    way = settings.get("retrieve", "get")
    if way == "get":
        return Get(peer)
    if way != "move":
        raise WrongSettings(peer.archive, f"setting retrieve is neither get nor move: {way}")
    return Move(
        peer,
        _title(peer.archive, settings, "move_aet", peer.calling_aet),
        port_number(peer.archive, settings, "move_port", 0),
    )


def _title(name: str, settings: Mapping[str, str], key: str, default: str) -> str:
    title = settings.get(key, default).strip()
    if not (0 < len(title) <= 16 and title.isascii() and title.isprintable() and "\\" not in title):
        raise WrongSettings(name, f"setting {key} is no AE title of 1 to 16 characters")  # PS3.5 6.2, VR AE
    return title


def _tls(name: str, settings: Mapping[str, str]) -> ssl.SSLContext | None:
    wanted = settings.get("tls", "yes" if "ca_file" in settings else "no")
    if wanted not in {"yes", "no"}:
        raise WrongSettings(name, f"setting tls is neither yes nor no: {wanted}")
    if wanted == "no":
        return None
    try:
        context = ssl.create_default_context(cafile=settings.get("ca_file"))
        if "cert_file" in settings:
            context.load_cert_chain(settings["cert_file"], settings.get("key_file"))
    except (OSError, ssl.SSLError) as error:
        raise WrongSettings(name, "a file of ca_file, cert_file or key_file is no PEM certificate or key") from error
    return context
