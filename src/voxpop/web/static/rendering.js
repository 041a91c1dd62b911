// A volume in three dimensions, by NiiVue, which wants WebGL 2. It is loaded when someone asks for it.

import { Niivue, NVImage, SLICE_TYPE } from "./vendor/niivue-niivue-0.69.0/niivue.mjs";
import { reduced } from "./nifti.js";
import { colourOf } from "./slices.js";

// A graphics card takes a whole CT in about a second; a processor that plays one needs 0.3 s for a million voxels.
const MOST_VOXELS = 2 ** 25;
const MOST_VOXELS_IN_SOFTWARE = 2 ** 21;
const MOST_LABELS = 255;

/** Draw a volume and its labels into a canvas; returns what changes the window and the opacity. Fails without WebGL 2. */
export async function openRendering(canvas, volume, overlay, view) {
  const nv = new Niivue({
    backColor: [0, 0, 0, 1],
    dragAndDropEnabled: false,
    isAntiAlias: false,
    loadingText: "",
    logLevel: "error",
    sliceType: SLICE_TYPE.RENDER,
  });
  await nv.attachToCanvas(canvas);
  const most = isSoftware(nv.gl) ? MOST_VOXELS_IN_SOFTWARE : MOST_VOXELS;
  const volumes = [await imageOf(reduced(volume, most, false), { colormap: "gray" })];
  if (overlay) {
    volumes.push(await imageOf(reduced(overlay, most, true), { opacity: view.opacity, cal_min: 0, cal_max: MOST_LABELS }));
    volumes[1].setColormapLabel(labelColours());
  }
  [volumes[0].cal_min, volumes[0].cal_max] = view.window;
  // all at once: one by one NiiVue would build the first image's texture again for each further one
  [nv.volumes, nv.back, nv.overlays] = [volumes, volumes[0], volumes.slice(1)];
  nv.updateGLVolume();
  return (changed) => {
    [volumes[0].cal_min, volumes[0].cal_max] = changed.window;
    if (volumes[1]) {
      volumes[1].opacity = changed.opacity;
    }
    nv.updateGLVolume();
  };
}

function imageOf(url, options) {
  return NVImage.loadFromUrl({ url, name: "volume.nii", ...options });
}

function isSoftware(gl) {
  const names = gl.getExtension("WEBGL_debug_renderer_info");
  const renderer = gl.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
  return /swiftshader|llvmpipe|software|basic render/i.test(renderer);
}

function labelColours() {
  const labels = Array.from({ length: MOST_LABELS + 1 }, (_, label) => label);
  const [R, G, B] = [0, 1, 2].map((channel) => labels.map((label) => colourOf(label)[channel]));
  return { R, G, B, A: labels.map((label) => (label ? 255 : 0)), I: labels };
}
