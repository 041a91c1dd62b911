"""Measure the density of the spongy bone inside each vertebral body.

Called as ``python3 measure.py IMAGE LABELS LANDMARKS [--parameter VALUE ...]``; writes ``<stem>_measured.json``.
"""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
from images import Array, Image, Unusable, nibabel, read_image, stem_of

_ROUNDED_MM = 0.005
"""What the sentence's two decimals do not show."""
_METAL_MM = 12.0
_METAL_MM3 = 30.0
_UNEVEN_HU = 10.0
_MOST_APART_HU = (30.0, 30.0, 20.0)
"""From side to side, from back to front (the front of a body is less dense), from below upwards."""
_DENSE_HU = 150.0
_SMOOTH_MM = 1.0
_BESIDE_MM = 3.0
_POSSIBLE_HU = (-40.0, 500.0)


def main(arguments: list[str]) -> int:
    """Measure one image."""
    options = _options(arguments)
    landmarks: dict[str, Any] = json.loads(options.landmarks.read_text(encoding="utf-8"))
    rows = _rows(options, landmarks)
    who = _identity(options.image.name)
    text = json.dumps([{**who, "image": options.image.name, **row} for row in rows], indent=1, sort_keys=True)
    Path(f"{stem_of(options.image)}_measured.json").write_text(text + "\n", encoding="utf-8")
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("landmarks", type=Path)
    parser.add_argument("--cortex-mm", type=float, default=5.0)
    parser.add_argument("--end-plate-mm", type=float, default=4.0)
    parser.add_argument("--least-volume-mm3", type=float, default=500.0)
    parser.add_argument("--most-slice-mm", type=float, default=5.5)
    parser.add_argument("--most-noise-hu", type=float, default=90.0)
    parser.add_argument("--metal-hu", type=float, default=2000.0)
    parser.add_argument("--least-height-share", type=float, default=0.62)
    return parser.parse_args(arguments)


def _rows(options: argparse.Namespace, landmarks: dict[str, Any]) -> list[dict[str, Any]]:
    try:
        image, labels = read_image(options.image), _read_labels(options.labels)
    except Unusable as reason:
        return [unmeasured("", str(reason))]
    slice_mm, most_mm = image.spacing_mm[2], options.most_slice_mm
    if slice_mm > most_mm + _ROUNDED_MM:  # before the reason why no spine was looked for, which knows no chosen limit
        return [unmeasured("", f"slices too far apart: {slice_mm:.2f} mm, at most {most_mm:g} mm is measured")]
    if landmarks["reason"]:
        return [unmeasured("", landmarks["reason"])]
    levels = landmarks["levels"]
    heights = [float(level["height_mm"]) for level in levels]
    rows = []
    for at, level in enumerate(levels):
        if not landmarks["named"]:
            rows.append({**_measured(image, labels, level, options), "note": landmarks["numbering"]})
            continue
        near = heights[max(0, at - 1) : at] + heights[at + 1 : at + 2]
        row = _measured(image, labels, level, options)
        share = heights[at] / float(np.median(near)) if near else 1.0
        if row["mean_hu"] is not None and share < options.least_height_share:
            row = unmeasured(level["level"], f"collapsed: {share:.0%} of the height of its neighbours")
        rows.append(row)
    return rows + [
        unmeasured(level, "not found complete: one of its end plates is not seen") for level in landmarks["missed"]
    ]


def unmeasured(level: str, reason: str) -> dict[str, Any]:
    """Return a row that says why there is no number."""
    return {
        "level": level,
        "mean_hu": None,
        "sd_hu": None,
        "volume_mm3": None,
        "quality": "not measurable",
        "reason": reason,
    }


