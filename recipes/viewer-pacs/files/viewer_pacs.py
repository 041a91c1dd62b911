#!/usr/bin/python3
"""Start Orthanc on this machine's own address, with its images in a folder.

viewer-pacs [FOLDER]     # until it is interrupted; ~/viewer-pacs where no folder is named
viewer-pacs --check      # start it on an empty folder, ask its DICOMweb, and end it
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ORTHANC = "/usr/sbin/Orthanc"
SETTINGS = Path("/etc/orthanc")
USED = ("orthanc.json", "dicomweb.json")
PATIENCE_S = 60.0


def start(folder: Path, settings: Path) -> "subprocess.Popen[bytes]":
    """Start Orthanc; it reads two of Debian's files, and not those that its service's account alone may read."""
    for name in USED:
        (settings / name).symlink_to(SETTINGS / name)
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "VIEWER_PACS_FOLDER": str(folder)}
    return subprocess.Popen([ORTHANC, str(settings)], env=environment)


def check() -> int:
    """Say whether an archive that was just started answers a DICOMweb query."""
    found = re.search(r'"HttpPort": (\d+)', (SETTINGS / USED[0]).read_text(encoding="utf-8"))
    if not found:
        print("viewer-pacs: its settings name no port", file=sys.stderr)
        return 1
    address = f"http://127.0.0.1:{found[1]}/dicom-web/studies"
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as settings:
        archive = start(Path(folder), Path(settings))
        try:
            answer = _asked(address, archive)
        finally:
            archive.terminate()
            archive.wait()
    if answer != []:
        print("viewer-pacs: an empty archive does not answer DICOMweb as one", file=sys.stderr)
        return 1
    print(f"DICOMweb answers at {address}")
    return 0


def _asked(address: str, archive: "subprocess.Popen[bytes]") -> object:
    until = time.monotonic() + PATIENCE_S
    while archive.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return json.load(answer)
        except OSError:
            time.sleep(0.2)
    return None


def main(arguments: list[str]) -> int:
    """Start it, or check it."""
    if arguments == ["--check"]:
        return check()
    if len(arguments) > 1 or (arguments and arguments[0].startswith("-")):
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(arguments[0]) if arguments else Path.home() / "viewer-pacs"
    with tempfile.TemporaryDirectory() as settings:
        archive = start(folder, Path(settings))
        try:
            return archive.wait()
        except KeyboardInterrupt:
            return archive.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
