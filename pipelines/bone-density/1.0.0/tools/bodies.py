"""Vertebral bodies: between two discs each, with an outline."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from images import Array
from scipy import ndimage
from straight import BACK_MM, FRONT_MM, SIDE_MM, StraightSpine

_HEIGHTS_MM = np.arange(16, 47)
"""Distances from disc to disc that a human spine has, crushed ones included."""
_USUAL_MM = 31.0
_ANGLES = np.deg2rad(np.arange(0, 360, 10))
"""From the patient's left (0) over the front (90)."""
_RADII_MM = np.arange(6.0, 33.0, 0.5)
_HARMONICS = 4
_INNER = 6
_FAT_HU = -30.0
_START_DEPTH_MM = 15.0
_LEAST_EVIDENCE = 0.4
_THIN_DISC_MM = 4
_LEAST_APART_MM = 14
_NEVER = -9.0
_EDGE_MM = 2
_DOUBTFUL_MM = 4
"""The scan's own end looks like the end of bone."""
_LEAST_CONTRAST_HU = 12.0
_FAT_AT_MOST_HU = 25.0
_SETTLE_MM = 8
_PLATE_REACH_MM = 9
_STEEP_HU = 20.0
_HALF_CLEAR_HU = 40.0
_OF_CONTRAST = 1.5
_SLOPES = np.tan(np.deg2rad(np.arange(-24, 25, 8)))
_HEIGHT_MM = (9.0, 42.0)
_WIDTH_MM = (24.0, 66.0)
_DEPTH_MM = (15.0, 52.0)


@dataclass(frozen=True, slots=True)
class Body:
    """One vertebral body in the straight spine, all in mm.

    Parameters
    ----------
    low, high : float
        Heights of the end plates' outer sides.
    low_slope, high_slope : float
        How much the end plates rise per mm forwards.
    disc_below, disc_above : float
        Heights of the middle of the discs.
    u, v : float
        Centre, sideways from the canal's midline and ahead of its front wall.
    radius : (36,) array
        Distance from the centre to the outer side of the cortex, every 10 degrees from the patient's left.
    """

    low: float
    high: float
    low_slope: float
    high_slope: float
    disc_below: float
    disc_above: float
    u: float
    v: float
    radius: Array

    @property
    def height(self) -> float:
        """Distance between the end plates, mm."""
        return self.high - self.low

    @property
    def depth(self) -> float:
        """Distance from the posterior to the anterior wall, mm."""
        return float(self.radius[9] + self.radius[27])

    @property
    def width(self) -> float:
        """Distance from side to side, mm."""
        return float(self.radius[0] + self.radius[18])

    @property
    def odd(self) -> bool:
        """Whether the outline has not the size of a vertebra's."""
        shape = self.width / max(self.depth, 1.0)
        return not (_within(self.width, _WIDTH_MM) and _within(self.depth, _DEPTH_MM) and 0.95 <= shape <= 2.2)


@dataclass(frozen=True, slots=True)
class Profiles:
    """What the bone looks like at each height: the middle of the body, and its wall."""

    core: Array
    wall: Array


