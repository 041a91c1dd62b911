"""Measure how good CT scans are, one row an image.

image-quality IMAGE.nii.gz ... > quality.tsv
image-quality --check     # measure a phantom whose noise is known

noise_hu      the standard deviation that most soft tissue has within a slice (mode over windows of about 6 mm)
voxel_mm      in the plane; slice_mm is from slice to slice
cut_off       part of the field's edge that is body and not air: what lies outside was not scanned
saturated     part of the voxels at the highest value that the file holds, from 2000 HU on
reason        why an image could not be measured; its numbers are then n/a

Notes
-----
Noise after Christianson et al., AJR 2015;205:W93, "Automated technique to measure noise in clinical CT examinations".
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import nibabel
import numpy as np
from scipy import ndimage

SOFT_TISSUE_HU = (0, 100)
BODY_HU = -300
SATURATED_HU = 2000
WINDOW_MM = 6
STEP_HU = 0.5
LEAST_VOXELS = 1000


class Quality(NamedTuple):
    """What is measured of one image."""

    noise_hu: float
    voxel_mm: float
    slice_mm: float
    cut_off: float
    saturated: float


class Unmeasurable(Exception):
    """An image that cannot be measured; the sentence says why."""


def quality(hu: np.ndarray, spacing_mm: Sequence[float]) -> Quality:
    """Measure a scan.

    Parameters
    ----------
    hu : (x, y, z) array, HU
        Slices are along the last axis.
    spacing_mm : 3 numbers, mm
    """
    edge = np.concatenate([hu[0].ravel(), hu[-1].ravel(), hu[:, 0].ravel(), hu[:, -1].ravel()])
    highest = hu.max()
    return Quality(
        noise_hu=_noise_hu(hu, spacing_mm),
        voxel_mm=float(spacing_mm[0]),
        slice_mm=float(spacing_mm[2]),
        cut_off=float((edge > BODY_HU).mean()),
        saturated=float((hu == highest).mean()) if highest >= SATURATED_HU else 0.0,
    )


def _noise_hu(hu: np.ndarray, spacing_mm: Sequence[float]) -> float:
    window = [max(3, round(WINDOW_MM / step) | 1) for step in spacing_mm[:2]]
    tissue = np.logical_and(hu >= SOFT_TISSUE_HU[0], hu <= SOFT_TISSUE_HU[1])
    if tissue.sum() < LEAST_VOXELS:
        raise Unmeasurable("there is too little soft tissue in it to measure noise")
    found = []
    for z in range(hu.shape[2]):
        flat = hu[:, :, z].astype(np.float64)
        mean = ndimage.uniform_filter(flat, window)
        square = ndimage.uniform_filter(flat * flat, window)
        inside = np.logical_and(mean >= SOFT_TISSUE_HU[0], mean <= SOFT_TISSUE_HU[1])
        found.append(np.sqrt(np.maximum(square - mean * mean, 0))[inside])
    counts = np.bincount((np.concatenate(found) / STEP_HU).astype(int))
    smooth = ndimage.uniform_filter1d(counts.astype(float), 5)
    size = float(np.prod(window))
    return float((smooth.argmax() + 0.5) * STEP_HU * np.sqrt(size / (size - 1)))


def measured(path: Path) -> Quality:
    """Measure a file.

    Raises
    ------
    Unmeasurable
        If it is no three-dimensional scan of one channel, or can't be read.
    """
    try:
        image: Any = nibabel.load(path)
        if len(image.shape) != 3 or min(image.shape) < 1:
            raise Unmeasurable("it is no three-dimensional image")
        turned = nibabel.as_closest_canonical(image)
        hu = np.asanyarray(turned.dataobj)
        spacing = nibabel.affines.voxel_sizes(turned.affine)
    except Unmeasurable:
        raise
    except Exception as broken:  # nibabel lets errors of gzip, zlib, struct and its own through
        raise Unmeasurable("it can't be read as NIfTI") from broken
    if not np.isfinite(spacing).all() or min(spacing) <= 0:
        raise Unmeasurable("the size of its voxels is not known")
    return quality(hu, spacing)


def table(paths: Sequence[Path], measure: Callable[[Path], Quality] = measured) -> str:
    """Return the rows of some images, tab-separated, with a header."""
    rows = [["image", *Quality._fields, "reason"]]
    for path in paths:
        try:
            rows.append([path.name, *(f"{number:.3f}" for number in measure(path)), ""])
        except Unmeasurable as why:
            rows.append([path.name, *("n/a" for _ in Quality._fields), str(why)])
    return "".join("\t".join(row) + "\n" for row in rows)


def check() -> int:
    """Measure a phantom: soft tissue with 20 HU of noise in air."""
    noise = np.random.default_rng(1).normal(40, 20, (80, 80, 4))
    x, y = np.mgrid[-40:40, -40:40]
    hu = np.where((x * x + y * y < 900)[:, :, None], noise, -1000)
    found = quality(hu, (1, 1, 2))
    good = abs(found.noise_hu - 20) < 2 and found.cut_off == 0 and found.slice_mm == 2
    print(f"noise of 20 HU is measured as {found.noise_hu:.1f} HU")
    return 0 if good else 1


def main(arguments: list[str]) -> int:
    """Measure the images that are named."""
    if arguments == ["--check"]:
        return check()
    if not arguments or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    sys.stdout.write(table([Path(one) for one in arguments]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
