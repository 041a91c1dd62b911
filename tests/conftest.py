"""What every test may ask for: real parts of the chain, and real DICOM where it lies beside the checkout."""

import os
import shutil
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent
PARTS = {
    "orthanc": "Orthanc",
    "dcmtk": "storescu",
    "dicom3tools": "dciodvfy",
    "bubblewrap": "bwrap",
    "poppler": "pdftotext",
    "roc-validator": str(REPO / ".venv-roc" / "bin" / "rocrate-validator"),
}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose real part is missing, and say which; in CI a missing part is a failure."""
    for mark in item.iter_markers("needs"):
        missing = [part for part in mark.args if shutil.which(PARTS[part]) is None]
        if missing:
            _without(f"needs {', '.join(missing)}: run `make test` as root on Debian, or install it by hand")


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
