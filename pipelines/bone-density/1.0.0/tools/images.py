"""CT images as arrays whose axes point right, anterior, superior (RAS), and labels back on the image's own grid."""

import gzip
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]

AIR_HU = -1024.0
"""What a scanner writes for air; lower values are padding."""


class Unusable(Exception):
    """An image that cannot be measured; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Image:
    """One CT scan.

    Parameters
    ----------
    hu : (x, y, z) array, HU
        Axes point right, anterior, superior.
    affine : (4, 4) array, mm
        Voxel indices of ``hu`` to RAS+ millimetres.
    spacing_mm : (3,) array, mm
    native : nibabel image
        As it was read; labels are written on its grid.
    """

    hu: Array
    affine: Array
    spacing_mm: Array
    native: Any


def read_image(path: Path) -> Image:
    """Read a NIfTI CT and turn its axes to RAS+.

    Raises
    ------
    Unusable
        If the file is no three-dimensional CT volume on a rectangular grid.
    """
    try:
        nib = nibabel()
        native = nib.load(path)
        if len(native.shape) != 3 or native.get_data_dtype().fields is not None:
            raise Unusable("the image is no three-dimensional grey-value volume")
        turned = nib.as_closest_canonical(native)
        hu = np.asanyarray(turned.dataobj)
    except Unusable:
        raise
    except Exception as broken:  # nibabel lets errors of gzip, zlib, struct and its own through
        raise Unusable("the image cannot be read") from broken
    affine = np.asarray(turned.affine, dtype=float)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    _refuse_unusable(hu, affine, spacing)
    return Image(hu, affine, spacing, native)


def write_labels(labels: Array, image: Image, path: Path) -> None:
    """Write labels on the grid of the image as it was read; the same labels give the same bytes.

    Parameters
    ----------
    labels : (x, y, z) array of uint8
        On the RAS grid of ``image.hu``.
    """
    nib = nibabel()
    turns = nib.orientations
    back = turns.ornt_transform(turns.axcodes2ornt(("R", "A", "S")), turns.io_orientation(image.native.affine))
    native = np.ascontiguousarray(turns.apply_orientation(labels, back))
    written = nib.Nifti1Image(native, image.native.affine, dtype=np.uint8)
    written.header.set_xyzt_units("mm")
    with path.open("wb") as stream, gzip.GzipFile("", "wb", compresslevel=6, fileobj=stream, mtime=0) as packed:
        packed.write(written.to_bytes())


def nibabel() -> Any:
    """Return the library nibabel, which carries no types and is slow to load."""
    unwanted = "pydicom" not in sys.modules
    if unwanted:  # nibabel loads it for formats that are not read here, and that takes longer than all the rest
        sys.modules["pydicom"] = cast("ModuleType", None)
    try:
        import nibabel as library
    finally:
        if unwanted:
            sys.modules.pop("pydicom", None)
    return library


def stem_of(path: Path) -> str:
    """Return a NIfTI file's name without its endings."""
    return path.name.removesuffix(".gz").removesuffix(".nii")


def _refuse_unusable(hu: Array, affine: Array, spacing: Array) -> None:
    if min(hu.shape) < 2:
        raise Unusable("the image is a single slice")
    if not np.isfinite(spacing).all() or spacing.min() <= 0:
        raise Unusable("the image's spacing is not known")
    axes = affine[:3, :3] / spacing
    if np.abs(axes.T @ axes - np.eye(3)).max() > 0.02:
        raise Unusable("the image's slices are sheared (gantry tilt)")
    if np.abs(np.abs(axes).max(axis=0) - 1).max() > 0.1:
        raise Unusable("the image's slices are more than 25 degrees off the body's axes")
    if hu.min() > -500:
        raise Unusable("the image holds no air: it is not in Hounsfield units")
