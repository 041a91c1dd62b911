"""The spinal canal: a tube of soft tissue with bone around it, which leads to the vertebrae."""

from dataclasses import dataclass

import numpy as np
from images import Array, Image, Unusable
from scipy import ndimage

BONE_HU = 180.0
_BODY_HU = -250.0
_PIXEL_MM = 1.3
_WINDOW_MM = 22.0
"""About a vertebra's height, over which bone is gathered: no single slice need show a closed ring."""
_BONE_BOXES_MM = {
    "behind": ((-13, 13), (-30, -8)),
    "ahead": ((-19, 19), (9, 40)),
    "left": ((8, 19), (-15, 10)),
    "right": ((-19, -8), (-15, 10)),
}
"""Where, around the canal's middle, the arch, the body and the pedicles with their joints are: (x), (y)."""
_CANAL_BOX_MM = ((-5, 5), (-4, 4))
_MARROW_HU = (50.0, 110.0)
"""The inside of a thin-walled vertebral body has bone all around too, but it is denser than sac and fat."""
_LEAST_SOFT = 0.2
_LEAST_WORTH = 0.12
_WALL_REACH_MM = 15.0
_WALL_STEP_HU = 40.0
_SLOPE = 0.9
_STIFFNESS = 0.3
_UNREST = 0.02
_LEAST_LENGTH_MM = 60.0
_BANDWIDTH_MM = 20.0


@dataclass(frozen=True, slots=True)
class Canal:
    """The canal's front wall in the midline, from the lowest slice to the highest.

    Parameters
    ----------
    points_mm : (n, 3) array, mm
        In the image's own frame (index times spacing), 1 mm apart along the tube, upwards.
    seen_mm : (2,) array, mm
        Lowest and highest height at which a ring of bone was seen.
    """

    points_mm: Array
    seen_mm: Array


def find_canal(image: Image) -> Canal:
    """Follow the spinal canal through the scan.

    Raises
    ------
    Unusable
        If no tube of at least 60 mm is there.
    """
    crop = _crop(image)
    worth = _canal_worth(crop)
    path = _best_path(worth, crop.step_mm)
    value = worth[path[:, 0], path[:, 1], np.arange(len(path))]
    seen = np.flatnonzero(value > _LEAST_WORTH)
    if len(seen) < 4 or np.ptp(seen) * crop.step_mm[2] < _LEAST_LENGTH_MM:
        raise Unusable("no spine found: no canal with bone around it runs through the scan")
    return _front_wall(crop, path, seen)


def body_mask(image: Image) -> Array:
    """Tell which voxels of every fourth column belong to the patient and not to the table.

    Returns
    -------
    (x / 4, y / 4, z) array of bool
    """
    coarse = image.hu[::4, ::4, :] > _BODY_HU
    labels, count = ndimage.label(ndimage.binary_opening(coarse, np.ones((3, 3, 1), dtype=bool)))
    if count == 0:
        raise Unusable("no body found in the image")
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray(labels == sizes.argmax())


@dataclass(frozen=True, slots=True)
class _Crop:
    """The back half of the body's middle, at about ``_PIXEL_MM``: first voxel's place and steps in mm."""

    hu: Array
    start_mm: Array
    step_mm: Array


