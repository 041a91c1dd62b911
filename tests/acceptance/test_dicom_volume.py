"""A project that was granted DICOM: the de-identified objects in its volume, DICOMweb over them, OHIF in a browser."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pydicom
import pytest
from playwright.sync_api import APIResponse, BrowserContext, expect

from tests.acceptance.project import APPLICATION, VOLUME, Project, assert_no_identity, indexed, write_application
from tests.conftest import PARTS
from tests.portal_walk import Served, Walk, browser, served
from voxpop.access.model import Membership, ProjectRole
from voxpop.cli.opening import opened
from voxpop.demo.people import make_accounts
from voxpop.demo.population import Population
from voxpop.kernel.ids import ApplicationId

LONG_MS = 90_000
LOOK = "volume.viewed"
Contexts = Callable[[str], BrowserContext]


@pytest.fixture(scope="module")
def project(population: Population, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project whose volume holds DICOM, with the demo's people in it."""
    folder = tmp_path_factory.mktemp("dicom")
    with indexed(population, folder) as made:
        document = write_application(folder, 1)
        document.write_text(document.read_text().replace("formats: [nifti]", "formats: [nifti, dicom]"))
        made.approve(document)
        made.stage()
    (made.work / "voxpop.toml").write_text(f'[web]\nohif = "{Path(PARTS["ohif"]).parent}"\n')
    system = opened(made.work)
    make_accounts(system)
    system.access.join(Membership(ApplicationId(APPLICATION), "ada", ProjectRole.APPLICANT), "tester")
    return made


@pytest.fixture(scope="module")
def portal(project: Project) -> Iterator[Served]:
    with served(project.work) as running:
        yield running


@pytest.fixture(scope="module")
def contexts(portal: Served) -> Iterator[Contexts]:
    """Return a function that gives the browser of somebody who has signed in."""
    with browser() as chromium:
        made: dict[str, BrowserContext] = {}

        def of(name: str) -> BrowserContext:
            if name not in made:
                made[name] = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
                Walk(portal, chromium, Path(), stage=1).enter(made[name], name).close()
            return made[name]

        yield of


@pytest.fixture(scope="module")
def participant(project: Project) -> str:
    return sorted(path.name for path in (project.work / "volumes" / VOLUME / "sourcedata").iterdir())[0]


def test_the_objects_lie_in_the_volume_sealed_and_without_identity(project: Project, population: Population) -> None:
    volume = project.work / "volumes" / VOLUME
    objects = sorted(volume.glob("sourcedata/sub-*/ses-*/run-*/*.dcm"))
    assert objects
    assert {path.relative_to(volume / "sourcedata").parts[0] for path in objects} == {
        path.name for path in volume.glob("sub-*")
    }
    named = (volume / "manifest-sha256.txt").read_text()
    assert all(path.relative_to(volume).as_posix() in named for path in objects)
    assert all(pydicom.dcmread(path).PatientIdentityRemoved == "YES" for path in objects)
    assert project.asked("volume", "verify", VOLUME)["intact"] is True
    assert_no_identity(project.work, population)


