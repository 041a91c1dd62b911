"""What every test may ask for: real parts of the chain, and real DICOM where it lies beside the checkout."""

import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.docker_engine import engine, htcondor_image, image, slurm_image
from tests.infrastructure_manager import manager
from tests.postgres import postgres, program

__all__ = ["engine", "htcondor_image", "image", "manager", "postgres", "slurm_image"]

# How fast examples are made says how busy the machine is, and nothing of the code.
settings.register_profile("voxpop", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("voxpop")

REPO = Path(__file__).resolve().parent.parent
PARTS = {
    "orthanc": "Orthanc",
    "dcmtk": "storescu",
    "docker": "dockerd",
    "docker-registry": "docker-registry",
    "mmdebstrap": "mmdebstrap",
    "infrastructure-manager": str(REPO / ".venv-im" / "bin" / "im_service"),
    "sshpass": "sshpass",
    "dicom3tools": "dciodvfy",
    "bubblewrap": "bwrap",
    "chromium": "chromium",
    "poppler": "pdftotext",
    "postgresql": program("pg_ctl") or "pg_ctl",
    "node": str(Path(sys.executable).with_name("node")),
    "axe-core": str(REPO / "front-end" / "node_modules" / "axe-core" / "axe.min.js"),
    "ohif": str(REPO / "front-end" / "ohif" / "dist" / "index.html"),
    "ansible-lint": str(REPO / ".venv-ansible" / "bin" / "ansible-lint"),
    "roc-validator": str(REPO / ".venv-roc" / "bin" / "rocrate-validator"),
}


def pytest_configure() -> None:
    """Hear Ctrl-C, as the commands do that tests start: a shell lets what it starts in the background ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose real part is missing, and say which; in CI a missing part is a failure."""
    for mark in item.iter_markers("needs"):
        missing = [part for part in mark.args if not _there(PARTS[part])]
        if missing:
            _without(f"needs {', '.join(missing)}: run `make test` as root on Debian, or install it by hand")


def _there(part: str) -> bool:
    return shutil.which(part) is not None or Path(part).is_file()


def _without(sentence: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


@pytest.fixture(scope="session")
def repo() -> Path:
    """Return the root of the checkout."""
    return REPO


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real DICOM beside the checkout."""
    folder = Path(os.environ.get("VOXPOP_TEST_DATA", REPO.parent / "shared" / "data"))
    if not folder.is_dir():
        _without("needs the folder of real DICOM: set VOXPOP_TEST_DATA to it")
    return folder
