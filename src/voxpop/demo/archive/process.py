"""The handle on a test archive that serves in its own process, so that it takes no time from the caller's threads."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from voxpop.demo.archive.dicomweb import ROOT
from voxpop.demo.archive.errors import ArchiveDidNotStart, FolderAbsent
from voxpop.demo.archive.model import Faults, Ingest, Order, Ready
from voxpop.demo.archive.serving import serve

START_S = 120.0
STOP_S = 5.0
NO_FAULTS = Faults()


class TestArchive:
    """Folders of DICOM files, served on 127.0.0.1 for as long as a ``with`` block lasts.

    Parameters
    ----------
    folders : sequence of Path
        What is served; read only.
    aet : str
        The archive's AE title.
    workdir : Path
        Where C-STORE keeps what it is sent; served again at the next start.
    faults : Faults
        What goes wrong on purpose.
    destinations : mapping of str to (str, int), optional
        AE title to host and port: where C-MOVE may send.
    """

    __test__: ClassVar[bool] = False
    host: ClassVar[str] = "127.0.0.1"

    def __init__(
        self,
        folders: Sequence[Path],
        *,
        aet: str = "VOXPOPTEST",
        workdir: Path,
        faults: Faults = NO_FAULTS,
        destinations: Mapping[str, tuple[str, int]] | None = None,
    ) -> None:
        self.aet = aet
        self._order = Order(tuple(folders), aet, workdir, faults, dict(destinations or {}))
        self._child: SpawnProcess | None = None
        self._line: Connection | None = None
        self._ready: Ready | None = None

    def __enter__(self) -> Self:
        for number, folder in enumerate(self._order.folders, start=1):
            if not folder.is_dir():
                raise FolderAbsent(number)
        context = get_context("spawn")
        self._line, far = context.Pipe()
        self._child = context.Process(target=serve, args=(self._order, far), name="test archive", daemon=True)
        self._child.start()
        far.close()
        try:
            self._ready = self._line.recv() if self._line.poll(START_S) else None
        except EOFError:
            self._ready = None
        if self._ready is None:
            self._end()
            raise ArchiveDidNotStart
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    @property
    def dicom_port(self) -> int:
        """Port of the DIMSE services."""
        return self._started.dicom_port

    @property
    def http_port(self) -> int:
        """Port of DICOMweb."""
        return self._started.http_port

    @property
    def ingest(self) -> Ingest:
        """What was found in the folders."""
        return self._started.ingest

    @property
    def dicomweb_url(self) -> str:
        """Root of QIDO-RS and WADO-RS."""
        return f"http://{self.host}:{self.http_port}{ROOT}"

    @property
    def pid(self) -> int:
        """Process id of the serving process."""
        assert self._child is not None
        assert self._child.pid is not None
        return self._child.pid

    @property
    def _started(self) -> Ready:
        assert self._ready is not None, "enter the context first"
        return self._ready

    def _end(self) -> None:
        if self._line is not None:
            with suppress(OSError):
                self._line.send("stop")
            self._line.close()
        if self._child is not None:
            self._child.join(STOP_S)
            if self._child.is_alive():
                self._child.kill()
                self._child.join()
        self._line = self._child = None