@pytest.mark.needs("chromium")
def test_dicomweb_tells_and_gives_what_the_volume_has(
    project: Project, portal: Served, contexts: Contexts, participant: str
) -> None:
    root = f"{portal.url}/volumes/{VOLUME}/dicomweb/{participant}"
    ask = contexts("ada").request
    (study,) = ask.get(f"{root}/studies").json()
    uid = study["0020000D"]["Value"][0]
    assert ask.get(f"{root}/studies?StudyInstanceUID={uid}").json() == [study]
    assert ask.get(f"{root}/studies?StudyInstanceUID=1.2.3").json() == []
    assert study["00080061"]["Value"] == ["CT"]
    (series,) = ask.get(f"{root}/studies/{uid}/series").json()
    inside = f"{root}/studies/{uid}/series/{series['0020000E']['Value'][0]}"
    files = sorted((project.work / "volumes" / VOLUME / "sourcedata" / participant).rglob("*.dcm"))
    instances = ask.get(f"{inside}/instances").json()
    assert len(instances) == series["00201209"]["Value"][0] == len(files)
    whole = {str(read.SOPInstanceUID): read for read in map(pydicom.dcmread, files)}
    told = ask.get(f"{inside}/metadata")
    assert told.headers["content-type"] == "application/dicom+json"
    assert ask.get(f"{root}/studies/{uid}/metadata").json() == told.json()
    for one in told.json():
        read = whole[one["00080018"]["Value"][0]]
        assert not any(tag.startswith("7FE0") for tag in one)
        del read.PixelData
        assert pydicom.Dataset.from_json(one) == read
    first = instances[0]["00080018"]["Value"][0]
    read = pydicom.dcmread(next(path for path in files if str(pydicom.dcmread(path).SOPInstanceUID) == first))
    (frame,) = _parts(ask.get(f"{inside}/instances/{first}/frames/1"))
    assert frame == read.PixelData[: read.Rows * read.Columns * 2]
    (whole_object,) = _parts(ask.get(f"{inside}/instances/{first}"))
    assert whole_object in [path.read_bytes() for path in files]
    plain = ask.get(f"{inside}/instances/{first}", headers={"accept": "application/dicom"})
    assert plain.body() == whole_object
    for absent in (f"{inside}/instances/{first}/frames/2", f"{inside}/instances/{first}/frames/x", f"{root}x/studies",
                   f"{inside}/instances/1.2.3", f"{inside}/instances/..%2f..%2fmanifest-sha256.txt"):  # fmt: skip
        assert ask.get(absent).status == 404


@pytest.mark.needs("chromium")
def test_nobody_without_a_grant_is_told_anything(portal: Served, contexts: Contexts, participant: str) -> None:
    paths = (f"dicomweb/{participant}/studies", f"ohif/{participant}", f"ohif/{participant}/viewer")
    for path in paths:
        url = f"{portal.url}/volumes/{VOLUME}/{path}"
        for name in ("carmen", "teo", "aurora"):
            assert contexts(name).request.get(url).status in (403, 404)


@pytest.mark.needs("chromium", "ohif")
def test_ohif_shows_the_objects_behind_the_same_sign_in_and_asks_nobody_else(
    project: Project, portal: Served, contexts: Contexts, participant: str
) -> None:
    page = contexts("ada").new_page()
    complaints: list[str] = []
    foreign: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
    page.on(
        "request",
        lambda sent: foreign.append(sent.url) if not sent.url.startswith((portal.url, "blob:", "data:")) else None,
    )
    page.goto(f"{portal.url}/volumes/{VOLUME}/participants/{participant}")
    page.click("text=Open the DICOM objects in OHIF")
    expect(page).to_have_url(re.compile(f"/volumes/{VOLUME}/ohif/{participant}/viewer"), timeout=LONG_MS)
    expect(page.locator(".cornerstone-canvas").first).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text(re.compile(r"1 \(1/\d+\)"))).to_be_visible(timeout=LONG_MS)  # the first slice is drawn
    assert complaints == []
    assert foreign == []
    assert page.evaluate("localStorage.getItem('shownTours')") is None  # OHIF notes a tour before the picture is drawn
    page.goto(page.url)  # a link that was kept is a look too
    viewed = [row for row in project.asked("audit", "list", "--subject", f"volume:{VOLUME}") if row["action"] == LOOK]
    assert [row["actor"] for row in viewed] == ["Ada Ferrer"] * 3


def _parts(answer: APIResponse) -> list[bytes]:
    """Return the parts of an answer in parts (RFC 2046, 5.1.1)."""
    assert answer.status == 200
    boundary = answer.headers["content-type"].partition("boundary=")[2].encode()
    _, *parts, end = answer.body().split(b"--" + boundary)
    assert end == b"--\r\n"
    return [part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in parts]
