"""The image viewer in a real browser, under the policy that its page has."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from matplotlib.image import imread
from playwright.sync_api import Browser, Page, expect
from tests.viewer_page import chromium, nifti, packed, served

pytestmark = pytest.mark.needs("chromium")
SPACING = (2.0, 2.5, 3.0)
BONE_AT = (10, 8, 12)
"""A voxel inside the bone, which is label 2."""


def _voxels() -> tuple[np.ndarray, np.ndarray]:
    """Return a body with a bone, as it is stored (value = 2 x stored - 1000), and the bone's label."""
    values = np.full((40, 50, 30), -1000)
    values[5:35, 5:45, 3:27] = 40
    values[8:14, 6:12, 8:18] = 700
    labels = np.where(values == 700, 2, 0).astype(np.uint8)
    return ((values + 1000) // 2).astype(np.int16), labels


def _affine() -> np.ndarray:
    affine = np.diag([*SPACING, 1.0])
    affine[:3, 3] = [-40, -62.5, -45]
    return affine


def _flipped(voxels: np.ndarray, affine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the same image with its axes in another order and direction: as a sagittal series is stored."""
    turned = np.ascontiguousarray(np.flip(voxels, (0, 2)).transpose(1, 2, 0))
    moved = affine.copy()
    moved[:3, 3] = affine[:3] @ [voxels.shape[0] - 1, 0, voxels.shape[2] - 1, 1]
    moved[:3, :3] = np.stack([affine[:3, 1], -affine[:3, 2], -affine[:3, 0]], axis=1)
    return turned, moved


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    stored, labels = _voxels()
    sagittal, affine = _flipped(stored, _affine())
    big = nifti(stored, _affine(), 2, -1000)
    coarse = nifti(labels[::2, ::2, ::2].copy(), _affine() @ np.diag([2, 2, 2, 1]))
    return {
        "ct.nii.gz": packed(big),
        "ct-plain": big,
        "ct-encoded.nii.gz": packed(big),
        "ct-without-name": packed(big),
        "sagittal.nii.gz": packed(nifti(sagittal, affine, 2, -1000)),
        "labels.nii.gz": packed(nifti(labels, _affine())),
        "coarse.nii.gz": packed(coarse),
        "text.nii.gz": b"this is no image" * 100,
        "cut.nii.gz": packed(big)[:-200],
    }


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def _image(url: str, name: str = "CT", overlay: str | None = "labels.nii.gz", **more: object) -> dict[str, object]:
    shown: dict[str, object] = {"url": f"/files/{url}", "name": name}
    return shown | ({"overlay": {"url": f"/files/{overlay}", "name": "levels", **more}} if overlay else {})


@contextmanager
def _opened(
    browser: Browser, files: dict[str, bytes], *images: dict[str, object], view: str = "", state: str = "ready"
) -> Iterator[Page]:
    """Open the page; whatever the browser complains of fails the test."""
    complaints: list[str] = []
    with served(files, images, frozenset({"ct-encoded.nii.gz"})) as address:
        context = browser.new_context(viewport={"width": 1200, "height": 800})
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{address}/{view}")
        page.wait_for_selector(f"#viewer[data-state={state}]", state="attached")
        yield page
        context.close()
    assert [one for one in complaints if "404" not in one] == []


def _picture(page: Page, panel: int = 0) -> np.ndarray:
    """Return what stands in a panel, (rows, columns, 3), 0 to 1."""
    shot = page.locator(".viewer-frame").nth(panel).screenshot()
    return imread(io.BytesIO(shot), format="png")[..., :3]


def _coloured(picture: np.ndarray) -> int:
    """Count the pixels of a label: sky blue, more blue than red."""
    return int(np.count_nonzero(picture[..., 2] - picture[..., 0] > 0.15))


def _status(page: Page, text: str) -> None:
    expect(page.locator("#viewer-status")).to_have_text(text)


def _move_to(page: Page, voxel: tuple[int, int, int]) -> None:
    """Move the crosshair from the middle to a voxel, by keys."""
    page.locator("canvas").first.focus()
    for steps, keys in (
        (voxel[0] - 20, ("ArrowLeft", "ArrowRight")),
        (voxel[1] - 25, ("ArrowUp", "ArrowDown")),
        (voxel[2] - 15, ("PageUp", "PageDown")),
    ):
        for _ in range(abs(steps)):
            page.keyboard.press(keys[0] if steps > 0 else keys[1])


def test_a_ct_with_its_labels_is_drawn(browser: Browser, files: dict[str, bytes]) -> None:
    with _opened(browser, files, _image("ct.nii.gz")) as page:
        _status(page, "The images are ready.")
        before = _picture(page)
        assert before.std() > 0.1
        _move_to(page, BONE_AT)
        _status(page, "-20.0, -42.5, -9.0 mm: CT 700 HU, label 2.")
        assert _coloured(_picture(page)) > 200
        page.locator("#overlay-opacity").fill("0")
        assert _coloured(_picture(page)) == 0


@pytest.mark.parametrize("name", ["ct-plain", "ct-encoded.nii.gz", "ct-without-name", "sagittal.nii.gz"])
@pytest.mark.parametrize("labels", ["labels.nii.gz", "coarse.nii.gz"])
def test_however_it_is_packed_or_turned_the_values_are_the_same(
    browser: Browser, files: dict[str, bytes], name: str, labels: str
) -> None:
    with _opened(browser, files, _image(name, overlay=labels, labels=["T11", "T12"])) as page:
        _move_to(page, BONE_AT)
        _status(page, "-20.0, -42.5, -9.0 mm: CT 700 HU, label T12.")
        assert _coloured(_picture(page)) > 200


def test_the_patients_right_is_at_the_left(browser: Browser, files: dict[str, bytes]) -> None:
    with _opened(browser, files, _image("ct.nii.gz"), view="#slice=axial&window=bone") as page:
        _move_to(page, BONE_AT)
        page.locator("#crosshair").uncheck()
        columns = np.nonzero((_picture(page).min(axis=2) > 0.5) | (_picture(page)[..., 2] > 0.9))[1]
        # the bone lies at low x, which is the patient's left, and so in the right half of the picture
        assert np.median(columns) > 600


def test_a_window_changes_the_grey_and_not_the_value(browser: Browser, files: dict[str, bytes]) -> None:
    means = {}
    with _opened(browser, files, _image("ct.nii.gz", overlay=None), view="#slice=axial") as page:
        for window in ("bone", "soft-tissue", "lung", "brain", "full"):
            page.locator("#window-preset").select_option(window)
            page.locator("#crosshair").uncheck()
            means[window] = float(_picture(page)[180:220, 570:610].mean())
    body = {"bone": 490 / 1500, "soft-tissue": 0.5, "lung": 1390 / 1500, "brain": 0.5, "full": 1040 / 1700}
    assert means == pytest.approx(body, abs=0.02)


def test_the_link_keeps_the_view(browser: Browser, files: dict[str, bytes]) -> None:
    with _opened(browser, files, _image("ct.nii.gz")) as page:
        _move_to(page, BONE_AT)
        page.locator("#window-preset").select_option("bone")
        page.locator("#slice-type").select_option("coronal")
        page.locator("#overlay-opacity").fill("0.8")
        page.locator("#link-view").click()
        _status(page, "The link to this view was copied.")
        link = page.evaluate("navigator.clipboard.readText()")
        picture = _picture(page)
    kept = urlsplit(link).query
    assert urlsplit(link).fragment == ""  # which a sign-in would lose
    assert {name: value[0] for name, value in parse_qs(kept).items()} == {
        "window": "bone", "slice": "coronal", "mm": "-20.00,-42.50,-9.00", "opacity": "0.80",
    }  # fmt: skip
    with _opened(browser, files, _image("ct.nii.gz"), view=f"?{kept}") as page:
        assert page.locator("#window-preset").input_value() == "bone"
        assert page.locator("#slice-type").input_value() == "coronal"
        assert page.locator("#overlay-opacity").input_value() == "0.8"
        assert np.array_equal(_picture(page), picture)


@pytest.mark.parametrize("view", ["#mm=x,y,z&window=none&slice=<b>&opacity=9", "#%", "?mm=1e9,0,0&window=none"])
def test_an_address_that_says_nothing_of_use_is_passed_over(
    browser: Browser, files: dict[str, bytes], view: str
) -> None:
    with _opened(browser, files, _image("ct.nii.gz"), view=view) as page:
        assert page.locator("#window-preset").input_value() == "soft-tissue"
        assert _picture(page).std() > 0.01


def test_two_images_move_together(browser: Browser, files: dict[str, bytes]) -> None:
    images = (_image("ct.nii.gz", "before"), _image("sagittal.nii.gz", "after"))
    with _opened(browser, files, *images, view="#slice=axial") as page:
        _move_to(page, BONE_AT)
        _status(page, "-20.0, -42.5, -9.0 mm: before 700 HU, label 2; after 700 HU, label 2.")
        first, second = _picture(page, 0), _picture(page, 1)
        assert first.shape == second.shape
        assert np.abs(first - second).mean() < 0.01
        page.locator("canvas").nth(1).click()
        _status(page, "0.0, 0.0, -9.0 mm: before 40 HU; after 40 HU.")


def test_a_click_moves_the_crosshair_and_a_wheel_the_slice(browser: Browser, files: dict[str, bytes]) -> None:
    with _opened(browser, files, _image("ct.nii.gz"), view="#slice=axial") as page:
        canvas = page.locator("canvas")
        box = canvas.bounding_box()
        assert box is not None
        # the axial picture is 80 mm x 125 mm, as high as the canvas and in its middle
        across = box["height"] * 80 / 125
        canvas.click(position={"x": box["width"] / 2 + across * 0.25, "y": box["height"] * 0.75})
        _status(page, "-20.0, -32.5, 0.0 mm: CT 40 HU.")
        page.mouse.wheel(0, -100)
        _status(page, "-20.0, -32.5, 3.0 mm: CT 40 HU.")


def test_a_distance_is_measured_by_dragging(browser: Browser, files: dict[str, bytes]) -> None:
    with _opened(browser, files, _image("ct.nii.gz"), view="#slice=axial") as page:
        page.locator("#measure").check()
        box = page.locator("canvas").bounding_box()
        assert box is not None
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.move(*middle)
        page.mouse.down()
        page.mouse.move(middle[0], middle[1] + box["height"] * 50 / 125)
        page.mouse.up()
        said = page.locator("#viewer-status")
        expect(said).to_contain_text("The distance is")
        [mm] = re.findall(r"[\d.]+\d", said.inner_text())
        assert float(mm) == pytest.approx(50, abs=0.5)
        assert np.count_nonzero(_picture(page)[..., 0] - _picture(page)[..., 1] > 0.4) > 100


def test_the_keyboard_zooms_and_never_traps(browser: Browser, files: dict[str, bytes]) -> None:
    with _opened(browser, files, _image("ct.nii.gz")) as page:
        before = _picture(page)
        page.locator("canvas").focus()
        page.keyboard.press("+")
        assert np.abs(_picture(page) - before).mean() > 0.01
        page.keyboard.press("0")
        page.keyboard.press("Shift+Tab")
        assert page.evaluate("document.activeElement.id") == "link-view"


def test_three_dimensions_are_drawn_when_asked_for(browser: Browser, files: dict[str, bytes]) -> None:
    with _opened(browser, files, _image("ct.nii.gz"), view="#window=bone") as page:
        assert (
            page.evaluate("performance.getEntriesByType('resource').some((one) => one.name.includes('niivue'))")
            is False
        )
        page.locator("#slice-type").select_option("render")
        page.wait_for_selector("#viewer[data-rendered]")
        assert _picture(page).std() > 0.05
        assert 20 < _coloured(_picture(page)) < 400 * 1200 / 10  # the labels, and not all around them
        page.locator("#window-preset").select_option("soft-tissue")
        page.locator("#slice-type").select_option("multiplanar")
        assert _picture(page).std() > 0.1
        assert [canvas.is_visible() for canvas in page.locator("canvas").all()] == [True, False]


def test_a_browser_without_webgl_shows_the_slices_and_says_so(browser: Browser, files: dict[str, bytes]) -> None:
    with _opened(browser, files, _image("ct.nii.gz")) as page:
        page.evaluate("""() => {
            const given = HTMLCanvasElement.prototype.getContext;
            HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
                return kind === "webgl2" ? null : given.call(this, kind, ...more);
            };
        }""")
        page.locator("#slice-type").select_option("render")
        _status(
            page,
            "This browser can't draw in three dimensions, for which it needs WebGL 2: the slices are shown instead.",
        )
        assert _picture(page).std() > 0.1


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("absent.nii.gz", "the server answered 404"),
        ("text.nii.gz", "the transfer broke off"),
        ("cut.nii.gz", "the transfer broke off"),
    ],
)
def test_what_cannot_be_shown_is_said_in_one_sentence(
    browser: Browser, files: dict[str, bytes], name: str, why: str
) -> None:
    with _opened(browser, files, _image(name, overlay=None), state="failed") as page:
        _status(page, f"The image CT could not be shown, for {why}: load the page again, or ask the data manager.")
