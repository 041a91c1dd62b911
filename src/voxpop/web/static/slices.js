// Drawing slices of a volume and its labels into a canvas, from the voxels in memory.
//
// Radiological: the patient's right is at the left. A slice of 512 x 512 takes about 2 ms, at every window, on any
// machine; a graphics card is not needed (docs/decisions/0005-front-end.md has what was measured).

import { between, mmOf, valueAt, voxelOf } from "./nifti.js";

// Axes of the body (0 to the right, 1 to the front, 2 to the head): across, up, and the one that is cut.
const PLANES = {
  axial: { across: 0, up: 1, cut: 2, ends: ["R", "L", "A", "P"] },
  coronal: { across: 0, up: 2, cut: 1, ends: ["R", "L", "S", "I"] },
  sagittal: { across: 1, up: 2, cut: 0, ends: ["A", "P", "S", "I"] },
};
const ARRANGEMENTS = [
  [["axial", "coronal", "sagittal"]],
  [["coronal", "sagittal"], ["axial"]],
  [["axial"], ["coronal"], ["sagittal"]],
];
// Okabe and Ito's colours, which people who do not see all colours can tell apart.
const COLOURS = [
  [230, 159, 0], [86, 180, 233], [0, 158, 115], [240, 228, 66], [0, 114, 178], [213, 94, 0], [204, 121, 167],
];
const CROSSHAIR = "#ffd23f";
const MEASURE = "#ff5fa2";

/** Return a label's colour, red, green and blue from 0 to 255. */
export function colourOf(label) {
  return COLOURS[(Math.max(label, 1) - 1) % COLOURS.length];
}

/** One image in one canvas. */
export class SlicePanel {
  constructor(canvas, volume, overlay) {
    this.canvas = canvas;
    this.volume = volume;
    this.overlay = overlay;
    this.toOverlay = overlay ? between(volume, overlay) : null;
    this.tiles = [];
    this.pictures = {};
    this.measured = null;
  }

  /** Return the voxel nearest to a place, inside the volume. */
  voxelAt(mm) {
    return voxelOf(this.volume, mm).map((one, axis) => Math.min(Math.max(Math.round(one), 0), this.volume.dims[axis] - 1));
  }

  /** Return the value and the label at a place. */
  valuesAt(mm) {
    return [
      valueAt(this.volume, voxelOf(this.volume, mm)),
      this.overlay ? valueAt(this.overlay, voxelOf(this.overlay, mm)) : undefined,
    ];
  }

  /** Return the place in the middle of the volume. */
  middle() {
    return mmOf(this.volume, this.volume.dims.map((one) => Math.floor(one / 2)));
  }

  /**
   * Draw the slices through `view.mm`.
   *
   * `view`: window [lowest, highest], slice, opacity, crosshair, mm, centre (mm) and zoom.
   */
  draw(view) {
    const context = this.canvas.getContext("2d");
    context.fillStyle = "#000";
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    const voxel = this.voxelAt(view.mm);
    const centre = voxelOf(this.volume, view.centre);
    this.tiles = this.#arranged(view.slice).map((tile) => ({ ...tile, zoom: view.zoom, centre, index: voxel[tile.plane.cut] }));
    for (const tile of this.tiles) {
      this.#drawTile(context, tile, view, voxel);
    }
  }

  /** Return the place under a point of the canvas, with its plane; null beside the slices. */
  under(x, y) {
    const tile = this.tiles.find((one) => x >= one.x && x < one.x + one.width && y >= one.y && y < one.y + one.height);
    return tile ? { tile, mm: this.#placeIn(tile, x, y) } : null;
  }

  /** Return the place under a point, in the plane of a tile where a movement began. */
  placeIn(tile, x, y) {
    return this.#placeIn(tile, x, y);
  }

  /** Return a place some voxels away. */
  moved(mm, steps) {
    const voxel = this.voxelAt(mm).map((one, axis) => one + steps[axis]);
    return mmOf(this.volume, voxel.map((one, axis) => Math.min(Math.max(one, 0), this.volume.dims[axis] - 1)));
  }

  #sizeMm(axis) {
    return this.volume.dims[axis] * this.volume.spacing[axis];
  }

