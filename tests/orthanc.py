"""A real Orthanc with its DICOMweb plugin, on loopback and free ports, for as long as a `with` block lasts."""

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
START_S = 60
ATTEMPTS = 3


@dataclass(frozen=True)
class Orthanc:
    """A running Orthanc."""

    http_url: str
    dicomweb_url: str
    dicom_port: int
    aet: str
    host: str = "127.0.0.1"

    def upload(self, files: Iterable[Path | bytes]) -> int:
        """Store DICOM files over REST; returns how many were taken."""
        taken = 0
        with httpx.Client(base_url=self.http_url, timeout=60) as client:
            for file in files:
                content = file if isinstance(file, bytes) else file.read_bytes()
                taken += client.post("/instances", content=content).is_success
        return taken

    def add_destination(self, aet: str, port: int) -> None:
        """Make a C-MOVE destination known."""
        modality = {"AET": aet, "Host": "127.0.0.1", "Port": port}
        httpx.put(f"{self.http_url}/modalities/{aet.lower()}", json=modality).raise_for_status()


def free_port() -> int:
    """Return a port of loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def orthanc(folder: Path, options: Mapping[str, object] | None = None) -> Iterator[Orthanc]:
    """Start Orthanc with its files below ``folder``, wait until it says that it runs, and stop it at the end."""
    for attempt in range(ATTEMPTS):  # another program may take a port between our look and Orthanc's
        server = Orthanc("", "", free_port(), "ORTHANC")
        http_port = free_port()
        child = _start(folder / f"orthanc-{attempt}", http_port, server, options or {})
        if _runs(child):
            break
        _stop(child)
    else:
        raise RuntimeError("Orthanc did not start")
    drain = threading.Thread(target=child.stderr.read, daemon=True)
    drain.start()
    url = f"http://127.0.0.1:{http_port}"
    try:
        yield Orthanc(url, f"{url}/dicom-web", server.dicom_port, server.aet)
    finally:
        _stop(child)


def _start(folder: Path, http_port: int, server: Orthanc, options: Mapping[str, object]) -> "subprocess.Popen[str]":
    folder.mkdir(parents=True)
    configuration = {
        "StorageDirectory": str(folder / "db"),
        "IndexDirectory": str(folder / "db"),
        "HttpPort": http_port,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomPort": server.dicom_port,
        "DicomAet": server.aet,
        "DicomAlwaysAllowEcho": True,
        "DicomAlwaysAllowStore": True,
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True,
        "DicomAlwaysAllowMove": True,
        "DefaultEncoding": "Utf8",
        "Plugins": [str(PLUGIN)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    } | dict(options)
    file = folder / "orthanc.json"
    file.write_text(json.dumps(configuration))
    program = shutil.which("Orthanc")
    if program is None:
        raise RuntimeError("needs Debian's packages orthanc and orthanc-dicomweb")
    return subprocess.Popen(
        [program, str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )


def _runs(child: "subprocess.Popen[str]") -> bool:
    """Read its log until it says that it has started, or ends."""
    limit = threading.Timer(START_S, child.kill)
    limit.start()
    try:
        return any("Orthanc has started" in line for line in iter(child.stderr.readline, ""))
    finally:
        limit.cancel()


def _stop(child: "subprocess.Popen[str]") -> None:
    child.terminate()
    try:
        child.wait(timeout=20)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
