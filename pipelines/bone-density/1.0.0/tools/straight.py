"""The spine laid straight: planes across the canal, one a millimetre, with the vertebral bodies ahead of it."""

from dataclasses import dataclass

import numpy as np
from canal import Canal
from images import AIR_HU, Array, Image
from scipy import ndimage

SIDE_MM = 34
BACK_MM = 12
FRONT_MM = 52


@dataclass(frozen=True, slots=True)
class StraightSpine:
    """The neighbourhood of the vertebral bodies, resampled at 1 mm.

    Parameters
    ----------
    hu : (s, u, v) array, HU
        ``s`` runs up along the canal, ``u`` from right to left side of the picture (patient's right is low), ``v``
        from behind the canal's front wall (index ``BACK_MM``) forwards. Outside the scan it is NaN.
    points_mm, up, right, front : (s, 3) arrays
        Where each plane's origin lies (the canal's front wall), and its axes.
    """

    hu: Array
    points_mm: Array
    up: Array
    right: Array
    front: Array


def straighten(image: Image, canal: Canal) -> StraightSpine:
    """Resample the scan along the canal."""
    points = canal.points_mm
    up = np.gradient(ndimage.gaussian_filter1d(points, 4, axis=0, mode="nearest"), axis=0)
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    right = np.array([1.0, 0.0, 0.0]) - up * up[:, :1]
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    front = np.cross(up, right)
    u = np.arange(-SIDE_MM, SIDE_MM + 1.0)[None, :, None, None]
    v = np.arange(-BACK_MM, FRONT_MM + 1.0)[None, None, :, None]
    places = points[:, None, None, :] + u * right[:, None, None, :] + v * front[:, None, None, :]
    hu = _sampled(image, places / image.spacing_mm)
    return StraightSpine(hu, points, up, right, front)


def _sampled(image: Image, index: Array) -> Array:
    low = np.maximum(np.floor(index.min(axis=(0, 1, 2))).astype(int), 0)
    high = np.minimum(np.ceil(index.max(axis=(0, 1, 2))).astype(int) + 2, image.hu.shape)
    crop = image.hu[low[0] : high[0], low[1] : high[1], low[2] : high[2]].astype(np.float32)
    where = np.moveaxis(index - low, -1, 0)
    sampled = ndimage.map_coordinates(crop, where, order=1, mode="constant", cval=2 * AIR_HU)
    outside = np.zeros(index.shape[:3], dtype=bool)
    for axis in range(3):
        outside |= (where[axis] < -0.5) | (where[axis] > crop.shape[axis] - 0.5)
    sampled[outside] = np.nan
    return np.asarray(sampled)