def _crop(image: Image) -> _Crop:
    mask = body_mask(image)
    columns = np.flatnonzero(mask.any(axis=(1, 2)))
    rows = np.flatnonzero(mask.any(axis=(0, 2)))
    middle = 4 * (columns[0] + columns[-1]) / 2
    half = 75 / image.spacing_mm[0]
    low, high = 4 * rows[0], 4 * (rows[-1] + 1)
    xs = slice(max(0, int(middle - half)), min(image.hu.shape[0], int(middle + half)))
    ys = slice(int(low), min(image.hu.shape[1], int(low + 0.75 * (high - low))))
    fold = [max(1, int(_PIXEL_MM / spacing + 0.3)) for spacing in image.spacing_mm[:2]]
    hu = image.hu[xs, ys, :].astype(np.float32)
    hu = hu[: hu.shape[0] // fold[0] * fold[0], : hu.shape[1] // fold[1] * fold[1]]
    folded = hu.reshape(hu.shape[0] // fold[0], fold[0], hu.shape[1] // fold[1], fold[1], -1).mean(axis=(1, 3))
    step = image.spacing_mm * [fold[0], fold[1], 1]
    start = np.array([xs.start, ys.start, 0]) * image.spacing_mm + [
        (fold[0] - 1) / 2 * image.spacing_mm[0],
        (fold[1] - 1) / 2 * image.spacing_mm[1],
        0,
    ]
    return _Crop(np.ascontiguousarray(folded), start, step)


def _canal_worth(crop: _Crop) -> Array:
    """Say of each voxel how much it looks like the canal's middle: bone on all four sides, none in it."""
    smooth = ndimage.gaussian_filter(crop.hu, (0.6, 0.6, 0))
    bone = (smooth > BONE_HU).astype(np.float32)
    window = max(1, round(_WINDOW_MM / crop.step_mm[2]))
    gathered = ndimage.uniform_filter1d(bone, window, axis=2, mode="nearest")
    sides = [np.minimum(0.6, _box_mean(gathered, box, crop.step_mm)) for box in _BONE_BOXES_MM.values()]
    inside = _box_mean(gathered, _CANAL_BOX_MM, crop.step_mm)
    around = np.prod(np.maximum(sides, 0.0), axis=0) ** 0.25
    soft = (_MARROW_HU[1] - _box_mean(smooth, _CANAL_BOX_MM, crop.step_mm)) / (_MARROW_HU[1] - _MARROW_HU[0])
    return np.asarray(around * np.maximum(0.0, 1 - 2.5 * inside) * np.clip(soft, _LEAST_SOFT, 1.0))


def _box_mean(values: Array, box: tuple[tuple[int, int], tuple[int, int]], step_mm: Array) -> Array:
    averaged = values
    for axis, (low, high) in enumerate(box):
        size = max(1, round((high - low) / step_mm[axis]))
        averaged = ndimage.uniform_filter1d(averaged, size, axis=axis, mode="constant")
        averaged = _moved(averaged, round((low + high) / 2 / step_mm[axis]), axis)
    return averaged


def _moved(values: Array, by: int, axis: int) -> Array:
    """Bring what lies ``by`` voxels ahead to here; zero comes in from outside."""
    moved = np.zeros_like(values)
    size = values.shape[axis]
    target = [slice(None)] * values.ndim
    source = [slice(None)] * values.ndim
    target[axis] = slice(max(0, -by), min(size, size - by))
    source[axis] = slice(max(0, by), min(size, size + by))
    moved[tuple(target)] = values[tuple(source)]
    return moved


def _best_path(worth: Array, step_mm: Array) -> Array:
    """Find the tube of most worth: one place a slice, none far aside of the one below.

    Returns
    -------
    (slices, 2) array of x, y indices
    """
    count = worth.shape[2]
    reach = [max(1, int(np.ceil(_SLOPE * step_mm[2] / step_mm[axis]))) for axis in (0, 1)]
    xs, ys = (np.arange(-r, r + 1) for r in reach)
    aside = np.hypot(xs[:, None] * step_mm[0], ys[None, :] * step_mm[1])
    cost = _STIFFNESS * (aside / step_mm[2]) ** 2 * (step_mm[2] / 5) + _UNREST * aside
    best = [worth[:, :, 0]]
    for at in range(1, count):
        best.append(worth[:, :, at] + ndimage.grey_dilation(best[-1], structure=-cost, mode="constant", cval=-9.0))
    path = np.zeros((count, 2), dtype=int)
    path[-1] = np.unravel_index(best[-1].argmax(), best[-1].shape)
    for at in range(count - 2, -1, -1):
        padded = np.pad(best[at], [(reach[0], reach[0]), (reach[1], reach[1])], constant_values=-9.0)
        x, y = path[at + 1]
        near = padded[x : x + len(xs), y : y + len(ys)] - cost
        dx, dy = np.unravel_index(near.argmax(), near.shape)
        path[at] = np.clip((x + dx - reach[0], y + dy - reach[1]), 0, np.array(best[at].shape) - 1)
    return path


def _front_wall(crop: _Crop, path: Array, seen: Array) -> Canal:
    """Find where the vertebral bodies' posterior wall begins, ahead of the canal's middle."""
    heights = np.arange(len(path)) * crop.step_mm[2]
    x_mm = crop.start_mm[0] + path[:, 0] * crop.step_mm[0]
    walls = np.array([_wall_ahead(crop, path[at], at) for at in range(len(path))])
    front_mm = crop.start_mm[1] + path[:, 1] * crop.step_mm[1] + walls
    good = np.intersect1d(seen, np.flatnonzero(np.isfinite(walls)))
    if len(good) < 4:
        raise Unusable("no spine found: no vertebral bodies ahead of the canal")
    z = np.arange(0.0, heights[-1] + 0.5, 1.0)
    x = _local_line(heights[seen], x_mm[seen], z)
    front = _local_line(heights[good], front_mm[good], z)
    points = np.stack([x, front, z], axis=1)
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    steps = np.arange(0, along[-1], 1.0)
    even = np.stack([np.interp(steps, along, points[:, axis]) for axis in range(3)], axis=1)
    return Canal(even, heights[[seen[0], seen[-1]]])


def _wall_ahead(crop: _Crop, place: Array, at: int) -> float:
    """Return the distance in mm to the wall's near side, not a number where there is no bone."""
    half = max(1, round(4 / crop.step_mm[0]))
    reach = max(4, round(_WALL_REACH_MM / crop.step_mm[1]))
    ahead = crop.hu[max(0, place[0] - half) : place[0] + half + 1, place[1] : place[1] + reach, at]
    profile = np.median(ahead, axis=0)
    soft = float(np.median(profile[:2]))
    if profile.max() < soft + _WALL_STEP_HU:
        return float("nan")
    half_way = (soft + profile.max()) / 2
    inner = int(np.flatnonzero(profile >= half_way)[0])
    if inner == 0:
        return float("nan")
    fraction = (half_way - profile[inner - 1]) / max(1.0, profile[inner] - profile[inner - 1])
    return float((inner - 1 + np.clip(fraction, 0, 1)) * crop.step_mm[1])


def _local_line(at: Array, values: Array, wanted: Array) -> Array:
    """Fit a straight line around every wanted height, with less weight for the far and for the outliers."""
    trust = np.ones(len(at))
    fitted = np.zeros(len(wanted))
    for _ in range(3):
        fitted = _weighted_line(at, values, wanted, trust)
        residual = np.abs(values - np.interp(at, wanted, fitted))
        trust = 1 / (1 + (residual / max(1.0, float(np.median(residual)) * 2)) ** 2)
    return fitted


def _weighted_line(at: Array, values: Array, wanted: Array, trust: Array) -> Array:
    inside = np.clip(wanted, at.min(), at.max())
    offset = at[None, :] - inside[:, None]
    weight = trust * np.exp(-0.5 * (offset / _BANDWIDTH_MM) ** 2) + 1e-9
    s0, s1, s2 = (np.sum(weight * offset**power, axis=1) for power in range(3))
    t0, t1 = (np.sum(weight * values * offset**power, axis=1) for power in range(2))
    level = (s2 * t0 - s1 * t1) / np.maximum(s0 * s2 - s1**2, 1e-9)
    slope = (s0 * t1 - s1 * t0) / np.maximum(s0 * s2 - s1**2, 1e-9)
    return np.asarray(level + slope * (wanted - inside))
