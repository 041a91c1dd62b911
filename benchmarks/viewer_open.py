"""Print how long the viewer takes from the address to the picture: a CT of 512 x 512 x 300 with labels, in Chromium.

python benchmarks/viewer_open.py [times]
"""

import statistics
import sys
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.viewer_page import chromium, nifti, packed, served

SHAPE = (512, 512, 300)
SPACING = (0.8, 0.8, 1.5)
NOISE_HU = 15.0
READY = "#viewer[data-state=ready]"
DRAW_AGAIN = """async () => {
  const preset = document.getElementById("window-preset");
  const begun = performance.now();
  for (const option of preset.options) {
    preset.value = option.value;
    preset.dispatchEvent(new Event("input"));
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
  }
  return (performance.now() - begun) / preset.options.length;
}"""


def main() -> None:
    """Make the image, open it in each way that a server may send it, and print the seconds."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    image, labels = images()
    ways = {
        "plain": ({"ct": image, "labels": labels}, False),
        ".nii.gz, level 1": ({"ct.nii.gz": packed(image, 1), "labels.nii.gz": packed(labels, 1)}, False),
        ".nii.gz, level 6": ({"ct.nii.gz": packed(image, 6), "labels.nii.gz": packed(labels, 6)}, False),
    }
    ways["Content-Encoding: gzip, level 6"] = (ways[".nii.gz, level 6"][0], True)
    with chromium() as browser:
        for way, (files, is_encoded) in ways.items():
            megabytes = sum(map(len, files.values())) / 1e6
            seconds = [opened(browser, files, is_encoded=is_encoded) for _ in range(times)]
            middle, drawn_ms = statistics.median(one for one, _ in seconds), statistics.median(ms for _, ms in seconds)
            print(f"{way}: {middle:.2f} s to the picture, {megabytes:.0f} MB; a window changes in {drawn_ms:.0f} ms")


def images() -> tuple[bytes, bytes]:
    """Return a body with noise and ten vertebrae, and their labels."""
    x, y, z = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    voxels = np.full(SHAPE, -1000.0, np.float32)
    voxels[np.broadcast_to(((x - 256) / 200) ** 2 + ((y - 256) / 150) ** 2 < 1, SHAPE)] = 40
    labels = np.zeros(SHAPE, np.uint8)
    for number in range(10):
        bone = ((x - 256) / 40) ** 2 + ((y - 180) / 40) ** 2 + ((z - 15 - 30 * number) / 12) ** 2 < 1
        voxels[bone], labels[bone] = 400, number + 1
    voxels += np.random.default_rng(1).normal(0, NOISE_HU, SHAPE).astype(np.float32)
    affine = np.diag([*SPACING, 1.0])
    return nifti(voxels.astype(np.int16), affine), nifti(labels, affine)


def opened(browser: Browser, files: dict[str, bytes], *, is_encoded: bool) -> tuple[float, float]:
    """Open the page once; returns the seconds to a picture on the screen, and the ms that another window takes."""
    image, labels = files
    shown = {"url": f"/files/{image}", "name": "CT", "overlay": {"url": f"/files/{labels}", "name": "vertebrae"}}
    with served(files, [shown], frozenset(files) if is_encoded else frozenset()) as address:
        page = browser.new_page()
        begun = time.perf_counter()
        page.goto(address, wait_until="commit")
        page.wait_for_selector(READY)
        page.screenshot()  # waits for what is on the screen
        seconds = time.perf_counter() - begun
        drawn_ms = float(page.evaluate(DRAW_AGAIN))
        page.close()
    return seconds, drawn_ms


if __name__ == "__main__":
    main()
