"""Painting solids into a CT volume, with soft edges instead of many samples a voxel.

Coordinates are patient coordinates in millimetres, LPS: x to the patient's left, y to the back, z to the head.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Volume: TypeAlias = NDArray[np.float32]
Axis: TypeAlias = NDArray[np.float32]
Point: TypeAlias = tuple[float, float, float]
TUBE_STEP_MM = 1.5


class Bone(NamedTuple):
    """Cortical shell round a core."""

    shell_hu: float
    shell_mm: float
    core_hu: float


class Block(NamedTuple):
    """A box of the canvas and the coordinates of its voxel centres, shaped to broadcast."""

    hu: Volume
    x: Volume
    y: Volume
    z: Volume


@dataclass(frozen=True, slots=True)
class Canvas:
    """A volume in HU with the places of its voxels.

    Parameters
    ----------
    hu : (nz, ny, nx) array, HU
    x, y, z : 1-D arrays, mm
        Voxel centres, each ascending.
    edge_mm : float
        Width over which a surface goes from outside to inside.
    """

    hu: Volume
    x: Axis
    y: Axis
    z: Axis
    edge_mm: float

    def block(self, low: Point, high: Point) -> Block | None:
        """Return the part of the canvas inside a box, or None where there is none."""
        pad = self.edge_mm
        ends = [
            (int(np.searchsorted(axis, a - pad)), int(np.searchsorted(axis, b + pad, side="right")))
            for axis, a, b in zip((self.x, self.y, self.z), low, high, strict=True)
        ]
        if any(first >= last for first, last in ends):
            return None
        xs, ys, zs = (slice(*pair) for pair in ends)
        return Block(
            self.hu[zs, ys, xs], self.x[xs][None, None, :], self.y[ys][None, :, None], self.z[zs][:, None, None]
        )

    def fill(self, block: Block, distance: Volume, hu: float) -> None:
        """Lay a material into a block where its signed distance, in mm, is below zero."""
        cover = np.clip(0.5 - distance / self.edge_mm, 0, 1)
        block.hu[...] += cover * (hu - block.hu)

    def fill_bone(self, block: Block, distance: Volume, bone: Bone) -> None:
        """Lay a bone: its shell, then its core inside."""
        self.fill(block, distance, bone.shell_hu)
        self.fill(block, distance + bone.shell_mm, bone.core_hu)

    def ellipsoid(self, centre: Point, radii: Point, hu: float) -> None:
        """Paint an ellipsoid with its axes along the patient's."""
        low, high = _around(centre, radii)
        block = self.block(low, high)
        if block is None:
            return
        r = np.sqrt(
            ((block.x - centre[0]) / radii[0]) ** 2
            + ((block.y - centre[1]) / radii[1]) ** 2
            + ((block.z - centre[2]) / radii[2]) ** 2
        )
        self.fill(block, (r - 1) * min(radii), hu)

    def capsule(self, start: Point, end: Point, radius: float, bone: Bone) -> None:
        """Paint a bone shaped like a rod with round ends."""
        low: Point = tuple(min(a, b) - radius for a, b in zip(start, end, strict=True))  # type: ignore[assignment]  # mypy sees tuple[float, ...]
        high: Point = tuple(max(a, b) + radius for a, b in zip(start, end, strict=True))  # type: ignore[assignment]  # the same
        block = self.block(low, high)
        if block is None:
            return
        along = [b - a for a, b in zip(start, end, strict=True)]
        rel = (block.x - start[0], block.y - start[1], block.z - start[2])
        length2 = sum(d * d for d in along)
        t = np.clip((rel[0] * along[0] + rel[1] * along[1] + rel[2] * along[2]) / length2, 0, 1)
        squared = sum((r - t * d) ** 2 for r, d in zip(rel, along, strict=True))
        distance: Volume = np.sqrt(squared).astype(np.float32) - np.float32(radius)
        self.fill_bone(block, distance, bone)

    def tube(self, path: NDArray[np.float64], radius: float, bone: Bone) -> None:
        """Paint a bone along a path of points, (n, 3) mm, at most ``TUBE_STEP_MM`` apart."""
        reach = radius + self.edge_mm
        block = self.block(tuple(path.min(axis=0) - reach), tuple(path.max(axis=0) + reach))
        if block is None:
            return
        squared = np.full(block.hu.shape, (2 * reach) ** 2, np.float32)
        field = Canvas(squared, block.x.ravel(), block.y.ravel(), block.z.ravel(), self.edge_mm)
        for x, y, z in path.tolist():
            near = field.block(*_around((x, y, z), (radius, radius, radius)))
            if near is not None:
                here = (near.x - x) ** 2 + (near.y - y) ** 2 + (near.z - z) ** 2
                np.minimum(near.hu, here, out=near.hu)
        self.fill_bone(block, np.sqrt(squared) - np.float32(radius), bone)

    def column(self, centre: tuple[Axis, Axis], radii: tuple[Axis, Axis], hu: float) -> None:
        """Paint an elliptic column that may bend and swell; centre and radii, mm, are given for each slice."""
        alive = np.flatnonzero((radii[0] > 0) & (radii[1] > 0))
        if not alive.size:
            return
        (cx, cy), (rx, ry) = centre, radii
        low = (float((cx - rx)[alive].min()), float((cy - ry)[alive].min()), float(self.z[alive[0]]))
        high = (float((cx + rx)[alive].max()), float((cy + ry)[alive].max()), float(self.z[alive[-1]]))
        block = self.block(low, high)
        if block is None:
            return
        first = int(np.searchsorted(self.z, block.z.ravel()[0]))
        part = slice(first, first + block.z.size)
        shaped = [
            np.maximum(v[part], 1e-3)[:, None, None] if i > 1 else v[part][:, None, None]
            for i, v in enumerate((cx, cy, rx, ry))
        ]
        r = np.sqrt(((block.x - shaped[0]) / shaped[2]) ** 2 + ((block.y - shaped[1]) / shaped[3]) ** 2)
        self.fill(block, (r - 1) * np.minimum(shaped[2], shaped[3]), hu)

    def finer(self, low: Point, high: Point, offsets: Sequence[float]) -> "Canvas | None":
        """Return a copy of a box with each slice split into thin ones at ``offsets``, mm, from its centre."""
        block = self.block(low, high)
        if block is None:
            return None
        z = (block.z.ravel()[:, None] + np.asarray(offsets, np.float32)).ravel()
        fine = np.repeat(block.hu, len(offsets), axis=0)
        return Canvas(fine, block.x.ravel(), block.y.ravel(), z, self.edge_mm)

    def merge(self, fine: "Canvas", slices: int) -> None:
        """Average a finer copy back into the slices that it came from, as a scanner's slice thickness does."""
        low = (float(fine.x[0]), float(fine.y[0]))
        zs = int(np.searchsorted(self.z, fine.z[0]))
        xs, ys = int(np.searchsorted(self.x, low[0])), int(np.searchsorted(self.y, low[1]))
        mean = fine.hu.reshape(-1, slices, *fine.hu.shape[1:]).mean(axis=1)
        n, ny, nx = mean.shape
        self.hu[zs : zs + n, ys : ys + ny, xs : xs + nx] = mean


def smooth_path(points: Sequence[Point]) -> NDArray[np.float64]:
    """Return a smooth curve through points as a polyline with steps of ``TUBE_STEP_MM``, (n, 3) mm."""
    from scipy.interpolate import PchipInterpolator

    knots = np.asarray(points, float)
    at = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(knots, axis=0), axis=1))])
    return np.asarray(PchipInterpolator(at, knots)(np.arange(0, at[-1], TUBE_STEP_MM)))


def _around(centre: Point, radii: Point) -> tuple[Point, Point]:
    low = (centre[0] - radii[0], centre[1] - radii[1], centre[2] - radii[2])
    high = (centre[0] + radii[0], centre[1] + radii[1], centre[2] + radii[2])
    return low, high