def _measured(image: Image, labels: Array, level: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    body = _near(labels == level["label"], image, _METAL_MM)
    if body is None:
        return unmeasured(level["level"], "no voxel of the vertebral body was segmented")
    place, mask = body
    hu = image.hu[place].astype(np.float64)
    voxel = float(np.prod(image.spacing_mm))
    if (hu > options.metal_hu).sum() * voxel > _METAL_MM3:
        return unmeasured(level["level"], "metal in or beside the vertebral body")
    if level["odd_outline"]:
        return unmeasured(level["level"], "the outline has not the shape of a vertebral body")
    core = trabecular_core(mask, place, image, level, options)
    volume = float(core.sum() * voxel)
    if volume < options.least_volume_mm3:
        return unmeasured(level["level"], f"too little spongy bone: {volume:.0f} mm3")
    values = hu[core]
    if _uneven(core, hu):
        return unmeasured(level["level"], "uneven: a wall, an end plate or a disc reaches into the region")
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    if deviation > options.most_noise_hu:
        return unmeasured(level["level"], f"too noisy: standard deviation {deviation:.0f} HU")
    if not _POSSIBLE_HU[0] <= mean <= _POSSIBLE_HU[1]:
        return unmeasured(level["level"], "the region has not the density of spongy bone")
    return {
        "level": level["level"],
        "mean_hu": round(mean, 1),
        "sd_hu": round(deviation, 1),
        "volume_mm3": round(volume, 0),
        "quality": "good",
        "reason": "",
    }


def trabecular_core(
    mask: Array, place: tuple[slice, ...], image: Image, level: dict[str, Any], options: argparse.Namespace
) -> Array:
    """Take the inside of a vertebral body: away from the cortex, the end plates, and the vein at the back.

    Parameters
    ----------
    mask : (x, y, z) array of bool
        The body's voxels.
    place : three slices
        Where ``mask`` lies in the image.
    """
    from scipy import ndimage

    dx, dy, dz = image.spacing_mm
    inside = np.zeros(mask.shape, dtype=bool)
    for at in range(mask.shape[2]):
        if mask[:, :, at].any():
            inside[:, :, at] = ndimage.distance_transform_edt(mask[:, :, at], (dx, dy)) > options.cortex_mm
    axes = [np.arange(part.start, part.stop) for part in place]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    offset = grid @ image.affine[:3, :3].T + image.affine[:3, 3] - np.array(level["centre_mm"])
    height, forward = offset @ np.array(level["up"]), offset @ np.array(level["front"])
    clear = max(2.5, level["height_mm"] / 2 - options.end_plate_mm - 0.6 * dz)
    back = -level["middle_to_back_mm"] + 0.35 * level["depth_mm"]
    core = inside & (np.abs(height) <= clear) & (forward >= back)
    hu = image.hu[place].astype(np.float32)
    return _even(core & ~_beside_dense(core, hu, (dx, dy)), hu)


def _beside_dense(core: Array, hu: Array, pixel_mm: tuple[float, float]) -> Array:
    """Tell what lies in or beside dense bone: a bridge between two bodies makes the wall thicker than it is thought."""
    from scipy import ndimage

    if not core.any():
        return core
    smooth = ndimage.gaussian_filter(hu, (_SMOOTH_MM / pixel_mm[0], _SMOOTH_MM / pixel_mm[1], 0))
    clear = smooth < np.median(hu[core]) + _DENSE_HU
    near = [ndimage.distance_transform_edt(clear[:, :, at], pixel_mm) for at in range(clear.shape[2])]
    return np.asarray(np.stack(near, axis=2) <= _BESIDE_MM)


def _even(core: Array, hu: Array) -> Array:
    """Leave out outer slices that differ from the rest: a tilted end plate or disc reaches into them."""
    core = core.copy()
    while True:
        used = np.flatnonzero(core.any(axis=(0, 1)))
        if len(used) < 3:
            return core
        means = np.array([hu[:, :, at][core[:, :, at]].mean() for at in used])
        apart = np.abs(means - np.median(means))
        end = 0 if apart[0] >= apart[-1] else -1
        if apart[end] <= _UNEVEN_HU:
            return core
        core[:, :, used[end]] = False


def _uneven(core: Array, hu: Array) -> bool:
    """Say whether two halves differ by more than chance and a gradient of bone explain: along any of the three axes."""
    places, values = np.nonzero(core), hu[core]
    return any(_differ(where, values, most) for where, most in zip(places, _MOST_APART_HU, strict=True))


def _differ(places: Array, hu: Array, most_hu: float) -> bool:
    if np.ptp(places) == 0:
        return False
    middle = (places.min() + places.max()) / 2
    halves = [hu[places < middle], hu[places > middle]]
    chance = float(np.sqrt(sum(half.var() / half.size for half in halves)))
    return abs(float(halves[0].mean() - halves[1].mean())) > most_hu + 3 * chance


def _near(mask: Array, image: Image, margin_mm: float) -> tuple[tuple[slice, ...], Array] | None:
    parts = []
    for axis in range(3):
        other = tuple(number for number in range(3) if number != axis)
        used = np.flatnonzero(mask.any(axis=other))
        if not len(used):
            return None
        margin = int(np.ceil((margin_mm if axis < 2 else 0.0) / image.spacing_mm[axis]))
        parts.append(slice(max(0, int(used[0]) - margin), min(mask.shape[axis], int(used[-1]) + margin + 1)))
    place = tuple(parts)
    return place, mask[place]


def _read_labels(path: Path) -> Array:
    nib = nibabel()
    turned = nib.as_closest_canonical(nib.load(path))
    return np.asanyarray(turned.dataobj)


def _identity(name: str) -> dict[str, str]:
    """Read participant and session out of a BIDS file name."""
    found = {key: re.search(rf"(?:^|_)({key}-[A-Za-z0-9]+)", name) for key in ("sub", "ses")}
    return {
        "participant": found["sub"].group(1) if found["sub"] else stem_of(Path(name)),
        "session": found["ses"].group(1) if found["ses"] else "",
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