  // Of the arrangements that show the planes, the one in which they are largest.
  #arranged(slice) {
    const candidates = slice in PLANES ? [[[slice]]] : ARRANGEMENTS;
    const placed = candidates.map((rows) => this.#placed(rows));
    return placed.reduce((best, one) => (one.scale > best.scale ? one : best)).tiles;
  }

  #placed(rows) {
    const { width, height } = this.canvas;
    const sizes = rows.map((row) => row.map((name) => [this.#sizeMm(PLANES[name].across), this.#sizeMm(PLANES[name].up)]));
    const widths = sizes.map((row) => row.reduce((sum, [across]) => sum + across, 0));
    const heights = sizes.map((row) => Math.max(...row.map(([, up]) => up)));
    const scale = Math.min(width / Math.max(...widths), height / heights.reduce((sum, one) => sum + one, 0));
    const tiles = [];
    let y = (height - scale * heights.reduce((sum, one) => sum + one, 0)) / 2;
    rows.forEach((row, number) => {
      let x = (width - scale * widths[number]) / 2;
      row.forEach((name, column) => {
        const [across, up] = sizes[number][column];
        tiles.push({ name, plane: PLANES[name], x, y, width: across * scale, height: up * scale });
        x += across * scale;
      });
      y += heights[number] * scale;
    });
    return { scale, tiles };
  }

  // Where a voxel is drawn. Both axes of a picture run against those of the body: see PLANES.
  #pointOf(tile, voxel) {
    const share = (axis) => 1 - (voxel[axis] + 0.5) / this.volume.dims[axis];
    const middle = (axis) => (tile.zoom > 1 ? 1 - (tile.centre[axis] + 0.5) / this.volume.dims[axis] : 0.5);
    const { across, up } = tile.plane;
    return [
      tile.x + tile.width * (0.5 + (share(across) - middle(across)) * tile.zoom),
      tile.y + tile.height * (0.5 + (share(up) - middle(up)) * tile.zoom),
    ];
  }

  #placeIn(tile, x, y) {
    const middle = (axis) => (tile.zoom > 1 ? 1 - (tile.centre[axis] + 0.5) / this.volume.dims[axis] : 0.5);
    const along = (axis, share) => {
      const at = (1 - (middle(axis) + (share - 0.5) / tile.zoom)) * this.volume.dims[axis] - 0.5;
      return Math.min(Math.max(at, 0), this.volume.dims[axis] - 1);
    };
    const voxel = [0, 0, 0];
    voxel[tile.plane.across] = along(tile.plane.across, (x - tile.x) / tile.width);
    voxel[tile.plane.up] = along(tile.plane.up, (y - tile.y) / tile.height);
    voxel[tile.plane.cut] = tile.index;
    return mmOf(this.volume, voxel);
  }

