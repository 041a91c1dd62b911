"""Everything of the trunk that is not bone."""

import math

import numpy as np

from voxpop.demo.phantom.anatomy import Body
from voxpop.demo.phantom.canvas import Axis, Canvas, Volume

AIR_HU, FAT_HU, MUSCLE_HU = -1000.0, -102.0, 56.0
WALL_MM = 13.0


def paint_trunk(canvas: Canvas, body: Body) -> None:
    """Paint table, skin, fat, the muscle wall and the fat inside; then lungs, organs, muscles and vessels."""
    _paint_table(canvas, body)
    depth = _paint_layers(canvas, body)
    _paint_lungs(canvas, body, depth)


def paint_inside(canvas: Canvas, body: Body, rng: np.random.Generator) -> None:
    """Paint organs, the muscles along the spine, and the great vessels."""
    _paint_organs(canvas, body, rng)
    _paint_muscles(canvas, body)
    _paint_vessels(canvas, body, rng)


def _paint_table(canvas: Canvas, body: Body) -> None:
    y, x = canvas.y[:, None], canvas.x[None, :]
    top = body.half_depth_mm * 0.94 + 4 - 14 * (x / 210.0) ** 2
    distance = np.maximum(np.maximum(top - y, y - top - 26), np.abs(x) - 205)
    cover = np.clip(0.5 - distance / canvas.edge_mm, 0, 1)
    core = np.clip(0.5 - (distance + 2.0) / canvas.edge_mm, 0, 1)
    canvas.hu[...] = (AIR_HU + cover * (-120 - AIR_HU) + core * (-930 + 120)).astype(np.float32)


def _paint_layers(canvas: Canvas, body: Body) -> Volume:
    """Paint skin, fat and the wall; returns the distance from the skin, mm, negative inside."""
    y, x = canvas.y[:, None], canvas.x[None, :]
    half_depth = np.where(y > 0, body.half_depth_mm * 0.94, body.half_depth_mm * 1.04)
    flat = (np.abs(x / body.half_width_mm) ** 2.25 + np.abs(y / half_depth) ** 2.25) ** (1 / 2.25)
    radius = np.hypot(x, y) / np.maximum(flat, 1e-3)
    waist = body.vertebra("L3").centre[2]
    swell = (1 + 0.035 * np.cos((canvas.z - waist + 90) / 75)).astype(np.float32)[:, None, None]
    distance = ((flat[None] / swell - 1) * radius[None]).astype(np.float32)
    front = (1 + 0.45 * np.clip(-y / body.half_depth_mm, -0.4, 1)).astype(np.float32)[None]
    everything = canvas.block((-1e4, -1e4, -1e4), (1e4, 1e4, 1e4))
    assert everything is not None
    fat = body.fat_mm * front
    for inset, hu in ((0.0, 40.0), (1.6, FAT_HU), (fat, MUSCLE_HU), (fat + WALL_MM, FAT_HU + 4)):
        canvas.fill(everything, distance + inset, hu)
    cavity: Volume = (distance + fat + WALL_MM).astype(np.float32)
    return cavity


def _paint_lungs(canvas: Canvas, body: Body, cavity: Volume) -> None:
    """Paint the bases of the lungs: a crescent that reaches lowest at the back, to T12."""
    base = body.vertebra("T12").centre[2] + 4
    first = int(np.searchsorted(canvas.z, base - 5))
    if first >= canvas.z.size:
        return
    z = canvas.z[first:][:, None, None]
    lift = (45 * np.clip((30 - canvas.y) / 90, 0, 1.4)).astype(np.float32)[None, :, None]
    thick = np.clip((z - base - lift) * 0.75, -20, 60)
    part = cavity[first:]
    middle = 34 - np.abs(canvas.x)[None, None, :]
    distance = np.maximum(np.maximum(part + 1.5, -(part + thick)), middle)
    block = canvas.block((-1e4, -1e4, float(canvas.z[first])), (1e4, 1e4, 1e4))
    if block is not None and block.hu.shape[0] >= distance.shape[0]:
        canvas.fill(block._replace(hu=block.hu[-distance.shape[0] :]), distance, -845.0)


