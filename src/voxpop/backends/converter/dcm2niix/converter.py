"""The converter of staging, by the ``dcm2niix`` program that the PyPI wheel brings."""

import shutil
import struct
from functools import cache
from importlib.metadata import version as wheel_version
from importlib.resources import files
from pathlib import Path

from voxpop.backends import process
from voxpop.backends.converter.dcm2niix.errors import ConversionRefused
from voxpop.backends.converter.dcm2niix.messages import EXIT_REASONS, refusal_of, warnings_of
from voxpop.staging.model import Conversion, Converted

_STEM = "image"
_TIMEOUT_S = 3600.0
_OPTIONS = (
    # -g i: a defaults file in somebody's home must not change what comes out.
    *("-g", "i"),
    *("-b", "y", "-ba", "y"),
    *("-z", "n"),
    *("-w", "2"),
    *("-d", "0"),
    *("-f", _STEM),
)
_NIFTI_DIM = struct.Struct("<8h")
_NIFTI_DIM_OFFSET = 40  # nifti1.h, ``short dim[8]``


class Dcm2niix:
    """Convert one series to uncompressed NIfTI with BIDS sidecars.

    Parameters
    ----------
    program : str, optional
        Another ``dcm2niix`` than the wheel's.
    """

    def __init__(self, program: str | None = None) -> None:
        self._program = program or _bundled()

    def version(self) -> str:
        """Return name and version of the tool."""
        return _version(self._program)

    def convert(self, dicom: Path, into: Path) -> Conversion:
        """Convert a series that lies alone in a folder.

        Parameters
        ----------
        dicom : Path
            De-identified objects of one series, and nothing else.
        into : Path
            Gets ``image.nii`` and ``image.json``, or several with a suffix; what lay there under these names goes.

        Returns
        -------
        Conversion
            The files, the one with the truest geometry first: of a series with gantry tilt or uneven slice distances
            that is the corrected one (suffix ``Tilt_Eq_1``, ``Tilt_1`` or ``Eq_1``), and the raw stack (no suffix)
            comes after it. Several echoes, phases or slice groups come as ``e2``, ``ph``, ``a`` and so on.

        Raises
        ------
        ConversionRefused
            If nothing was converted, or not everything.
        ToolMissing
            If the program is not there.
        """
        workplace = into / ".converting"
        shutil.rmtree(workplace, ignore_errors=True)
        workplace.mkdir(parents=True)
        finished = process.run([self._program, *_OPTIONS, "-o", str(workplace), str(dicom)], timeout_s=_TIMEOUT_S)
        written = sorted(workplace.glob("*.nii"))
        if finished.exit_code in EXIT_REASONS or finished.exit_code < 0 or not written:
            shutil.rmtree(workplace)
            raise ConversionRefused(refusal_of(finished))
        for old in into.glob(f"{_STEM}*"):
            old.unlink()
        converted = sorted((_moved(nifti, into) for nifti in written), key=_by_geometry)
        shutil.rmtree(workplace)
        return Conversion(tuple(converted), warnings_of(finished))


def open_converter() -> Dcm2niix:
    """Return the converter with the wheel's own program."""
    return Dcm2niix()


def _bundled() -> str:
    # The wheel carries the program beside its module.
    return str(files("dcm2niix") / "dcm2niix")


@cache
def _version(program: str) -> str:
    said = process.run([program, "--version"]).stdout.split()
    words = [word for word in said if word.startswith("v") and word[1:2].isdigit()]
    return f"dcm2niix {words[0] if words else wheel_version('dcm2niix')}"


def _moved(nifti: Path, into: Path) -> Converted:
    sidecar = into / f"{nifti.stem}.json"
    # Corrected images come without a sidecar of their own; the raw stack's says the same of them.
    source = next((file for file in _sidecars(nifti) if file.is_file()), None)
    if source is None:
        raise ConversionRefused("the tool wrote no sidecar")
    shutil.copyfile(source, sidecar)
    target = nifti.replace(into / nifti.name)
    return Converted(target, sidecar, _slices(target), nifti.stem.removeprefix(_STEM).strip("_"))


def _sidecars(nifti: Path) -> list[Path]:
    parts = nifti.stem.split("_")
    return [nifti.with_name("_".join(parts[:length]) + ".json") for length in range(len(parts), 0, -1)]


def _slices(nifti: Path) -> int:
    with nifti.open("rb") as stream:
        stream.seek(_NIFTI_DIM_OFFSET)
        dim = _NIFTI_DIM.unpack(stream.read(_NIFTI_DIM.size))
    return int(dim[3])


def _by_geometry(file: Converted) -> tuple[bool, str]:
    corrected = any(mark in file.suffix.split("_") for mark in ("Tilt", "Eq"))
    return (not corrected, file.suffix)
