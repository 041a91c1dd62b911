// The image viewer: one or two NIfTI images side by side, each with an overlay of labels.
//
// What to show is in `data-images` of #viewer; the controls are ordinary form controls that the page holds, and each of
// them may be missing. The sentences are in `data-texts`, in the page's language.

import { rangeOf, readNifti } from "./nifti.js";
import { SlicePanel } from "./slices.js";

// Lowest and highest HU that are told apart.
const WINDOWS = {
  "bone": [-450, 1050],
  "soft-tissue": [-160, 240],
  "lung": [-1350, 150],
  "brain": [0, 80],
};
const FULL = "full";
const RENDER = "render";
// Steps in voxels: to the patient's right, front, head. As on the screen: his right is at the left.
const MOVES = {
  ArrowLeft: [1, 0, 0], ArrowRight: [-1, 0, 0], ArrowUp: [0, 1, 0], ArrowDown: [0, -1, 0],
  PageUp: [0, 0, 1], PageDown: [0, 0, -1],
};
const ZOOMS = { "+": 1.25, "-": 0.8 };
const MOST_ZOOM = 16;
const QUIET_MS = 200; // a screen reader is told where the crosshair came to rest, not its way there
const TEXTS = {
  loading: "The images are loading.",
  ready: "The images are ready.",
  noRendering: "This browser can't draw in three dimensions, for which it needs WebGL 2: the slices are shown instead.",
  failed: "The image {name} could not be shown, for {why}: load the page again, or ask the data manager.",
  silent: "the server did not answer",
  answered: "the server answered {code}",
  broken: "the transfer broke off",
  unreadable: "it is no NIfTI file",
  unexpected: "of an unexpected error ({kind})",
  at: "{x}, {y}, {z} mm: {values}.",
  value: "{name} {value} HU",
  outside: "{name} outside",
  label: "label {label}",
  measured: "The distance is {mm} mm.",
  linked: "The link to this view was copied.",
  linkInBar: "The link to this view is in the address bar.",
  canvas: "{name}: the arrow keys, Page Up and Page Down move the crosshair; plus and minus zoom",
};

const root = document.getElementById("viewer");
const texts = { ...TEXTS, ...JSON.parse(root.dataset.texts ?? "{}") };
const panels = [];
const where = { mm: [0, 0, 0], centre: [0, 0, 0], zoom: 1 };

function control(id) {
  return document.getElementById(id);
}

