"""Bones: vertebrae with discs and posterior elements, ribs, sacrum and ilium, and screws."""

import math

import numpy as np

from voxpop.demo.phantom.anatomy import Body, Vertebra
from voxpop.demo.phantom.canvas import Block, Bone, Canvas, Point, Volume, smooth_path

ARCH = Bone(560.0, 1.1, 210.0)
RIB = Bone(520.0, 1.2, 130.0)
METAL = Bone(3071.0, 0.5, 3071.0)
SIDES = (-1.0, 1.0)
ROUNDNESS = 2.4


def paint_spine(canvas: Canvas, body: Body) -> None:
    """Paint canal, discs, vertebrae and the sacrum's bodies."""
    _paint_canal(canvas, body)
    for upper, lower in zip(body.vertebrae, [*body.vertebrae[1:], body.sacrum], strict=True):
        _paint_disc(canvas, upper, lower)
    for vertebra in body.vertebrae:
        _paint_posterior(canvas, vertebra)
    for vertebra in (*body.vertebrae, body.sacrum):
        _paint_body(canvas, vertebra)
    _paint_lower_sacrum(canvas, body.sacrum)


def paint_screws(canvas: Canvas, body: Body) -> None:
    """Paint two pedicle screws with the dark and bright bands that metal throws over its slices."""
    if body.screws_at is None:
        return
    vertebra = body.vertebra(body.screws_at)
    for side in SIDES:
        head = vertebra.place(side * 22, vertebra.depth_mm / 2 + 24, 6)
        tip = vertebra.place(side * 8, -vertebra.depth_mm / 4, 3)
        canvas.capsule(head, tip, 2.6, METAL)
    x, y, z = vertebra.place(0, vertebra.depth_mm / 2, 4)
    fade = np.exp(-(((canvas.z - z) / 9.0) ** 2))[:, None, None]
    dx, dy = canvas.x[None, :] - x, canvas.y[:, None] - y
    angle = np.arctan2(dy, dx)
    streak = 260 * np.cos(9 * angle) * np.exp(-np.hypot(dx, dy) / 70) - 90 * np.exp(-np.hypot(dx, dy) / 30)
    canvas.hu[...] += np.where(canvas.hu > -300, fade * streak, 0).astype(np.float32)


def paint_ribs(canvas: Canvas, body: Body) -> None:
    """Paint the ninth to the twelfth pair of ribs; the twelfth is short and the last."""
    turns = {"T9": 2.5, "T10": 2.2, "T11": 1.2, "T12": 0.5}
    for level, end in turns.items():
        vertebra = body.vertebra(level)
        for side in SIDES:
            canvas.tube(smooth_path(_rib_path(body, vertebra, side, end)), 4.6, RIB)


def paint_pelvis(canvas: Canvas, body: Body) -> None:
    """Paint the sacral alae and the iliac wings; the crests reach the level of the L4 to L5 disc."""
    sacrum = body.sacrum
    bone = Bone(480.0, 1.3, 110.0)
    for side in SIDES:
        for up, end in ((4.0, 40.0), (-12.0, 42.0), (-26.0, 36.0)):
            canvas.capsule(sacrum.place(side * 16, 2, up - 4), sacrum.place(side * end, 14, up - 8), 12.5, bone)
        _paint_ilium(canvas, body, side)


def _local(block: Block, vertebra: Vertebra) -> tuple[Volume, Volume, Volume]:
    c, s = math.cos(vertebra.tilt_rad), math.sin(vertebra.tilt_rad)
    x, y, z = vertebra.centre
    dy, dz = block.y - y, block.z - z
    return block.x - x, dy * c + dz * s, dz * c - dy * s


def _outline(u: Volume, v: Volume, half_width: Volume | float, half_depth: Volume | float) -> tuple[Volume, Volume]:
    """Return distance to the wall of a vertebral body, mm, and the place between axis (0) and wall (1)."""
    flat = np.abs(u / half_width) ** ROUNDNESS + np.abs(v / half_depth) ** ROUNDNESS
    place = flat ** (1 / ROUNDNESS)
    radius = np.hypot(u, v)
    distance = radius * (1 - 1 / np.maximum(place, 1e-3))
    hollow = 2.6 * np.exp(-((u / 9.0) ** 2)) * (v > 0)  # the back wall is hollow towards the canal
    return distance + hollow, place