def find_bodies(spine: StraightSpine) -> tuple[Body, ...]:
    """Find the complete vertebral bodies, from below upwards."""
    smooth = ndimage.gaussian_filter(np.nan_to_num(spine.hu, nan=-1000.0), 0.7)
    inside = np.isfinite(spine.hu[:, SIDE_MM - 12 : SIDE_MM + 13]).mean(axis=1, keepdims=True)
    views = [_view(_sheared(inside, slope)) for slope in _SLOPES]
    if not any(views):
        return ()
    tilted = [_held(bone_profiles(_sheared(smooth, slope)), view) for slope, view in zip(_SLOPES, views, strict=True)]
    by_slope = np.array([disc_evidence(profiles) for profiles in tilted])
    by_slope -= 0.02 * np.abs(np.arange(len(_SLOPES)) - len(_SLOPES) // 2)[:, None]
    for row, view in zip(by_slope, views, strict=True):
        row[: view.start] = row[view.stop :] = _NEVER
        row[view.start : view.start + _DOUBTFUL_MM] *= 0.3
        row[max(view.start, view.stop - _DOUBTFUL_MM) : view.stop] *= 0.3
    cores, walls = (np.array([getattr(one, what) for one in tilted]) for what in ("core", "wall"))
    contrast = _contrast(cores, walls, views)
    clear = np.maximum(0.0, contrast.max(axis=0))
    evidence = by_slope.max(axis=0) + _OF_CONTRAST * clear / (clear + _HALF_CLEAR_HU)
    discs = _apart([_settled(contrast, cores, at) for at in find_discs(evidence)])
    found = [_body(smooth, below, above) for below, above in pairwise(discs)]
    return tuple(_believed(found, evidence))


@dataclass(frozen=True, slots=True)
class Disc:
    """The middle of a disc: its height and rise per mm forwards, and the middle's brightness along that slope.

    ``core`` is None where the disc is too thin to be seen between its end plates.
    """

    at: int
    slope: float
    core: Array | None


def _contrast(cores: Array, walls: Array, views: list[range]) -> Array:
    """Say how much darker each height is than the end plates close above and below it.

    The inside of a body is dark between its own end plates too, but there the wall is bright: the smaller of both
    counts.

    Parameters
    ----------
    cores, walls : (slope, s) array, HU
    views : list of range
        For each slope, the heights that are in the scan.

    Returns
    -------
    (slope, s) array, HU
        Minus infinity outside the view; steep slopes have to show more.
    """
    first, last = min(view.start for view in views if view), max(view.stop for view in views if view) - 1
    contrast = np.minimum(_dip(cores, first, last), _dip(walls, first, last)) - _STEEP_HU * np.abs(_SLOPES)[:, None]
    for row, view in zip(contrast, views, strict=True):
        row[: view.start] = row[view.stop :] = -np.inf
    return contrast


def _dip(profiles: Array, first: int, last: int) -> Array:
    above, below = _plates(profiles, np.arange(profiles.shape[1]), first, last)
    return np.asarray(np.minimum(above, below) - profiles)


def _settled(contrast: Array, cores: Array, at: int) -> Disc:
    """Move a disc to where, and tilt it so that, it is darkest between the brightest end plates."""
    seen = np.flatnonzero(np.isfinite(contrast.max(axis=0)))
    first, last = int(seen[0]), int(seen[-1])
    places = np.arange(max(first, at - _SETTLE_MM), min(last, at + _SETTLE_MM) + 1)
    near = contrast[:, places] - 2.0 * np.abs(places - at)
    slope, place = np.unravel_index(near.argmax(), near.shape)
    if near[slope, place] < _LEAST_CONTRAST_HU:  # a disc thinner than a slice shows in the wall alone
        return Disc(at, 0.0, None)
    core, middle = cores[slope], int(places[place])
    above, below = _plates(core[None], np.array([middle]), first, last)
    half = (core[middle] + min(above[0, 0], below[0, 0])) / 2
    high = low = middle
    while high < last and high - middle < _PLATE_REACH_MM and core[high + 1] < half:
        high += 1
    while low > first and middle - low < _PLATE_REACH_MM and core[low - 1] < half:
        low -= 1
    return Disc(round((low + high) / 2), float(_SLOPES[slope]), core)


def _plates(profile: Array, places: Array, first: int, last: int) -> tuple[Array, Array]:
    """Return the brightest within reach above and below each place."""
    reach = np.arange(1, _PLATE_REACH_MM + 1)
    above = profile[:, np.minimum(places[:, None] + reach, last)].max(axis=2)
    below = profile[:, np.maximum(places[:, None] - reach, first)].max(axis=2)
    return above, below


def _apart(discs: list[Disc]) -> list[Disc]:
    """Keep one of several discs that settled on the same place."""
    kept: list[Disc] = []
    for disc in sorted(discs, key=lambda disc: disc.at):
        if not kept or disc.at - kept[-1].at >= _LEAST_APART_MM:
            kept.append(disc)
    return kept


def _sheared(hu: Array, slope: float) -> Array:
    """Lay planes that rise forwards by ``slope`` flat; they keep their height in the middle of the body."""
    if slope == 0:
        return hu
    flat = np.empty_like(hu)
    heights = np.arange(hu.shape[0])
    for column in range(hu.shape[2]):
        rise = round(slope * (column - BACK_MM - _START_DEPTH_MM))
        flat[:, :, column] = hu[np.clip(heights + rise, 0, len(heights) - 1), :, column]
    return flat


def _view(inside: Array) -> range:
    """Return the heights whose plane is in the scan; the outermost are mixed with what lies beyond it."""
    seen = np.flatnonzero(inside[:, 0, BACK_MM + 2 : BACK_MM + 26].mean(axis=1) > 0.97)
    return range(int(seen[0]) + _EDGE_MM, int(seen[-1]) + 1 - _EDGE_MM) if len(seen) > 2 * _EDGE_MM else range(0)


def _held(profiles: Profiles, view: range) -> Profiles:
    """Go on beyond the scan's ends with the last values seen."""
    if not view:
        return profiles
    at = np.clip(np.arange(len(profiles.core)), view.start, view.stop - 1)
    return Profiles(profiles.core[at], profiles.wall[at])


def _believed(found: list[Body], evidence: Array) -> list[Body]:
    """Keep the longest row of neighbours with clear discs and the height of vertebrae.

    Within the row an outline may be odd (metal does that); at its ends it may not.
    """
    rows: list[list[Body]] = [[]]
    for body in found:
        clear = min(_best_near(evidence, body.disc_below), _best_near(evidence, body.disc_above)) >= _LEAST_EVIDENCE
        if clear and _within(body.height, _HEIGHT_MM):
            rows[-1].append(body)
        else:
            rows.append([])
    longest = max(rows, key=len)
    plain = [at for at, body in enumerate(longest) if not body.odd]
    return longest[plain[0] : plain[-1] + 1] if plain else []


def _best_near(evidence: Array, height: float) -> float:
    at = int(height)
    return float(evidence[max(0, at - 4) : at + 5].max())


def _within(size: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= size <= limits[1]


def bone_profiles(hu: Array) -> Profiles:
    """Measure, for each height, the median HU of the middle and the median HU of the wall around it."""
    core = hu[:, SIDE_MM - 8 : SIDE_MM + 9, BACK_MM + 8 : BACK_MM + 22]
    around = np.deg2rad(np.arange(-35, 216, 10))
    rays = _along_rays(hu, np.arange(hu.shape[0], dtype=float), (0.0, _START_DEPTH_MM), around, np.arange(8.0, 30.0))
    return Profiles(np.median(core, axis=(1, 2)), np.median(rays.max(axis=2), axis=1))


def disc_evidence(profiles: Profiles) -> Array:
    """Say of each height how much it looks like a disc: two bright end plates close by, and no wall."""
    core, wall = profiles.core, profiles.wall
    plain = ndimage.percentile_filter(core, 35, 31, mode="nearest")
    plates = np.max([(_shifted(core, w) + _shifted(core, -w)) / 2 for w in range(6)], axis=0) - plain
    dip = ndimage.percentile_filter(wall, 60, 41, mode="nearest") - wall
    lift = np.maximum(0.0, core - plain) * 0.3
    evidence = _scaled(plates) + _scaled(dip) - _scaled(lift) * 0.3
    # Round a disc lie its ring and the muscles; where there is fat, the line has left the spine.
    return np.asarray(np.where(wall < _FAT_AT_MOST_HU, np.minimum(evidence, 0.0), evidence))


def find_discs(evidence: Array) -> tuple[int, ...]:
    """Choose heights of discs so that they have most evidence and no vertebra differs much from the next.

    A disc seen in the middle of every body is no better than none: heights far from the usual cost.
    Dynamic programming over the height of a disc and the distance to the disc below.
    """
    count, kinds = len(evidence), len(_HEIGHTS_MM)
    gain = evidence - 0.5
    change = 8.0 * np.log(_HEIGHTS_MM[:, None] / _HEIGHTS_MM[None, :]) ** 2
    unusual = 3.0 * np.log(_HEIGHTS_MM / _USUAL_MM) ** 2
    best = np.full((count, kinds), -np.inf)
    back = np.full((count, kinds), -1)
    for at in range(count):
        below = at - _HEIGHTS_MM
        usable = np.flatnonzero(below >= 0)
        for kind in usable:
            start = below[kind]
            chain = best[start] - change[kind]
            previous = int(chain.argmax())
            first = gain[start]
            goes_on = chain[previous] > first
            best[at, kind] = gain[at] - unusual[kind] + (chain[previous] if goes_on else first)
            back[at, kind] = previous if goes_on else -1
    return _traced(best, back)


def outline_mask(body: Body) -> Array:
    """Tell which (u, v) places of the straight spine lie inside a body's outline.

    Returns
    -------
    (u, v) array of bool
    """
    u = np.arange(-SIDE_MM, SIDE_MM + 1.0)[:, None] - body.u
    v = np.arange(-BACK_MM, FRONT_MM + 1.0)[None, :] - body.v
    angle = np.mod(np.arctan2(v, u), 2 * np.pi)
    edge = np.interp(angle, np.append(_ANGLES, 2 * np.pi), np.append(body.radius, body.radius[0]))
    return np.asarray(np.hypot(u, v) <= edge)


def body_mask(body: Body, shape: tuple[int, ...]) -> Array:
    """Tell which places of the straight spine belong to a body.

    Returns
    -------
    (s, u, v) array of bool
    """
    ahead = np.arange(-BACK_MM, FRONT_MM + 1.0) - _START_DEPTH_MM
    heights = np.arange(shape[0])[:, None, None]
    between = (heights >= body.low + body.low_slope * ahead) & (heights <= body.high + body.high_slope * ahead)
    return np.asarray(between & outline_mask(body)[None])


def _scaled(values: Array) -> Array:
    top = float(np.percentile(values, 95))
    return np.clip(values / max(top, 20.0), -1.0, 1.5)


def _shifted(values: Array, by: int) -> Array:
    if by == 0:
        return values
    padded = np.pad(values, abs(by), mode="edge")
    start = abs(by) + by
    return padded[start : start + len(values)]


def _traced(best: Array, back: Array) -> tuple[int, ...]:
    if not np.isfinite(best).any():
        return ()
    at, kind = (int(place) for place in np.unravel_index(best.argmax(), best.shape))
    discs = [at]
    while True:
        previous = int(back[at, kind])
        at -= int(_HEIGHTS_MM[kind])
        discs.append(at)
        if previous < 0:
            return tuple(reversed(discs))
        kind = previous


def _body(hu: Array, below: Disc, above: Disc) -> Body:
    low, high = _plate(below.core, below.at, above.at), _plate(above.core, above.at, below.at)
    margin = 0.25 * (high - low)
    heights = np.arange(np.ceil(low + margin), np.floor(high - margin) + 1)
    u, v = 0.0, _START_DEPTH_MM
    for _ in range(3):
        radius = _outline(np.mean(_along_rays(hu, heights, (u, v), _ANGLES, _RADII_MM), axis=0), v)
        u += float(np.mean(radius * np.cos(_ANGLES))) * 0.9
        v += float(np.mean(radius * np.sin(_ANGLES))) * 0.9
    radius = _outline(np.mean(_along_rays(hu, heights, (u, v), _ANGLES, _RADII_MM), axis=0), v)
    return Body(low, high, below.slope, above.slope, float(below.at), float(above.at), u, v, radius)


def _plate(core: Array | None, disc: int, other: int) -> float:
    """Return the height of the outer side of the end plate that faces a disc."""
    step = 1 if other > disc else -1
    if core is None:
        return float(disc + step * _THIN_DISC_MM)
    reach = min(12, abs(other - disc) // 2)
    values = core[disc : disc + step * reach : step] if disc + step * reach >= 0 else core[disc::-1]
    peak = int(values.argmax())
    half = (values[: peak + 1].min() + values[peak]) / 2
    outside = np.flatnonzero(values[: peak + 1] < half)
    first = int(outside[-1]) + 1 if len(outside) else 0
    return float(disc + step * max(1, first))


def _along_rays(hu: Array, heights: Array, centre: tuple[float, float], angles: Array, radii: Array) -> Array:
    """Sample (height, angle, radius) around a centre (u, v)."""
    u = SIDE_MM + centre[0] + radii[None, :] * np.cos(angles)[:, None]
    v = BACK_MM + centre[1] + radii[None, :] * np.sin(angles)[:, None]
    shape = (len(heights), *u.shape)
    where = [np.broadcast_to(axis, shape) for axis in (heights[:, None, None], u[None], v[None])]
    return np.asarray(ndimage.map_coordinates(hu, where, order=1, mode="nearest"))


def _outline(rays: Array, depth: float) -> Array:
    """Follow the outer side of the cortex around a body; pedicles, osteophytes and vessels are outvoted."""
    core = float(np.median(rays[:, _RADII_MM < 12]))
    peak = np.array([_cortex(ray, core) for ray in rays])
    trust = np.ones(len(_ANGLES))
    backwards = np.sin(_ANGLES) < -0.5
    straight_back = np.sin(_ANGLES) < -0.93
    peak = np.where(backwards, np.minimum(peak, depth / np.maximum(0.5, -np.sin(_ANGLES)) + 0.5), peak)
    peak = np.where(straight_back, depth / np.maximum(0.5, -np.sin(_ANGLES)), peak)
    pedicle = (np.sin(_ANGLES) < -0.3) & ~straight_back
    base = np.where(pedicle, 0.15, 1.0)
    order = np.arange(1, _HARMONICS + 1)
    waves = np.concatenate([np.cos(np.outer(_ANGLES, order)), np.sin(np.outer(_ANGLES, order))], axis=1)
    design = np.column_stack([np.ones(len(_ANGLES)), waves])
    penalty = np.diag([0.0, *(0.3 * np.tile(order, 2) ** 2 * 0.2)])
    fitted = peak
    for _ in range(5):
        weight = base * trust
        solved = np.linalg.solve(design.T @ (weight[:, None] * design) + penalty, design.T @ (weight * peak))
        fitted = design @ solved
        trust = 1 / (1 + ((peak - fitted) / 2.0) ** 2)
    return np.asarray(np.clip(fitted, 8.0, 32.0))


def _cortex(ray: Array, core: float) -> float:
    """Return the radius of the outer half height of the first strong wall on a ray, else of the body's own edge."""
    # What lies beyond fat, a vessel full of contrast medium say, may be brighter than a thin wall and is none.
    fat = np.flatnonzero(ray[_INNER:] < _FAT_HU)
    ray = ray[: _INNER + int(fat[0]) + 1] if len(fat) else ray
    top = float(ray.max())
    peak = 0
    if top > core + 40:
        peak = int(np.flatnonzero(ray >= core + 0.6 * (top - core))[0])
        while peak + 1 < len(ray) and ray[peak + 1] >= ray[peak]:
            peak += 1
    beyond = ray[peak : peak + 12] if peak else ray
    half = (ray[peak] + beyond.min()) / 2
    below = np.flatnonzero(beyond < half)
    outer = peak + (int(below[0]) if len(below) else 2)
    return float(_RADII_MM[min(outer, len(_RADII_MM) - 1)])
