"""From a body to the slices that a scanner would give."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from voxpop.demo.phantom.anatomy import Body
from voxpop.demo.phantom.canvas import Canvas
from voxpop.demo.phantom.skeleton import paint_pelvis, paint_ribs, paint_screws, paint_spine
from voxpop.demo.phantom.tissue import paint_inside, paint_trunk

SPINE_BOX_MM = 52.0
THIN_MM = 1.7
AIR_HU, MOST_HU = np.float32(-1024), np.float32(3071)  # what 12 stored bits hold


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where the voxels lie, in LPS.

    Parameters
    ----------
    corner_mm : (float, float, float)
        Centre of the first voxel of the lowest slice.
    spacing_mm : (float, float)
        Pixel spacing, and the distance between slices.
    """

    corner_mm: tuple[float, float, float]
    pixel_mm: float
    step_mm: float
    thickness_mm: float
    matrix: int
    slices: int


@dataclass(frozen=True, slots=True)
class Quality:
    """Noise, as the standard deviation in HU, and blur, as the sigma of the point spread in mm."""

    noise_hu: float
    blur_mm: float


def acquire(body: Body, geometry: Geometry, quality: Quality, rng: np.random.Generator) -> NDArray[np.int16]:
    """Return the CT volume, (slices, rows, columns) in HU, the lowest slice first."""
    canvas = _blank(geometry)
    paint_trunk(canvas, body)
    paint_inside(canvas, body, rng)
    paint_ribs(canvas, body)
    paint_pelvis(canvas, body)
    _paint_spine_finely(canvas, body, geometry.thickness_mm)
    paint_screws(canvas, body)
    return _blurred_and_noisy(canvas.hu, geometry, quality, rng)


def _blank(geometry: Geometry) -> Canvas:
    x0, y0, z0 = geometry.corner_mm
    across = np.arange(geometry.matrix, dtype=np.float32) * np.float32(geometry.pixel_mm)
    up = np.arange(geometry.slices, dtype=np.float32) * np.float32(geometry.step_mm)
    hu = np.full((geometry.slices, geometry.matrix, geometry.matrix), -1000, np.float32)
    return Canvas(
        hu, (across + np.float32(x0)), (across + np.float32(y0)), (up + np.float32(z0)), float(geometry.pixel_mm)
    )


def _paint_spine_finely(canvas: Canvas, body: Body, thickness_mm: float) -> None:
    parts = max(1, math.ceil(thickness_mm / THIN_MM))
    offsets = [thickness_mm * ((i + 0.5) / parts - 0.5) for i in range(parts)]
    ys = [v.centre[1] for v in (*body.vertebrae, body.sacrum)]
    x = body.vertebra("L3").centre[0]
    fine = canvas.finer((x - SPINE_BOX_MM, min(ys) - 30, -1e5), (x + SPINE_BOX_MM, max(ys) + 75, 1e5), offsets)
    if fine is not None:
        paint_spine(fine, body)
        canvas.merge(fine, parts)


def _blurred_and_noisy(
    hu: NDArray[np.float32], geometry: Geometry, quality: Quality, rng: np.random.Generator
) -> NDArray[np.int16]:
    sigma = quality.blur_mm / geometry.pixel_mm
    for axis in (1, 2):
        hu = gaussian_filter1d(hu, sigma, axis=axis, truncate=3.0)
    noise = rng.standard_normal(hu.shape, dtype=np.float32)
    for axis in (1, 2):
        noise = gaussian_filter1d(noise, sigma * 0.7, axis=axis, truncate=3.0)
    noise *= quality.noise_hu / float(noise[0].std())
    noise *= np.where(hu < -700, np.float32(0.5), np.float32(1))
    whole: NDArray[np.int16] = np.clip(np.rint(hu + noise), AIR_HU, MOST_HU).astype(np.int16)
    return whole
