"""The archive's two faces: the catalogue that is harvested, and the source that staging retrieves from."""

import re
import ssl
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import httpx

from voxpop.backends.archive.dicomweb.multipart import BrokenMultipart, InstanceParts, boundary_of
from voxpop.backends.archive.dicomweb.query import Query
from voxpop.backends.archive.dicomweb.wire import Wire
from voxpop.dicom.archives import (
    ArchiveFailed,
    TransferIncomplete,
    TransferStopped,
    WrongSettings,
    check_settings,
    seconds,
    silence_the_wire,
)
from voxpop.dicom.landing import Landing
from voxpop.dicom.listing import Listing
from voxpop.kernel.ids import SeriesUID, StudyUID
from voxpop.kernel.imaging import Study
from voxpop.staging.model import SeriesRequest

KNOWN = frozenset({"user", "password_file", "token_file", "ca_file", "timeout"})
TIMEOUT_S = 120.0
CONNECT_S = 10.0
CHUNK = 1 << 20  # bytes

# PS3.18 8.7.3.3.2: without transfer-syntax=* a server must re-encode to Explicit VR Little Endian.
AS_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*'
AS_ANY = 'multipart/related; type="application/dicom"'
NOT_ACCEPTABLE = 406
TRANSFER_SYNTAX = re.compile(r"transfer-syntax=\"?([0-9.]+)")


class DicomwebArchive:
    """QIDO-RS and WADO-RS over one connection pool.

    Parameters
    ----------
    name : str
        The archive's configured name.
    client : httpx.Client
        With base URL, credentials, certificates and time-outs.
    """

    def __init__(self, name: str, client: httpx.Client) -> None:
        self._wire = Wire(name, client)
        self._listing = Listing(name)

    @property
    def name(self) -> str:
        """The archive's configured name."""
        return self._wire.archive

    @property
    def odd(self) -> Mapping[str, int]:
        """Wrong or missing answers so far, counted by kind."""
        return self._listing.odd

    def echo(self) -> None:
        """Ask for one study; raises ``Unavailable`` if nobody answers or the answer is an error."""
        self._wire.answers("studies", {"limit": "1"})

    def studies(self, since: date | None = None, until: date | None = None) -> Iterator[Study]:
        """List studies, each with its series; a listing that cannot be complete is an error."""
        return Query(self._wire, self._listing).studies(since, until)

    def retrieve(self, request: SeriesRequest, into: Path) -> int:
        """Fetch a series as it is stored there.

        Raises
        ------
        Unavailable
            If the archive does not answer, stops in mid transfer, or sends fewer instances than it counted.
        """
        landing = Landing(self.name, request.series, request.instances, into)
        kept = landing.kept()
        if kept is not None:
            return kept
        with landing.open():
            self._fetch(request.study, request.series, landing)
        return landing.kept() or 0

    def _fetch(self, study: StudyUID, series: SeriesUID, landing: Landing) -> None:
        path = f"studies/{study}/series/{series}"
        for accept in (AS_STORED, AS_ANY):
            with self._wire.stream(path, accept) as response:
                if response.status_code == NOT_ACCEPTABLE and accept is AS_STORED:
                    continue
                if response.status_code == httpx.codes.NOT_FOUND:
                    raise TransferIncomplete(self.name, 0, landing.expected)
                self._wire.check(response)
                self._receive(response, landing)
                return

    def _receive(self, response: httpx.Response, landing: Landing) -> None:
        kind = response.headers.get("Content-Type", "")
        try:
            if kind.lower().startswith("multipart/related"):
                parts = InstanceParts(boundary_of(kind), landing)
                for chunk in response.iter_bytes(CHUNK):
                    parts.feed(chunk)
                parts.end()
            elif kind.lower().startswith("application/dicom") and "json" not in kind.lower():
                with landing.next_part().open("wb") as sink:
                    for chunk in response.iter_bytes(CHUNK):
                        sink.write(chunk)
            else:
                raise ArchiveFailed(self.name, "answered a retrieval with something that is no DICOM")
        except (BrokenMultipart, httpx.RequestError) as error:
            kind = TransferStopped if isinstance(error, httpx.RequestError) else TransferIncomplete
            raise kind(self.name, max(landing.parts - 1, 0), landing.expected) from error


def open_archive(name: str, settings: Mapping[str, str]) -> DicomwebArchive:
    """Open an archive by its settings; nothing is sent yet.

    Parameters
    ----------
    settings : mapping
        ``url`` (the DICOMweb root), and, if needed, ``user`` with ``password_file``, or ``token_file``; ``ca_file``
        (PEM) and ``timeout`` (seconds between two answers, 120).

    Raises
    ------
    Invalid
        If a setting is missing, unknown, or names a file that cannot be read.
    """
    silence_the_wire()
    check_settings(name, settings, frozenset({"url"}), KNOWN)
    url = settings["url"]
    if not url.startswith(("http://", "https://")):
        raise WrongSettings(name, "setting url does not begin with http:// or https://")
    headers = {"Accept-Encoding": "identity"}  # gzip on the way costs a server thirty times the time
    if "token_file" in settings:
        headers["Authorization"] = f"Bearer {_secret(name, settings, 'token_file')}"
    client = httpx.Client(
        base_url=url.rstrip("/") + "/",
        headers=headers,
        auth=_credentials(name, settings),
        verify=_certificates(name, settings),
        timeout=httpx.Timeout(seconds(name, settings, TIMEOUT_S), connect=CONNECT_S),
        follow_redirects=False,  # an archive that moves is configured anew: credentials go to no other host
        trust_env=False,
    )
    return DicomwebArchive(name, client)


def _credentials(name: str, settings: Mapping[str, str]) -> httpx.BasicAuth | None:
    if ("user" in settings) != ("password_file" in settings):
        raise WrongSettings(name, "settings user and password_file go together")
    if "user" not in settings:
        return None
    return httpx.BasicAuth(settings["user"], _secret(name, settings, "password_file"))


def _secret(name: str, settings: Mapping[str, str], key: str) -> str:
    try:
        return Path(settings[key]).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongSettings(name, f"the file of setting {key} cannot be read: check its path and its rights") from error


def _certificates(name: str, settings: Mapping[str, str]) -> ssl.SSLContext | bool:
    if not settings["url"].startswith("https://"):
        return False
    try:
        return ssl.create_default_context(cafile=settings.get("ca_file"))
    except (OSError, ssl.SSLError) as error:
        raise WrongSettings(name, "the file of setting ca_file is no PEM certificate") from error
