// Reading NIfTI-1: the voxels as they are stored, and where they are in the scanner's space.
//
// https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h; numbers below are its byte offsets.

const HEADER_BYTES = 348;
const LABELS = 512; // uint16
const NUMBERS = 16; // float32
const KINDS = new Map([
  [2, Uint8Array], [4, Int16Array], [8, Int32Array], [16, Float32Array], [64, Float64Array], [256, Int8Array],
  [512, Uint16Array], [768, Uint32Array],
]);

/**
 * Read a NIfTI-1 file; of a series in time, the first volume.
 *
 * Axes are turned to the closest of R, A and S: `voxels[start + i * steps[0] + j * steps[1] + k * steps[2]]` is the
 * stored value at (i, j, k), `affine` places that voxel's centre in mm, and `slope` and `intercept` give its meaning.
 */
export function readNifti(buffer) {
  const header = new DataView(buffer);
  const little = buffer.byteLength > HEADER_BYTES && header.getInt32(0, true) === HEADER_BYTES;
  if (!little && header.getInt32(0, false) !== HEADER_BYTES) {
    throw new TypeError("no NIfTI-1 header");
  }
  const dims = [42, 44, 46].map((at) => Math.max(header.getInt16(at, little), 1));
  const stored = affineOf(header, little);
  const slope = header.getFloat32(112, little);
  const scaled = Number.isFinite(slope) && slope !== 0;
  return {
    voxels: voxelsOf(buffer, header, little, dims[0] * dims[1] * dims[2]),
    slope: scaled ? slope : 1,
    intercept: scaled ? header.getFloat32(116, little) : 0,
    ...towardsRAS(dims, stored),
  };
}

function voxelsOf(buffer, header, little, number) {
  const Kind = KINDS.get(header.getInt16(70, little));
  const offset = Math.round(header.getFloat32(108, little));
  if (!Kind || buffer.byteLength < offset + number * Kind.BYTES_PER_ELEMENT) {
    throw new TypeError("voxels of an unknown kind, or too few");
  }
  if (!little) {
    turnBytes(new Uint8Array(buffer, offset), Kind.BYTES_PER_ELEMENT);
  }
  // a typed array may begin at multiples of its size only
  return offset % Kind.BYTES_PER_ELEMENT
    ? new Kind(buffer.slice(offset, offset + number * Kind.BYTES_PER_ELEMENT))
    : new Kind(buffer, offset, number);
}

function turnBytes(bytes, size) {
  for (let at = 0; at + size <= bytes.length; at += size) {
    bytes.subarray(at, at + size).reverse();
  }
}

// METHOD 3 (sform), METHOD 2 (qform), METHOD 1 (spacing alone), in that order.
function affineOf(header, little) {
  const float = (at) => header.getFloat32(at, little);
  if (header.getInt16(254, little) > 0) {
    return [280, 296, 312].map((at) => [0, 4, 8, 12].map((more) => float(at + more)));
  }
  const spacing = [80, 84, 88].map((at) => Math.abs(float(at)) || 1);
  if (header.getInt16(252, little) > 0) {
    const side = float(76) < 0 ? -1 : 1;
    const turn = rotation(float(256), float(260), float(264));
    const step = [spacing[0], spacing[1], side * spacing[2]];
    return turn.map((row, axis) => [...row.map((one, column) => one * step[column]), float(268 + 4 * axis)]);
  }
  return spacing.map((one, axis) => [0, 1, 2].map((column) => (column === axis ? one : 0)).concat(0));
}

