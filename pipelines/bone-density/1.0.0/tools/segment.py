"""Find the vertebral bodies of a CT scan: labels, landmarks and a picture to check them by.

Called as ``python3 segment.py IMAGE``; writes ``<stem>_labels.nii.gz``, ``<stem>_landmarks.json`` and
``<stem>_overlay.png`` to the working folder. A scan without a spine gives empty labels and the reason.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from bodies import Body, body_mask, find_bodies
from canal import find_canal
from images import Array, Image, Unusable, nibabel, read_image, stem_of, write_labels
from landmarks import bones_beside, rib_sign, wing_share
from numbering import LEVELS, Numbering, Signs, number_levels
from overlay import draw_overlay
from scipy import ndimage
from straight import BACK_MM, SIDE_MM, StraightSpine, straighten

_WING_SHARE = 0.11
_WING_RUN_MM = 20
_FIRST_UNNAMED = 101
_MIDDLE_MM = 15
_ROOM_MM = 22.0
"""As high as a small vertebra of the lower chest."""
MOST_SLICE_MM = 6.5
MOST_NOISE_HU = 90.0


def main(arguments: list[str]) -> int:
    """Segment one image."""
    path = Path(arguments[0])
    stem = stem_of(path)
    try:
        image = read_image(path)
    except Unusable as reason:
        _write_landmarks(stem, {"image": path.name, "reason": str(reason), "levels": []})
        _write_nothing(stem)
        return 0
    labels = np.zeros(image.hu.shape, dtype=np.uint8)
    try:
        found, spine = _segmented(image, labels)
    except Unusable as reason:
        found, spine = {"reason": str(reason), "levels": []}, None
    write_labels(labels, image, Path(f"{stem}_labels.nii.gz"))
    _write_landmarks(stem, {"image": path.name, **found})
    draw_overlay(image, labels, spine, found["levels"], Path(f"{stem}_overlay.png"))
    return 0


def _segmented(image: Image, labels: Array) -> tuple[dict[str, Any], StraightSpine]:
    if image.spacing_mm[2] > MOST_SLICE_MM:
        far = f"{image.spacing_mm[2]:.2f} mm, at most {MOST_SLICE_MM:g} mm can be worked with"
        raise Unusable(f"slices too far apart: {far}")
    noise = _noise_hu(image)
    if noise > MOST_NOISE_HU:
        raise Unusable(f"too noisy: noise of {noise:.0f} HU, at most {MOST_NOISE_HU:g} HU can be worked with")
    spine = straighten(image, find_canal(image))
    bodies = find_bodies(spine)
    if not bodies:
        raise Unusable("no spine found: no vertebral body lies complete between two discs")
    numbering = _numbering(image, spine, bodies)
    first = 0 if numbering.sacrum is None else numbering.sacrum
    if first == len(bodies):
        raise Unusable("no vertebral body above the sacrum lies complete in the scan")
    kept = [(body, level) for body, level in zip(bodies, numbering.levels[1:], strict=True)][first:]
    values = [_value(level, at) for at, (_, level) in enumerate(kept)]
    _paint(labels, image, spine, [body for body, _ in kept], values)
    levels = [
        _landmark(spine, image, body, level or f"V{at + 1}", value)
        for at, ((body, level), value) in enumerate(zip(kept, values, strict=True))
    ]
    named = any(level for _, level in kept)
    missed = _missed(spine, kept) if named else []
    return {"reason": "", "numbering": numbering.basis, "named": named, "levels": levels, "missed": missed}, spine


def _missed(spine: StraightSpine, kept: list[tuple[Body, str | None]]) -> list[str]:
    """Name the neighbours of the outermost bodies for which there is room in the scan, and of which no body was found.

    None is looked for below L5: there is the sacrum.
    """
    seen = np.flatnonzero(np.isfinite(spine.hu[:, SIDE_MM, BACK_MM + _MIDDLE_MM]))
    (lowest, first), (highest, last) = kept[0], kept[-1]
    missed = []
    if first and first != LEVELS[-1] and lowest.disc_below - seen[0] >= _ROOM_MM:
        missed.append(LEVELS[LEVELS.index(first) + 1])
    if last and last != LEVELS[0] and seen[-1] - highest.disc_above >= _ROOM_MM:
        missed.append(LEVELS[LEVELS.index(last) - 1])
    return missed


def _noise_hu(image: Image) -> float:
    """Estimate the noise from differences between neighbouring voxels of soft tissue, without edges."""
    part = image.hu[:, ::4, :: max(1, image.hu.shape[2] // 12)].astype(np.float32)
    tissue = ndimage.uniform_filter1d(part, 5, axis=0)[:-1]
    step = np.diff(part, axis=0)[(tissue > -150) & (tissue < 250)]
    return float(np.median(np.abs(step)) * 1.4826 / np.sqrt(2)) if step.size else 0.0


def _numbering(image: Image, spine: StraightSpine, bodies: tuple[Body, ...]) -> Numbering:
    """Name the bodies; what lies below the lowest disc comes first, as it may be the sacrum."""
    wings = ndimage.uniform_filter1d(wing_share(image, spine), _WING_RUN_MM, mode="constant")
    bones = bones_beside(image, spine)
    below = int(bodies[0].disc_below)
    winged = bool(wings[max(0, below - 30) : max(1, below - 4)].max() >= _WING_SHARE)
    signs = [Signs(None, winged, complete=False)]
    for body in bodies:
        middle = wings[int(body.low) + 4 : max(int(body.low) + 5, int(body.high) - 4)]
        signs.append(Signs(rib_sign(bones, body.disc_below, body.disc_above), bool(middle.max() >= _WING_SHARE)))
    return number_levels(signs)


def _value(level: str | None, at: int) -> int:
    # as in the VerSe data sets: C1 to C7 are 1 to 7, T1 is 8, L5 is 24; 101 upwards have no name
    return _FIRST_UNNAMED + at if level is None else 8 + LEVELS.index(level)


def _paint(labels: Array, image: Image, spine: StraightSpine, bodies: list[Body], values: list[int]) -> None:
    straight: Array = np.zeros(spine.hu.shape, dtype=np.uint8)
    for body, value in zip(bodies, values, strict=True):
        straight[body_mask(body, straight.shape)] = value
    used = np.flatnonzero(straight.any(axis=(1, 2)))
    corner = spine.points_mm[used] / image.spacing_mm
    before, beyond = np.array([SIDE_MM, BACK_MM, 18]), np.array([SIDE_MM, 50, 18])
    low = np.maximum(0, np.floor(corner.min(axis=0) - before / image.spacing_mm)).astype(int)
    high = np.ceil(corner.max(axis=0) + beyond / image.spacing_mm).astype(int) + 1
    high = np.minimum(high, image.hu.shape)
    axes = [np.arange(a, b) * step for a, b, step in zip(low, high, image.spacing_mm, strict=True)]
    s, u, v = spine_coordinates(spine, axes)
    inside = (np.abs(u) <= SIDE_MM) & (v >= -BACK_MM) & (v < straight.shape[2] - BACK_MM - 1)
    inside &= (s >= 0) & (s <= len(straight) - 1)
    where = [np.where(inside, np.round(axis), 0).astype(int) for axis in (s, u + SIDE_MM, v + BACK_MM)]
    painted = np.where(inside, straight[where[0], where[1], where[2]], 0)
    labels[low[0] : high[0], low[1] : high[1], low[2] : high[2]] = painted


def spine_coordinates(spine: StraightSpine, axes: list[Array]) -> tuple[Array, Array, Array]:
    """Return height, sideways and forward place (mm) in the straight spine of every point of a grid.

    The height changes little from side to side: it is solved in the midline and corrected for the side.
    """
    count = len(spine.points_mm)
    steps = np.arange(count)
    y, z = axes[1][:, None], axes[2][None, :]
    s = np.broadcast_to(np.interp(axes[2], spine.points_mm[:, 2], steps)[None, :], (len(axes[1]), len(axes[2])))
    for _ in range(4):
        point_y, point_z = (np.interp(s, steps, spine.points_mm[:, axis]) for axis in (1, 2))
        up_y, up_z = (np.interp(s, steps, spine.up[:, axis]) for axis in (1, 2))
        s = np.clip(s + (y - point_y) * up_y + (z - point_z) * up_z, 0, count - 1)
    point = [np.interp(s, steps, spine.points_mm[:, axis]) for axis in range(3)]
    up = [np.interp(s, steps, spine.up[:, axis]) for axis in range(3)]
    front = [np.interp(s, steps, spine.front[:, axis]) for axis in range(3)]
    x = axes[0][:, None, None]
    aside = x - point[0][None]
    height = s[None] + aside * up[0][None]
    forward = (y - point[1]) * front[1] + (z - point[2]) * front[2]
    return height, aside, forward[None] + aside * front[0][None]


def _landmark(spine: StraightSpine, image: Image, body: Body, level: str, value: int) -> dict[str, Any]:
    at = round((body.low + body.high) / 2)
    centre = spine.points_mm[at] + body.u * spine.right[at] + body.v * spine.front[at]
    to_ras = image.affine[:3, :3] / image.spacing_mm
    return {
        "level": level,
        "label": value,
        "centre_mm": _rounded(to_ras @ centre + image.affine[:3, 3]),
        "up": _rounded(to_ras @ _across(spine, body, at), 4),
        "front": _rounded(to_ras @ spine.front[at], 4),
        "odd_outline": body.odd,
        "height_mm": round(body.height, 1),
        "depth_mm": round(body.depth, 1),
        "width_mm": round(body.width, 1),
        "middle_to_back_mm": round(float(body.radius[27]), 1),
    }


def _across(spine: StraightSpine, body: Body, at: int) -> Array:
    """Return the direction that is square to the middle between the two end plates."""
    across = spine.up[at] - (body.low_slope + body.high_slope) / 2 * spine.front[at]
    return np.asarray(across / np.linalg.norm(across))


def _rounded(values: Array, digits: int = 2) -> list[float]:
    return [round(float(value), digits) + 0.0 for value in values]


def _write_landmarks(stem: str, content: dict[str, Any]) -> None:
    text = json.dumps({"numbering": "", "named": False, "missed": [], **content}, indent=1, sort_keys=True)
    Path(f"{stem}_landmarks.json").write_text(text + "\n", encoding="utf-8")


def _write_nothing(stem: str) -> None:
    """Write an empty image of labels and an empty picture, for a file that cannot be read."""
    nothing = np.zeros((2, 2, 2), np.uint8)
    empty = Image(nothing, np.eye(4), np.ones(3), nibabel().Nifti1Image(nothing, np.eye(4)))
    write_labels(nothing, empty, Path(f"{stem}_labels.nii.gz"))
    draw_overlay(empty, nothing, None, [], Path(f"{stem}_overlay.png"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
