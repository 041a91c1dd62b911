"""The portal in a browser: the whole way of a project, and every page as those see it who cannot see."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.conftest import PARTS
from tests.docker_engine import docker
from tests.others_cluster import others_cluster
from tests.portal_walk import NAME, Served, Walk, browser, pages, served
from voxpop.demo.hosting import ARCHIVE
from voxpop.demo.people import make_accounts
from voxpop.demo.population import Population
from voxpop.kernel.digests import sha256_file

pytestmark = [pytest.mark.needs("chromium", "bubblewrap"), pytest.mark.slow]

LIGHT_AND_DARK = ("light", "dark")
SIZES = ({"width": 1280, "height": 900}, {"width": 360, "height": 740})


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def bank(population: Population, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return the service on a work folder as a demo leaves it, with four patients instead of twenty-four."""
    from voxpop.cli.opening import opened
    from voxpop.demo.archive import TestArchive

    folder = tmp_path_factory.mktemp("portal")
    work = folder / "work"
    system = opened(work, create=True)
    make_accounts(system)
    shutil.copytree(population.folder, work / "protected" / "demo-population")
    with TestArchive([population.dicom], workdir=folder / "archive") as archive:
        system.connect_archive(ARCHIVE, "dicomweb", {"url": archive.dicomweb_url}, "tester")
        system.harvest(ARCHIVE, "tester")
    system.load_clinical(population.clinical, "tester")
    with served(work) as running:
        yield running


@pytest.fixture(scope="module")
def walked(bank: Served, chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """Return the walk of the whole way; a small population has two people a group."""
    walk = Walk(bank, chromium, tmp_path_factory.mktemp("pictures"), most=2)
    walk.go()
    return walk


def test_a_project_goes_the_whole_way_in_a_browser(walked: Walk) -> None:
    assert walked.complaints == []
    assert len(list(walked.shots.glob("*.png"))) == walked.stage


@pytest.mark.needs("docker", "mmdebstrap")
@pytest.mark.timeout(1500)  # Octave's packages come from Debian, once
def test_the_project_goes_on_in_containers_of_a_docker_engine(walked: Walk, bank: Served, engine: str) -> None:
    voxpop(bank, "site", "add", "engine", "--kind", "docker", "--set", f"host={engine}")
    voxpop(bank, "recipe", "build", "htcondor,octave,python-imaging,caffe-models", "--site", "engine")
    ada = walked.sign_in("ada")
    walked.elsewhere(ada, "engine", f"{NAME}-a2")
    walked.run(ada)
    walked.type(ada, f"{NAME}-a2")
    here, there = (contents(bank.work / "results" / f"{NAME}-r{number}" / "outputs") for number in (1, 2))
    assert here == there
    walked.leave(ada, f"{NAME}-a2")
    assert docker("ps", "--all", "--quiet", "--filter", f"label=voxpop.appliance={NAME}-a2") == ""
    assert walked.complaints == []


@pytest.mark.needs("docker", "mmdebstrap")
@pytest.mark.timeout(1500)
def test_the_project_goes_on_on_a_cluster_that_others_keep(
    walked: Walk, bank: Served, engine: str, repo: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    volume, tools = bank.work / "volumes" / f"{NAME}-v1", ("python-imaging", "octave", "caffe-models")
    with others_cluster(tmp_path_factory.mktemp("others"), repo, engine, "htcondor", volume, tools) as others:
        given = [word for name, value in others.settings().items() for word in ("--set", f"{name}={value}")]
        voxpop(bank, "site", "add", "institute", "--kind", "cluster", *given)
        deployed = json.loads(voxpop(bank, "appliance", "deploy", f"{NAME}-v1", "--site", "institute", "--json"))
        run = json.loads(voxpop(bank, "run", "start", NAME, "--json"))
        record = json.loads((Path(run["results"]) / "record.json").read_text())
        voxpop(bank, "appliance", "remove", deployed["appliance"])
        assert list(others.bench.bench.glob("voxpop-*")) == []
    assert {step["queue"] for step in record["steps"]} == {"htcondor"}
    assert contents(Path(run["results"]) / "outputs") == contents(bank.work / "results" / f"{NAME}-r1" / "outputs")
    assert walked.complaints == []


@pytest.mark.needs("axe-core")
@pytest.mark.parametrize("scheme", LIGHT_AND_DARK)
@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
def test_axe_finds_nothing_on_any_page(walked: Walk, chromium: Browser, scheme: Any, size: Any) -> None:
    axe = Path(PARTS["axe-core"]).read_text(encoding="utf-8")
    found = []
    for person, paths in pages(NAME).items():
        context = chromium.new_context(viewport=size, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
        page = walked.enter(context, person)
        for path in paths:
            page.goto(walked.served.url + path)
            page.evaluate(axe)
            tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
            result = page.evaluate("tags => axe.run(document, {runOnly: tags})", tags)
            for violation in result["violations"]:
                where = [node["target"] for node in violation["nodes"]][:3]
                found.append(f"{person} {path}: {violation['id']} {json.dumps(where)}")
        context.close()
    assert found == []


def test_no_page_brings_more_than_60_kb_of_script(walked: Walk, chromium: Browser) -> None:
    context = chromium.new_context()
    page = walked.enter(context, "ada")
    sizes: dict[str, int] = {}
    page.on("response", lambda answer: _weigh(answer, sizes))
    for path in pages(NAME)["ada"]:
        if not path.endswith("/terminal") and "/participants/" not in path:
            page.goto(walked.served.url + path)
    page.wait_for_load_state("networkidle")
    assert 0 < sum(sizes.values()) < 60_000


def test_the_pages_work_without_javascript(walked: Walk, chromium: Browser) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = walked.enter(context, "ada")
    page.goto(f"{walked.served.url}/applications/{NAME}")
    page.fill("#remark", "Written without JavaScript.")
    page.click("text=Add the remark")
    assert "Written without JavaScript." in page.inner_text("main")
    page.goto(f"{walked.served.url}/volumes/{NAME}-v1")
    assert "Participants" in page.inner_text("main")


def test_a_page_can_be_walked_by_keyboard_and_shows_where_one_is(walked: Walk, chromium: Browser) -> None:
    page = walked.enter(chromium.new_context(), "carmen")
    page.goto(f"{walked.served.url}/applications")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('href')") == f"/applications/{NAME}":
            break
    outline = page.evaluate("getComputedStyle(document.activeElement)")
    assert outline is not None
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/applications/{NAME}")


def _weigh(answer: Any, sizes: dict[str, int]) -> None:
    if answer.request.resource_type == "script":
        sizes[answer.url] = len(answer.body())


def voxpop(bank: Served, *words: str) -> str:
    """Do a command on the bank's work folder, beside the service; returns what it prints."""
    command = [sys.executable, "-m", "voxpop", *words, "--work", str(bank.work)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1200)
    assert done.returncode == 0, done.stderr
    return done.stdout


def contents(folder: Path) -> dict[str, str]:
    """Return the digest of each file of a folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256_file(path) for path in files}