def _paint_body(canvas: Canvas, vertebra: Vertebra) -> None:
    half = vertebra.height_mm / 2
    reach = max(half, vertebra.depth_mm / 2) + 6
    block = canvas.block(
        _shift(vertebra.centre, -vertebra.width_mm / 2 - 2, -reach, -reach),
        _shift(vertebra.centre, vertebra.width_mm / 2 + 2, reach, reach),
    )
    if block is None:
        return
    u, v, w = _local(block, vertebra)
    waist = 1 - 0.07 * np.clip(1 - (w / half) ** 2, 0, 1)
    wall, place = _outline(u, v, vertebra.width_mm / 2 * waist, vertebra.depth_mm / 2 * waist)
    dish = 1.4 * np.clip(1 - place**2, 0, 1)
    distance = np.maximum(wall, np.abs(w) - half + dish)
    canvas.fill_bone(block, distance, Bone(vertebra.shell_hu, vertebra.shell_mm, vertebra.trabecular_hu))


def _paint_disc(canvas: Canvas, upper: Vertebra, lower: Vertebra) -> None:
    top = upper.place(0, 0, -upper.height_mm / 2)
    bottom = lower.place(0, 0, lower.height_mm / 2)
    middle: Point = ((top[0] + bottom[0]) / 2, (top[1] + bottom[1]) / 2, (top[2] + bottom[2]) / 2)
    tilt = (upper.tilt_rad + lower.tilt_rad) / 2
    width = (upper.width_mm + lower.width_mm) / 2
    frame = Vertebra("", middle, upper.disc_mm + 8, width, upper.depth_mm, tilt, 0, 0, 0, 0, 0)
    reach = upper.depth_mm / 2 + 6
    block = canvas.block(_shift(middle, -width / 2, -reach, -reach), _shift(middle, width / 2, reach, reach))
    if block is None:
        return
    u, v, w = _local(block, frame)
    wall, _ = _outline(u, v, width / 2, upper.depth_mm / 2)
    canvas.fill(block, np.maximum(wall, np.abs(w) - frame.height_mm / 2), upper.disc_hu)


def _paint_canal(canvas: Canvas, body: Body) -> None:
    """Fill the canal with fat, and the dural sac inside it."""
    chain = [*reversed(body.vertebrae)]
    places = [body.sacrum.place(0, 25, 0), *(v.place(0, v.depth_mm / 2 + 8, 0) for v in chain)]
    heights = [p[2] for p in places]
    x = np.interp(canvas.z, heights, [p[0] for p in places]).astype(np.float32)
    y = np.interp(canvas.z, heights, [p[1] for p in places]).astype(np.float32)
    full = np.full_like(x, 1.0)
    canvas.column((x, y), (full * 12.5, full * 9.5), -60.0)
    canvas.column((x, y - 0.5), (full * 10, full * 7.5), 25.0)


def _paint_posterior(canvas: Canvas, v: Vertebra) -> None:
    back, k = v.depth_mm / 2, v.height_mm / 28
    thoracic = v.level.startswith("T")
    hip = min(v.width_mm / 2 - 7, 18.0)
    tip = 20.0 if thoracic else 24.0
    drop = 20.0 if thoracic else 9.0
    for side in SIDES:
        rods = [
            ((side * hip * 0.82, back - 4, 6 * k), (side * hip * 0.82, back + 12, 5 * k), 5.2),  # pedicle
            ((side * hip * 0.82, back + 13, 2 * k), (side * 3, back + 22, -6 * k), 4.2),  # lamina
            ((side * hip * 0.9, back + 14, 17 * k), (side * hip * 0.9, back + 15, 3 * k), 4.6),  # upper facet
            ((side * hip * 0.75, back + 19, -2 * k), (side * hip * 0.75, back + 19, -20 * k), 4.6),  # lower facet
        ]
        rods.append(_transverse(v, side, hip, back, k))
        for start, end, radius in rods:
            canvas.capsule(v.place(*start), v.place(*end), radius, ARCH)
    for up in (2.0, -3.0, -8.0):
        canvas.capsule(v.place(0, back + 23, (up - 3) * k), v.place(0, back + 22 + tip, (up - drop) * k), 3.4, ARCH)


