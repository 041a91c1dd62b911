"""A picture of what was segmented: the midline from the side, and each vertebral body from above."""

from pathlib import Path
from typing import Any

import numpy as np
from images import Array, Image
from PIL import Image as Picture
from PIL import ImageDraw
from straight import StraightSpine

_PIXEL_MM = 0.8
_WINDOW_HU = (-150.0, 450.0)
_TILE_MM = 90.0
_COLOURS = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167))
"""Told apart by colour-blind people too (Okabe and Ito)."""


def draw_overlay(
    image: Image, labels: Array, spine: StraightSpine | None, levels: list[dict[str, Any]], path: Path
) -> None:
    """Draw the outlines of the labels over the scan; the same input gives the same bytes."""
    side, texts = _from_the_side(image, labels, spine, levels)
    tiles = [_from_above(image, labels, level) for level in reversed(levels)]
    tile = round(_TILE_MM / _PIXEL_MM)
    rows = max(1, side.height // tile)
    columns = -(-len(tiles) // rows)
    sheet = Picture.new("RGB", (side.width + columns * tile, max(side.height, tile)))
    sheet.paste(side, (0, 0))
    for number, picture in enumerate(tiles):
        sheet.paste(picture, (side.width + number // rows * tile, number % rows * tile))
    pen = ImageDraw.Draw(sheet)
    for (x, y), text in texts:
        pen.text((x, y), text, fill=(255, 255, 255), anchor="mm")
    for number, level in enumerate(reversed(levels)):
        corner = (side.width + number // rows * tile + 4, number % rows * tile + 3)
        pen.text(corner, str(level["level"]), fill=(255, 255, 255))
    sheet.save(path, format="PNG", optimize=False, compress_level=6)


def _from_the_side(
    image: Image, labels: Array, spine: StraightSpine | None, levels: list[dict[str, Any]]
) -> tuple[Picture.Image, list[tuple[tuple[float, float], str]]]:
    """Draw the curved midline: the front is on the right, the head on top."""
    count = image.hu.shape[2]
    heights = np.arange(count) * image.spacing_mm[2]
    if spine is None:
        middle = np.full(count, image.hu.shape[0] // 2)
    else:
        x = np.interp(heights, spine.points_mm[:, 2], spine.points_mm[:, 0]) / image.spacing_mm[0]
        middle = np.clip(np.round(x).astype(int), 0, image.hu.shape[0] - 1)
    at = np.arange(count)
    hu, mask = image.hu[middle, :, at], labels[middle, :, at]
    picture = _drawn(hu.T, mask.T, (image.spacing_mm[1], image.spacing_mm[2]))
    texts = []
    for level in levels:
        place = np.linalg.solve(image.affine[:3, :3], np.array(level["centre_mm"]) - image.affine[:3, 3])
        texts.append((_on_picture(place[1:], image.spacing_mm[1:], picture), str(level["level"])))
    return picture, texts


def _from_above(image: Image, labels: Array, level: dict[str, Any]) -> Picture.Image:
    """Draw the slice through a body's centre as radiologists do: the patient's right is on the left."""
    place = np.linalg.solve(image.affine[:3, :3], np.array(level["centre_mm"]) - image.affine[:3, 3])
    x, y, z = np.clip(np.round(place).astype(int), 0, np.array(image.hu.shape) - 1)
    half = np.maximum(1, np.round(_TILE_MM / 2 / image.spacing_mm[:2])).astype(int)
    y += round(-12 / image.spacing_mm[1])
    xs, ys = slice(max(0, x - half[0]), x + half[0]), slice(max(0, y - half[1]), y + half[1])
    picture = _drawn(image.hu[xs, ys, z], labels[xs, ys, z], (image.spacing_mm[0], image.spacing_mm[1]))
    tile = round(_TILE_MM / _PIXEL_MM)
    return picture.resize((tile, tile))


def _drawn(hu: Array, mask: Array, spacing_mm: tuple[float, float]) -> Picture.Image:
    low, high = _WINDOW_HU
    grey = np.clip((hu.astype(np.float32) - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    size = tuple(max(1, round(n * step / _PIXEL_MM)) for n, step in zip(hu.shape, spacing_mm, strict=True))
    base = Picture.fromarray(np.ascontiguousarray(grey.T[::-1])).resize(size, Picture.Resampling.BILINEAR)
    over = Picture.fromarray(np.ascontiguousarray(mask.astype(np.uint8).T[::-1]))
    flat = np.asarray(over.resize(size, Picture.Resampling.NEAREST))
    rgb = np.repeat(np.asarray(base)[:, :, None], 3, axis=2)
    edge = np.zeros(flat.shape, dtype=bool)
    edge[1:] |= flat[1:] != flat[:-1]
    edge[:, 1:] |= flat[:, 1:] != flat[:, :-1]
    colours = np.array(_COLOURS, dtype=np.uint8)[np.maximum(flat, np.roll(flat, 1, axis=0)) % len(_COLOURS)]
    return Picture.fromarray(np.where(edge[:, :, None], colours, rgb))


def _on_picture(place: Array, spacing_mm: Array, picture: Picture.Image) -> tuple[float, float]:
    x, up = (place + 0.5) * spacing_mm / _PIXEL_MM
    return float(round(x)), float(round(picture.height - up))
