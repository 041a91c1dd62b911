"""A page with the image viewer and a server of it, and a browser: for the tests of the viewer and its benchmark."""

import gzip
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import nibabel as nib
import numpy as np
import uvicorn
from playwright.sync_api import Browser, sync_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

STATIC = Path(__file__).resolve().parent.parent / "src" / "voxpop" / "web" / "static"
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src blob:; img-src 'self' data: blob:; "
    "connect-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; font-src 'self' data:; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_ARGUMENTS = ("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Viewer</title><link rel="icon" href="data:,"><style>
#viewer {{ display: flex; gap: 8px }} .viewer-panel {{ flex: 1; margin: 0 }} :root {{ --viewer-height: 400px }}
</style></head><body><main><h1>Images</h1>
<label>Window <select id="window-preset"><option value="bone">Bone</option>
<option value="soft-tissue" selected>Soft</option><option value="lung">Lung</option><option value="brain">Brain</option>
<option value="full">Full</option></select></label>
<label>Slices <select id="slice-type"><option value="multiplanar">All</option><option value="axial">Axial</option>
<option value="coronal">Coronal</option><option value="sagittal">Sagittal</option><option value="render">3D</option>
</select></label>
<label>Overlay <input type="range" id="overlay-opacity" min="0" max="1" step="0.05" value="0.5"></label>
<label><input type="checkbox" id="crosshair" checked> Crosshair</label>
<label><input type="checkbox" id="measure"> Measure</label>
<button type="button" id="link-view">Link to this view</button>
<p id="viewer-status" role="status" aria-live="polite"></p>
<div id="viewer" data-images='{images}'></div>
</main><script type="module" src="/static/viewer.js"></script></body></html>
"""


def nifti(voxels: np.ndarray, affine: np.ndarray, slope: float = 1.0, intercept: float = 0.0) -> bytes:
    """Return a NIfTI file, not packed; ``voxels`` are as they are stored."""
    image = nib.Nifti1Image(voxels, affine)
    image.header.set_slope_inter(slope, intercept)
    image.header.set_xyzt_units("mm")
    return bytes(image.to_bytes())


@contextmanager
def served(
    files: Mapping[str, bytes], images: Sequence[Mapping[str, object]], encoded: frozenset[str] = frozenset()
) -> Iterator[str]:
    """Serve a page that shows images; those ``encoded`` are unpacked by the browser, as ``Content-Encoding: gzip``."""
    secured = {"Content-Security-Policy": POLICY}

    def page(request: Request) -> Response:
        return HTMLResponse(_PAGE.format(images=json.dumps(list(images))), headers=secured)

    def file(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in files:
            return Response(status_code=404)
        headers = {"Content-Encoding": "gzip"} if name in encoded else {}
        return Response(files[name], media_type="application/octet-stream", headers=headers)

    routes = [Route("/", page), Route("/files/{name}", file), Mount("/static", StaticFiles(directory=STATIC))]
    with running(Starlette(routes=routes)) as address:
        yield address


@contextmanager
def running(app: Starlette) -> Iterator[str]:
    """Run an application on a free port of this machine; gives its address."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    started = threading.Event()
    startup = server.startup

    async def announced(sockets: list[object] | None = None) -> None:
        await startup(sockets)  # type: ignore[arg-type]  # handed on as it came
        started.set()

    server.startup = announced  # type: ignore[method-assign]  # how else to know the port without asking again and again
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert started.wait(30)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)


@contextmanager
def chromium(*more: str) -> Iterator[Browser]:
    """Start Chromium with WebGL in software."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=[*_ARGUMENTS, *more])
        try:
            yield browser
        finally:
            browser.close()


def packed(content: bytes, level: int = 6) -> bytes:
    """Pack a file as gzip does."""
    return gzip.compress(content, level, mtime=0)