function rotation(b, c, d) {
  const a = Math.sqrt(Math.max(1 - b * b - c * c - d * d, 0));
  return [
    [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
    [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
    [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
  ];
}

function towardsRAS(dims, stored) {
  const strides = [1, dims[0], dims[0] * dims[1]];
  const axes = closestAxes(stored);
  const turned = axes.map((axis, world) => stored[world][axis] < 0);
  const first = [0, 0, 0];
  let start = 0;
  axes.forEach((axis, world) => {
    first[axis] = turned[world] ? dims[axis] - 1 : 0;
    start += first[axis] * strides[axis];
  });
  return {
    dims: axes.map((axis) => dims[axis]),
    start,
    steps: axes.map((axis, world) => (turned[world] ? -strides[axis] : strides[axis])),
    spacing: axes.map((axis) => Math.hypot(...stored.map((row) => row[axis])) || 1),
    affine: stored.map((row) => [
      ...axes.map((axis, world) => (turned[world] ? -row[axis] : row[axis])),
      row[3] + row[0] * first[0] + row[1] * first[1] + row[2] * first[2],
    ]),
  };
}

// The axis of the file that runs most along each axis of the body, the clearest first.
function closestAxes(stored) {
  const length = [0, 1, 2].map((axis) => Math.hypot(...stored.map((row) => row[axis])) || 1);
  const pairs = [0, 1, 2].flatMap((world) => [0, 1, 2].map((axis) => [world, axis]));
  const share = ([world, axis]) => Math.abs(stored[world][axis]) / length[axis];
  const found = [];
  for (const [world, axis] of pairs.sort((one, other) => share(other) - share(one))) {
    if (found[world] === undefined && !found.includes(axis)) {
      found[world] = axis;
    }
  }
  return found;
}

/** Place a voxel's centre, or a point between voxels, in mm. */
export function mmOf({ affine }, [i, j, k]) {
  return affine.map((row) => row[0] * i + row[1] * j + row[2] * k + row[3]);
}

/** Return the voxel that holds a place, as real numbers; it may lie outside. */
export function voxelOf(volume, mm) {
  volume.inverse ??= inverted(volume.affine);
  return mmOf({ affine: volume.inverse }, mm);
}

/** Return the (3, 4) matrix that leads from the voxels of one volume to those of another. */
export function between(from, to) {
  to.inverse ??= inverted(to.affine);
  return to.inverse.map((row) => [0, 1, 2, 3].map(
    (column) => row[0] * from.affine[0][column] + row[1] * from.affine[1][column] + row[2] * from.affine[2][column]
      + (column === 3 ? row[3] : 0),
  ));
}

function inverted([[a, b, c, x], [d, e, f, y], [g, h, i, z]]) {
  const det = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  const rows = [
    [e * i - f * h, c * h - b * i, b * f - c * e],
    [f * g - d * i, a * i - c * g, c * d - a * f],
    [d * h - e * g, b * g - a * h, a * e - b * d],
  ].map((row) => row.map((one) => one / det));
  return rows.map((row) => [...row, -(row[0] * x + row[1] * y + row[2] * z)]);
}

/** Return the value at a voxel, in its own unit; undefined outside. */
export function valueAt(volume, voxel) {
  const [i, j, k] = voxel.map(Math.round);
  const [x, y, z] = volume.dims;
  if (i < 0 || j < 0 || k < 0 || i >= x || j >= y || k >= z) {
    return undefined;
  }
  const { start, steps } = volume;
  return volume.voxels[start + i * steps[0] + j * steps[1] + k * steps[2]] * volume.slope + volume.intercept;
}

/** Return the lowest and the highest value, of about a million voxels spread over the volume. */
export function rangeOf({ voxels, slope, intercept }) {
  const step = Math.max(Math.floor(voxels.length / 1e6), 1);
  let [low, high] = [Infinity, -Infinity];
  for (let at = 0; at < voxels.length; at += step) {
    low = Math.min(low, voxels[at]);
    high = Math.max(high, voxels[at]);
  }
  const ends = [low * slope + intercept, high * slope + intercept];
  return ends[0] < ends[1] ? ends : [ends[0], ends[0] + 1];
}

/**
 * Return a NIfTI-1 file of a volume, with every n-th voxel only where it would have more than `most` of them.
 *
 * Labels are written as whole numbers, all else as real ones.
 */
export function reduced(volume, most, isLabels) {
  const step = Math.max(Math.ceil(Math.cbrt(volume.voxels.length / most)), 1);
  const dims = volume.dims.map((one) => Math.ceil(one / step));
  const { steps, start, voxels } = volume;
  const code = isLabels ? LABELS : NUMBERS;
  const Kind = KINDS.get(code);
  const buffer = new ArrayBuffer(352 + dims[0] * dims[1] * dims[2] * Kind.BYTES_PER_ELEMENT);
  const target = new Kind(buffer, 352);
  let at = 0;
  for (let k = 0; k < dims[2]; k += 1) {
    for (let j = 0; j < dims[1]; j += 1) {
      let from = start + step * (k * steps[2] + j * steps[1]);
      for (let i = 0; i < dims[0]; i += 1, from += step * steps[0]) {
        target[at] = voxels[from] * volume.slope + volume.intercept;
        at += 1;
      }
    }
  }
  writeHeader(new DataView(buffer), { dims, code }, volume, step);
  return buffer;
}

function writeHeader(header, { dims, code }, volume, step) {
  header.setInt32(0, HEADER_BYTES, true);
  [3, ...dims, 1, 1, 1, 1].forEach((one, at) => header.setInt16(40 + 2 * at, one, true));
  header.setInt16(68, code === LABELS ? 1002 : 0, true); // NIFTI_INTENT_LABEL: no colour between two colours
  header.setInt16(70, code, true);
  header.setInt16(72, 8 * KINDS.get(code).BYTES_PER_ELEMENT, true);
  [1, ...volume.spacing.map((one) => one * step)].forEach((one, at) => header.setFloat32(76 + 4 * at, one, true));
  header.setFloat32(108, 352, true);
  header.setFloat32(112, 1, true);
  header.setInt16(254, 1, true);
  volume.affine.forEach((row, axis) => row.forEach(
    (one, column) => header.setFloat32(280 + 16 * axis + 4 * column, column < 3 ? one * step : one, true),
  ));
  header.setUint32(344, 0x00312b6e, true); // "n+1"
}