  #drawTile(context, tile, view, voxel) {
    const picture = this.#picture(tile, view);
    const ends = this.volume.dims.map((one) => one - 0.5);
    const [left, top] = this.#pointOf(tile, ends);
    const [right, bottom] = this.#pointOf(tile, [-0.5, -0.5, -0.5]);
    context.save();
    context.beginPath();
    context.rect(tile.x, tile.y, tile.width, tile.height);
    context.clip();
    context.drawImage(picture, left, top, right - left, bottom - top);
    if (view.crosshair) {
      this.#drawCrosshair(context, tile, this.#pointOf(tile, voxel));
    }
    this.#drawMeasured(context, tile);
    drawEnds(context, tile);
    context.restore();
  }

  #drawCrosshair(context, tile, [x, y]) {
    const gap = Math.min(tile.width, tile.height) * 0.02;
    context.strokeStyle = CROSSHAIR;
    context.lineWidth = 1.5;
    context.beginPath();
    for (const [from, to] of [[tile.x, x - gap], [x + gap, tile.x + tile.width]]) {
      context.moveTo(from, y);
      context.lineTo(to, y);
    }
    for (const [from, to] of [[tile.y, y - gap], [y + gap, tile.y + tile.height]]) {
      context.moveTo(x, from);
      context.lineTo(x, to);
    }
    context.stroke();
  }

  #drawMeasured(context, tile) {
    const { measured } = this;
    if (!measured || measured.name !== tile.name || measured.index !== tile.index) {
      return;
    }
    const [from, to] = [measured.from, measured.to].map((mm) => this.#pointOf(tile, voxelOf(this.volume, mm)));
    context.strokeStyle = MEASURE;
    context.fillStyle = MEASURE;
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(...to);
    context.stroke();
    context.fillText(`${Math.hypot(...measured.from.map((one, axis) => one - measured.to[axis])).toFixed(1)} mm`, to[0] + 6, to[1]);
  }

  // The slice at the size of its voxels; the canvas stretches it to mm.
  #picture(tile, view) {
    const { across, up } = tile.plane;
    const picture = (this.pictures[tile.name] ??= document.createElement("canvas"));
    [picture.width, picture.height] = [this.volume.dims[across], this.volume.dims[up]];
    const context = picture.getContext("2d");
    const image = context.createImageData(picture.width, picture.height);
    const pixels = new Uint32Array(image.data.buffer);
    this.#paintGrey(pixels, tile, view.window);
    if (this.overlay && view.opacity > 0) {
      this.#paintLabels(pixels, tile, view.opacity);
    }
    context.putImageData(image, 0, 0);
    return picture;
  }

  #paintGrey(pixels, { plane, index }, [low, high]) {
    const { voxels, dims, steps, start, slope, intercept } = this.volume;
    const scale = (255 * slope) / (high - low);
    const offset = (255 * (intercept - low)) / (high - low);
    const [columns, rows, step] = [dims[plane.across], dims[plane.up], steps[plane.across]];
    let pixel = 0;
    for (let row = rows - 1; row >= 0; row -= 1) {
      let at = start + index * steps[plane.cut] + row * steps[plane.up] + (columns - 1) * step;
      for (let column = 0; column < columns; column += 1, at -= step, pixel += 1) {
        const grey = Math.min(Math.max(voxels[at] * scale + offset, 0), 255) | 0;
        pixels[pixel] = 0xff000000 | (grey * 0x010101);
      }
    }
  }

  // The labels may lie on a grid of their own: the nearest one is taken.
  #paintLabels(pixels, { plane, index }, opacity) {
    const { dims } = this.volume;
    const [columns, rows] = [dims[plane.across], dims[plane.up]];
    const step = this.toOverlay.map((row) => row[plane.across]);
    const voxel = [0, 0, 0];
    voxel[plane.cut] = index;
    voxel[plane.across] = columns - 1;
    let pixel = 0;
    for (let row = rows - 1; row >= 0; row -= 1) {
      voxel[plane.up] = row;
      let [i, j, k] = mmOf({ affine: this.toOverlay }, voxel);
      for (let column = 0; column < columns; column += 1, pixel += 1) {
        const label = this.#labelAt(Math.round(i), Math.round(j), Math.round(k));
        if (label) {
          pixels[pixel] = mixed(pixels[pixel], colourOf(label), opacity);
        }
        i -= step[0];
        j -= step[1];
        k -= step[2];
      }
    }
  }

  #labelAt(i, j, k) {
    const { dims, start, steps, voxels } = this.overlay;
    if (i < 0 || j < 0 || k < 0 || i >= dims[0] || j >= dims[1] || k >= dims[2]) {
      return 0;
    }
    return voxels[start + i * steps[0] + j * steps[1] + k * steps[2]];
  }
}

// Pixels are 0xAABBGGRR: every browser's machine is little-endian.
function mixed(pixel, [red, green, blue], opacity) {
  const grey = pixel & 0xff;
  const mix = (colour) => (grey + (colour - grey) * opacity) | 0;
  return 0xff000000 | (mix(blue) << 16) | (mix(green) << 8) | mix(red);
}

function drawEnds(context, tile) {
  const [left, right, top, bottom] = tile.plane.ends;
  const size = Math.max(context.canvas.height / 30, 12);
  context.font = `${size}px sans-serif`;
  context.fillStyle = "#fff";
  context.fillText(left, tile.x + 4, tile.y + tile.height / 2);
  context.fillText(right, tile.x + tile.width - size, tile.y + tile.height / 2);
  context.fillText(top, tile.x + tile.width / 2 + 6, tile.y + size);
  context.fillText(bottom, tile.x + tile.width / 2 + 6, tile.y + tile.height - 4);
}
