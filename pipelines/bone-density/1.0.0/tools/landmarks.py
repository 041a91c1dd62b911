"""Signs that tell which vertebra is which: ribs, and the wings of the sacrum."""

from dataclasses import dataclass

import numpy as np
from canal import BONE_HU
from images import AIR_HU, Array, Image
from scipy import ndimage
from straight import StraightSpine

_RIB_REACH_MM = 58.0
"""Bone that goes on to here from the midline is a rib: no transverse process does."""
_PROCESS_REACH_MM = 52.0
"""Bone that ends before here is a transverse process at most; between the two it is not clear."""
_SIDE_MM = 95.0
_SPINE_MM = 20.0
_THICK_MM = 17.0
_WING_SIDE_MM = np.arange(26.0, 40.1, 2.0)
_WING_FRONT_MM = np.arange(-12.0, 10.1, 2.0)


@dataclass(frozen=True, slots=True)
class Bone:
    """A piece of bone beside the spine.

    Parameters
    ----------
    side : int
        -1 on the patient's right, 1 on the left as the axes of the picture go.
    height_mm : float
        Along the straight spine, where it comes from the spine.
    reach_mm : float
        How far from the midline it goes.
    """

    side: int
    height_mm: float
    reach_mm: float


def bones_beside(image: Image, spine: StraightSpine) -> tuple[Bone, ...]:
    """List the thin pieces of bone that begin at the spine and go sideways: ribs and transverse processes."""
    hu, start_mm, step_mm = _crop(image, spine)
    bone = ndimage.gaussian_filter(hu, (0.5, 0.5, 0)) > BONE_HU
    size = [max(1, round(_THICK_MM / float(step))) for step in step_mm]
    thick = ndimage.uniform_filter(bone.astype(np.float32), size) > 0.92
    u, along = _spine_frame(bone.shape, start_mm, step_mm, spine)
    labels, count = ndimage.label(bone & (np.abs(u) > _SPINE_MM))
    if count == 0:
        return ()
    index = np.arange(1, count + 1)
    solid = ndimage.maximum(thick, labels, index)
    inner = ndimage.minimum(np.abs(u), labels, index)
    outer = ndimage.maximum(np.abs(u), labels, index)
    side = np.sign(ndimage.mean(u, labels, index))
    wanted = (solid == 0) & (inner < _SPINE_MM + 14) & (outer > _SPINE_MM + 12)
    found = []
    for piece in np.flatnonzero(wanted):
        root = (labels == index[piece]) & (np.abs(u) < inner[piece] + 8)
        found.append(Bone(int(side[piece]), float(along[root].mean()), float(outer[piece])))
    return tuple(found)


def rib_sign(bones: tuple[Bone, ...], low_mm: float, high_mm: float) -> bool | None:
    """Say whether ribs come from between two heights: yes on both sides, no on both sides, or not clear (None)."""
    reach = [
        max((b.reach_mm for b in bones if b.side == side and low_mm <= b.height_mm < high_mm), default=0.0)
        for side in (-1, 1)
    ]
    if min(reach) >= _RIB_REACH_MM:
        return True
    return False if max(reach) <= _PROCESS_REACH_MM else None


def wing_share(image: Image, spine: StraightSpine) -> Array:
    """Return, for each height, the share of bone where the sacrum has its wings; the lesser of the two sides."""
    both = []
    for side in (-1.0, 1.0):
        u = side * _WING_SIDE_MM[None, :, None, None]
        v = _WING_FRONT_MM[None, None, :, None]
        places = (
            spine.points_mm[:, None, None, :] + u * spine.right[:, None, None, :] + v * spine.front[:, None, None, :]
        ) / image.spacing_mm
        index = np.round(np.moveaxis(places, -1, 0)).astype(int)
        limits = np.array(image.hu.shape)[:, None, None, None]
        inside = ((index >= 0) & (index < limits)).all(axis=0)
        clipped = np.clip(index, 0, limits - 1)
        hu = np.where(inside, image.hu[clipped[0], clipped[1], clipped[2]], AIR_HU)
        both.append((hu > BONE_HU).mean(axis=(1, 2)))
    return np.asarray(np.minimum(*both))


def _crop(image: Image, spine: StraightSpine) -> tuple[Array, Array, Array]:
    low = spine.points_mm[:, :2].min(axis=0) - np.array([_SIDE_MM, 75.0])
    high = spine.points_mm[:, :2].max(axis=0) + np.array([_SIDE_MM, 25.0])
    first = np.maximum(0, (low / image.spacing_mm[:2]).astype(int))
    last = np.minimum(image.hu.shape[:2], (high / image.spacing_mm[:2]).astype(int) + 1)
    fold = [2 if spacing < 0.9 else 1 for spacing in image.spacing_mm[:2]]
    hu = image.hu[first[0] : last[0], first[1] : last[1]].astype(np.float32)
    hu = hu[: hu.shape[0] // fold[0] * fold[0], : hu.shape[1] // fold[1] * fold[1]]
    hu = hu.reshape(hu.shape[0] // fold[0], fold[0], hu.shape[1] // fold[1], fold[1], -1).mean(axis=(1, 3))
    return hu, np.array([*(first * image.spacing_mm[:2]), 0.0]), image.spacing_mm * [*fold, 1]


def _spine_frame(shape: tuple[int, ...], start_mm: Array, step_mm: Array, spine: StraightSpine) -> tuple[Array, Array]:
    """Return for each voxel how far aside of the midline it lies, and at which height of the straight spine."""
    y = start_mm[1] + np.arange(shape[1]) * step_mm[1]
    z = np.arange(shape[2]) * step_mm[2]
    points = spine.points_mm
    straight = np.interp(z, points[:, 2], np.arange(len(points)))
    slope = np.interp(z, points[:, 2], spine.up[:, 1])
    behind = y[:, None] - np.interp(z, points[:, 2], points[:, 1])[None, :]
    along = straight[None, :] + slope[None, :] * behind
    middle = np.interp(along, np.arange(len(points)), points[:, 0])
    x = start_mm[0] + np.arange(shape[0]) * step_mm[0]
    u = x[:, None, None] - middle[None]
    return u, np.broadcast_to(along[None], u.shape)