def _paint_organs(canvas: Canvas, body: Body, rng: np.random.Generator) -> None:
    w, d = body.half_width_mm - body.fat_mm - 28, body.half_depth_mm - body.fat_mm - 28
    z = {level: body.vertebra(level).centre[2] for level in ("T11", "T12", "L1", "L2", "L3", "L4", "L5")}
    plus = 1.0 if body.contrast else 0.0
    canvas.ellipsoid((-0.52 * w, -0.12 * d, z["T12"] + 8), (0.50 * w, 0.80 * d, 78), 57 + 48 * plus)
    canvas.ellipsoid((-0.05 * w, -0.52 * d, z["T12"] + 10), (0.45 * w, 0.36 * d, 40), 57 + 48 * plus)
    canvas.ellipsoid((0.74 * w, 0.42 * d, z["T12"]), (0.20 * w, 0.42 * d, 46), 48 + 60 * plus)
    canvas.ellipsoid((0.42 * w, -0.35 * d, z["L1"] + 10), (0.32 * w, 0.36 * d, 34), 32)
    canvas.ellipsoid((0.44 * w, -0.52 * d, z["L1"] + 16), (0.20 * w, 0.16 * d, 22), -880)
    for side, level in ((-1, "L2"), (1, "L1")):
        middle = (side * 0.56 * w, 0.55 * d, z[level] - 6)
        canvas.ellipsoid(middle, (27, 25, 55), 31 + 140 * plus)
        canvas.ellipsoid((middle[0] - side * 12, middle[1] - 4, middle[2]), (12, 10, 26), -60 + 20 * plus)
    for _ in range(16):
        angle, out = rng.uniform(math.pi * 0.95, math.pi * 2.05), rng.uniform(0.25, 0.78)
        place = (out * w * math.cos(angle), out * d * math.sin(angle) - 0.05 * d, rng.uniform(z["L5"] - 40, z["L2"]))
        size = rng.uniform(12, 19)
        canvas.ellipsoid(place, (size, size * rng.uniform(0.8, 1.1), size * rng.uniform(1, 1.8)), rng.uniform(22, 46))
        if rng.uniform() < 0.3:
            canvas.ellipsoid((place[0], place[1] - size * 0.3, place[2]), (size * 0.6, size * 0.4, size * 0.8), -870)
    for side in (-1, 1):
        canvas.ellipsoid((side * 0.80 * w, 0.05 * d, z["L3"]), (20, 21, 60), 15)
        canvas.ellipsoid((side * 0.80 * w, -0.03 * d, z["L3"]), (14, 12, 46), -800)


def _paint_muscles(canvas: Canvas, body: Body) -> None:
    z, y = canvas.z, body.spine_y(canvas.z)
    l1, l5 = body.vertebra("L1").centre[2], body.vertebra("L5").centre[2]
    down = np.clip((l1 - z) / (l1 - l5), 0, 1.4).astype(np.float32)
    zero = np.zeros_like(z)
    for side in (-1, 1):
        es = np.full_like(z, 27.0)
        canvas.column((zero + side * 31, y + 47), (es + 3, es - 6), MUSCLE_HU - 6)
        ps = np.where(down > 0, 7 + 14 * down, 0).astype(np.float32)
        x = (side * (26 + 14 * down)).astype(np.float32)
        canvas.column((x, y + 5 - 12 * np.maximum(down - 0.8, 0)), (ps * 0.95, ps * 1.15), MUSCLE_HU)
        ql = np.where((z < l1 + 5) & (z > l5), 1.0, 0.0).astype(np.float32)
        canvas.column((zero + side * 64, y + 27), (ql * 18, ql * 10), MUSCLE_HU - 3)


def _paint_vessels(canvas: Canvas, body: Body, rng: np.random.Generator) -> None:
    z, y = canvas.z, body.spine_y(canvas.z)
    fork = body.vertebra("L4").centre[2] - 10
    front = y - body.vertebra("L3").depth_mm / 2 - 12
    blood = 210.0 if body.contrast else 42.0
    zero = np.zeros_like(z)
    above = np.where(z > fork, 1.0, 0.0).astype(np.float32)
    below = (1 - above).astype(np.float32)
    spread = (np.maximum(fork - z, 0) * 0.55).astype(np.float32)
    canvas.column((zero - 20, front + 1), (above * 12, above * 10), blood * (0.75 if body.contrast else 1.0))
    canvas.column((zero + 8, front), (above * 10, above * 10), blood)
    for side, width in ((-1, 6.5), (1, 6.5)):
        canvas.column((8 + side * (4 + spread), front + spread * 0.35), (below * width, below * width), blood)
        canvas.column((-16 + side * (3 + spread), front + 9 + spread * 0.5), (below * 7, below * 7), 44.0)
    if body.calcified_aorta:
        _paint_calcium(canvas, (8.0, front), fork, rng)


def _paint_calcium(canvas: Canvas, centre: tuple[float, Axis], fork: float, rng: np.random.Generator) -> None:
    """Paint plaques into the aortic wall, most at the back, a hand's breadth from the vertebral bodies."""
    for _ in range(26):
        at = int(rng.integers(0, canvas.z.size))
        if canvas.z[at] <= fork:
            continue
        angle = rng.uniform(0, 2 * math.pi)
        place = (centre[0] + 9.5 * math.cos(angle), float(centre[1][at]) + 9.5 * math.sin(angle), float(canvas.z[at]))
        canvas.ellipsoid(place, (rng.uniform(1.5, 3), rng.uniform(1.5, 3), rng.uniform(3, 8)), rng.uniform(450, 900))