def _transverse(v: Vertebra, side: float, hip: float, back: float, k: float) -> tuple[Point, Point, float]:
    reach = {"T12": 20.0, "L1": 34.0, "L2": 39.0, "L3": 43.0, "L4": 39.0, "L5": 37.0}.get(v.level, 26.0)
    start = (side * hip * 0.9, back + 11, 2 * k)
    if v.level.startswith("T"):
        return start, (side * reach, back + 22, 4 * k), 4.2
    return start, (side * reach, back + 15, 2 * k), 3.6


def _rib_path(body: Body, v: Vertebra, side: float, turn: float) -> list[Point]:
    """Return a rib from its head beside the vertebra, round the body inside the fat, ``turn`` radians to the front."""
    back = v.depth_mm / 2
    head = v.place(side * (v.width_mm / 2 - 1.0), back - 5, 4)
    neck = v.place(side * (v.width_mm / 2 + 12), back + 9, 2)
    a, b = body.half_width_mm - body.fat_mm - 9, body.half_depth_mm * 0.94 - body.fat_mm - 9
    first = math.atan2(52.0 / a, 1.0)
    points = [head, neck]
    slope = 58.0  # mm of descent a radian round the body
    for step in np.linspace(0, 1, 8):
        angle = first + step * turn
        x, y = v.centre[0] * 0.5 + side * a * math.sin(angle), b * math.cos(angle)
        points.append((x, min(y, neck[1] + 14 + 20 * (1 - step)), neck[2] - 6 - slope * step * turn))
    return points


def _paint_lower_sacrum(canvas: Canvas, sacrum: Vertebra) -> None:
    bone = Bone(sacrum.shell_hu, sacrum.shell_mm, sacrum.trabecular_hu)
    for k, (width, depth) in enumerate(((42.0, 24.0), (32.0, 18.0)), start=1):
        centre = sacrum.place(0, 4.0 * k, -27.0 * k)
        tilt = sacrum.tilt_rad + 0.12 * k
        below = Vertebra("", centre, 24, width, depth, tilt, bone.core_hu, bone.shell_hu, 1.2, 0, 0)
        _paint_body(canvas, below)
    for up in (8.0, -8.0, -24.0):
        canvas.capsule(sacrum.place(0, 36, up), sacrum.place(0, 44, up - 12), 4.5, ARCH)
    for side in SIDES:
        canvas.capsule(sacrum.place(side * 17, 18, 6), sacrum.place(side * 5, 37, -2), 5.0, ARCH)


def _paint_ilium(canvas: Canvas, body: Body, side: float) -> None:
    sacrum = body.sacrum
    crest = body.vertebra("L5").centre[2] + 10
    floor = sacrum.centre[2] - 70
    x0, y0 = sacrum.centre[0], sacrum.centre[1]
    wide = body.half_width_mm - body.fat_mm - 22
    block = canvas.block(
        (min(x0 + side * 30, x0 + side * wide) - 30, y0 - 90, floor),
        (max(x0 + side * 30, x0 + side * wide) + 30, y0 + 70, crest + 8),
    )
    if block is None:
        return
    t = np.clip((crest - block.z) / 55.0, 0, 1)
    ease = np.sqrt(t)
    apex = (x0 + side * (wide - 14), y0 + 2)
    hind = (apex[0] + ease * (x0 + side * 58 - apex[0]), apex[1] + ease * (y0 + 42 - apex[1]))
    fore = (apex[0] + ease * (x0 + side * wide - apex[0]), apex[1] + ease * (y0 - 62 - apex[1]))
    above = np.maximum(block.z - crest, 0)
    plane = np.minimum(_segment(block, hind, apex), _segment(block, apex, fore))
    canvas.fill_bone(block, np.hypot(plane, above) - 5.0, Bone(560.0, 1.8, 120.0))


def _segment(
    block: Block, start: tuple[Volume, Volume] | tuple[float, float], end: tuple[Volume, Volume] | tuple[float, float]
) -> Volume:
    """Return the distance, in the axial plane, to a segment whose ends may move with the height."""
    ax, ay = end[0] - start[0], end[1] - start[1]
    rx, ry = block.x - start[0], block.y - start[1]
    t = np.clip((rx * ax + ry * ay) / np.maximum(ax * ax + ay * ay, 1e-3), 0, 1)
    distance: Volume = np.hypot(rx - t * ax, ry - t * ay)
    return distance


def _shift(point: Point, dx: float, dy: float, dz: float) -> Point:
    return (point[0] + dx, point[1] + dy, point[2] + dz)