function sentence(key, values = {}) {
  return texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

let pending = 0;

function say(text, delay = 0) {
  clearTimeout(pending);
  pending = setTimeout(() => {
    control("viewer-status").textContent = text;
  }, delay);
}

// ---- The view: what the controls and the address keep. Not the hash, which a sign-in on the way here would lose; what
// an older link keeps there is read.

function choices() {
  return {
    preset: control("window-preset")?.value ?? FULL,
    slice: control("slice-type")?.value ?? "multiplanar",
    opacity: Number(control("overlay-opacity")?.value ?? 0.5) / opacityScale(),
    crosshair: control("crosshair")?.checked ?? true,
    measure: control("measure")?.checked ?? false,
  };
}

// A range may run from 0 to 1 or from 0 to 100.
function opacityScale() {
  return Number(control("overlay-opacity")?.max || 1) > 1 ? 100 : 1;
}

function readAddress() {
  const kept = new URLSearchParams(`${location.hash.slice(1)}&${location.search.slice(1)}`);
  const mm = (kept.get("mm") ?? "").split(",").map(Number);
  const opacity = Number(kept.get("opacity") ?? NaN);
  choose("window-preset", kept.get("window"));
  choose("slice-type", kept.get("slice"));
  if (control("overlay-opacity") && opacity >= 0 && opacity <= 1) {
    control("overlay-opacity").value = String(opacity * opacityScale());
  }
  return mm.length === 3 && mm.every(Number.isFinite) ? mm : null;
}

function choose(id, value) {
  const options = [...(control(id)?.options ?? [])].map((option) => option.value);
  if (options.includes(value)) {
    control(id).value = value;
  }
}

function address() {
  const { preset, slice, opacity } = choices();
  const mm = where.mm.map((one) => one.toFixed(2)).join(",");
  const others = Object.fromEntries(new URLSearchParams(location.search));
  return `?${new URLSearchParams({ ...others, window: preset, slice, mm, opacity: opacity.toFixed(2) })}`;
}

// ---- Loading

class Unshown extends Error {
  constructor(name, why, values = {}) {
    super(sentence("failed", { name, why: sentence(why, values) }));
  }
}

async function volumeOf(image) {
  const bytes = await bytesOf(image);
  try {
    return readNifti(bytes);
  } catch {
    throw new Unshown(image.name, "unreadable");
  }
}

async function bytesOf(image) {
  let response;
  try {
    response = await fetch(image.url, { credentials: "same-origin" });
  } catch {
    throw new Unshown(image.name, "silent");
  }
  if (!response.ok) {
    throw new Unshown(image.name, "answered", { code: response.status });
  }
  try {
    return await unpacked(response);
  } catch {
    throw new Unshown(image.name, "broken");
  }
}

// What is named .gz is unpacked while it comes, unless the browser does that itself (`Content-Encoding`); what turns out
// to be packed afterwards, by its first bytes, is unpacked then.
async function unpacked(response) {
  const isNamedSo = new URL(response.url).pathname.endsWith(".gz") && !response.headers.get("Content-Encoding");
  const bytes = await new Response(isNamedSo ? unpacking(response.body) : response.body).arrayBuffer();
  const [first, second] = new Uint8Array(bytes, 0, Math.min(2, bytes.byteLength));
  const isPacked = first === 0x1f && second === 0x8b;
  return isPacked ? new Response(unpacking(new Blob([bytes]).stream())).arrayBuffer() : bytes;
}

function unpacking(stream) {
  return stream.pipeThrough(new DecompressionStream("gzip"));
}

async function openPanel(image, number) {
  const [volume, overlay] = await Promise.all([volumeOf(image), image.overlay ? volumeOf(image.overlay) : null]);
  const frame = newFrame(image);
  const panel = new SlicePanel(frame.querySelector("canvas"), volume, overlay);
  panels[number] = Object.assign(panel, { image, frame, full: rangeOf(volume), rendering: null });
}

function newFrame(image) {
  const figure = document.createElement("figure");
  const caption = document.createElement("figcaption");
  const frame = document.createElement("div");
  figure.className = "viewer-panel";
  frame.className = "viewer-frame";
  frame.style.blockSize = "var(--viewer-height, 32rem)";
  caption.textContent = image.name;
  frame.append(newCanvas(image));
  figure.append(caption, frame);
  return frame;
}

function newCanvas(image) {
  const canvas = document.createElement("canvas");
  canvas.tabIndex = 0;
  canvas.style.touchAction = "none"; // a finger on it moves the crosshair, not the page
  canvas.style.inlineSize = canvas.style.blockSize = "100%";
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", sentence("canvas", { name: image.name }));
  return canvas;
}

// ---- Drawing, once a frame of the screen

let isAsked = false;

function redraw() {
  if (!isAsked) {
    isAsked = true;
    requestAnimationFrame(() => {
      isAsked = false;
      panels.forEach(drawPanel);
    });
  }
}

function drawPanel(panel) {
  const chosen = choices();
  const view = { ...chosen, ...where, window: WINDOWS[chosen.preset] ?? panel.full };
  const isRender = chosen.slice === RENDER && panel.rendering !== false;
  // not by `hidden`, which the `display` that NiiVue sets would win over
  panel.canvas.style.display = isRender ? "none" : "block";
  if (panel.rendering) {
    panel.rendering.canvas.style.display = isRender ? "block" : "none";
  }
  if (isRender) {
    render(panel, view);
  } else {
    fitCanvas(panel.canvas);
    panel.draw(view);
  }
}

function fitCanvas(canvas) {
  const width = Math.round(canvas.clientWidth * devicePixelRatio);
  const height = Math.round(canvas.clientHeight * devicePixelRatio);
  if (canvas.width !== width || canvas.height !== height) {
    [canvas.width, canvas.height] = [width, height];
  }
}

async function render(panel, view) {
  const key = `${view.preset} ${view.opacity}`;
  if (panel.rendering) {
    if (panel.rendering.key !== key && panel.rendering.change) {
      panel.rendering.key = key;
      panel.rendering.change(view);
    }
    return;
  }
  const canvas = newCanvas(panel.image);
  panel.rendering = { canvas, key };
  panel.frame.append(canvas);
  try {
    const { openRendering } = await import("./rendering.js");
    panel.rendering.change = await openRendering(canvas, panel.volume, panel.overlay, view);
    root.dataset.rendered = "true";
  } catch {
    canvas.remove();
    panel.rendering = false; // which shows the slices
    redraw();
    say(sentence("noRendering"));
  }
}

// ---- What a person does

function moveTo(mm, isFollowed) {
  where.mm = mm;
  if (isFollowed) {
    where.centre = mm;
  }
  redraw();
  tellPosition();
}

function tellPosition() {
  const [x, y, z] = where.mm.map((one) => (Math.round(one * 10) / 10 + 0).toFixed(1));
  say(sentence("at", { x, y, z, values: panels.map(valuesAt).join("; ") }), QUIET_MS);
}

function valuesAt(panel) {
  const [value, label] = panel.valuesAt(where.mm);
  const { name, overlay } = panel.image;
  if (value === undefined) {
    return sentence("outside", { name });
  }
  const said = sentence("value", { name, value: String(Math.round(value)) });
  return label ? `${said}, ${sentence("label", { label: overlay.labels?.[label - 1] ?? label })}` : said;
}

function onKey(panel, event) {
  if (event.ctrlKey || event.altKey || event.metaKey) {
    return;
  }
  if (MOVES[event.key]) {
    event.preventDefault();
    moveTo(panel.moved(where.mm, MOVES[event.key]), true);
  } else if (ZOOMS[event.key] || event.key === "0") {
    event.preventDefault();
    zoomBy(ZOOMS[event.key] ?? 0);
  }
}

function zoomBy(factor) {
  where.zoom = Math.min(Math.max(where.zoom * factor, 1), MOST_ZOOM);
  where.centre = where.mm;
  redraw();
}

function onWheel(panel, event) {
  event.preventDefault();
  const [x, y] = pointOf(panel, event);
  const tile = panel.under(x, y)?.tile;
  if (event.ctrlKey) {
    zoomBy(event.deltaY < 0 ? ZOOMS["+"] : ZOOMS["-"]);
  } else if (tile) {
    const steps = [0, 0, 0];
    steps[tile.plane.cut] = event.deltaY < 0 ? 1 : -1;
    moveTo(panel.moved(where.mm, steps), false);
  }
}

function pointOf({ canvas }, event) {
  const box = canvas.getBoundingClientRect();
  return [((event.clientX - box.x) * canvas.width) / box.width, ((event.clientY - box.y) * canvas.height) / box.height];
}

function onDown(panel, event) {
  const found = panel.under(...pointOf(panel, event));
  if (event.button !== 0 || !found) {
    return;
  }
  panel.canvas.setPointerCapture(event.pointerId);
  panel.dragged = found;
  if (choices().measure) {
    const { name, index } = found.tile;
    panel.measured = { name, index, from: found.mm, to: found.mm };
  }
  onDrag(panel, event);
}

function onDrag(panel, event) {
  if (!panel.dragged) {
    return;
  }
  const mm = panel.placeIn(panel.dragged.tile, ...pointOf(panel, event));
  if (!choices().measure) {
    moveTo(panel.moved(mm, [0, 0, 0]), false); // to the middle of the voxel
    return;
  }
  panel.measured.to = mm;
  redraw();
}

function onUp(panel, event) {
  onDrag(panel, event);
  if (panel.dragged && choices().measure) {
    const { from, to } = panel.measured;
    say(sentence("measured", { mm: Math.hypot(...from.map((one, axis) => one - to[axis])).toFixed(1) }));
  }
  panel.dragged = null;
}

async function linkView() {
  history.replaceState(null, "", address());
  try {
    await navigator.clipboard.writeText(location.href);
    say(sentence("linked"));
  } catch { // a page without https, or a person who said no
    say(sentence("linkInBar"));
  }
}

function listenTo(panel) {
  const { canvas } = panel;
  canvas.addEventListener("keydown", (event) => onKey(panel, event));
  canvas.addEventListener("wheel", (event) => onWheel(panel, event), { passive: false });
  canvas.addEventListener("pointerdown", (event) => onDown(panel, event));
  canvas.addEventListener("pointermove", (event) => onDrag(panel, event));
  canvas.addEventListener("pointerup", (event) => onUp(panel, event));
  canvas.addEventListener("pointercancel", () => { panel.dragged = null; });
  new ResizeObserver(redraw).observe(panel.frame);
}

function listenToControls() {
  for (const id of ["window-preset", "slice-type", "overlay-opacity", "crosshair"]) {
    control(id)?.addEventListener("input", redraw);
  }
  control("measure")?.addEventListener("input", () => {
    panels.forEach((panel) => { panel.measured = null; });
    redraw();
  });
  control("link-view")?.addEventListener("click", linkView);
}

async function start() {
  say(sentence("loading"));
  const mm = readAddress();
  try {
    await Promise.all(JSON.parse(root.dataset.images).slice(0, 2).map(openPanel));
  } catch (failure) {
    root.dataset.state = "failed";
    say(failure instanceof Unshown ? failure.message : sentence("failed", { why: sentence("unexpected", { kind: failure.name }) }));
    return;
  }
  where.mm = where.centre = mm ?? panels[0].middle();
  root.append(...panels.map((panel) => panel.frame.parentElement));
  panels.forEach(listenTo);
  listenToControls();
  panels.forEach(drawPanel);
  root.dataset.state = "ready";
  say(sentence("ready"));
}

start();
