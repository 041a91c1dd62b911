"""The whole way in a browser, from an application to its release, as the people of the demo go it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.own_recipe import own_archive

CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
LONG_MS = 240_000
NAME = "bone-density-1"


@dataclass
class Served:
    """A running `voxpop serve`."""

    url: str
    passwords: Mapping[str, str]
    process: "subprocess.Popen[str]"
    work: Path


@contextmanager
def served(work: Path) -> Iterator[Served]:
    """Run `voxpop serve` on a work folder while the block runs."""
    command = [sys.executable, "-m", "voxpop", "serve", "--work", str(work), "--port", "0", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ})
    try:
        assert process.stdout is not None
        answer = _first_object(process.stdout)
        yield Served(answer["url"].rstrip("/"), answer["sign_in"], process, work)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def _first_object(lines: IO[str]) -> dict[str, Any]:
    """Read the one object that is printed before anything else."""
    told = ""
    for line in lines:
        told += line
        with suppress(json.JSONDecodeError):
            read: dict[str, Any] = json.loads(told)
            return read
    raise AssertionError("voxpop serve ended before it served")


@dataclass
class Walk:
    """One walk.

    Parameters
    ----------
    shots : Path
        The folder that gets a picture of each stage.
    most : int
        How many people a group asks for.
    """

    served: Served
    browser: Browser
    shots: Path
    most: int = 12
    complaints: list[str] = field(default_factory=list)
    stage: int = 0

    def go(self) -> None:
        """Go the whole way."""
        ada, carmen, dolores, aurora = (self.sign_in(name) for name in ("ada", "carmen", "dolores", "aurora"))
        self.bring(ada)
        self.apply(ada)
        self.decide(carmen)
        self.staged(ada)
        self.run(ada)
        self.look(ada)
        self.type(ada)
        self.read(ada)
        self.ask(ada)
        self.release(dolores)
        self.fetch(ada)
        self.audit(aurora)

    def sign_in(self, name: str) -> Page:
        context = self.browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
        return self.enter(context, name)

    def enter(self, context: BrowserContext, name: str) -> Page:
        """Sign someone in."""
        page = context.new_page()
        page.on("console", lambda message: self._hear(name, message.type, message.text))
        page.goto(f"{self.served.url}/")
        page.fill("#name", name)
        page.fill("#password", self.served.passwords[name])
        if not self.stage:
            self.picture(page, "sign-in")
        page.click("main button")
        expect(page.locator("h1")).to_have_text("What waits for you")
        return page

    def bring(self, page: Page) -> None:
        """Add a recipe of one's own, which a technical manager finds to read."""
        page.goto(f"{self.served.url}/catalogue")
        page.click("text=Add a recipe")
        page.set_input_files(
            "#archive", {"name": "my-tool.zip", "mimeType": "application/zip", "buffer": own_archive()}
        )
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.locator("main")).to_contain_text("my-tool 1.0.0")
        page.goto(f"{self.served.url}/")

    def apply(self, page: Page) -> None:
        page.click("text=Write an application")
        page.click("text=Start from an example")
        for group in (1, 2):
            page.fill(f"#g-number-{group}", str(self.most))
        page.click("text=Count, and show the cost")
        expect(page.locator("#counted")).to_be_visible()
        self.picture(page, "application")
        page.click("text=Keep as a draft")
        expect(page.locator("[role=status].said")).to_contain_text("draft is kept")
        page.click("text=Hand in")
        expect(page.locator(".state").first).to_have_text("submitted")

    def decide(self, page: Page) -> None:
        page.goto(f"{self.served.url}/")
        self.picture(page, "waiting")
        page.locator(f'a[href="/applications/{NAME}"]').first.click()
        page.click("text=Begin the review")
        page.check('input[value="approve"]')
        page.fill("#reason", "The purpose is clear, the counts suffice, the ethics committee has agreed.")
        self.picture(page, "decision")
        page.locator("form[action$=decide] button").click()
        expect(page.locator(".state").first).to_have_text("approved")

    def staged(self, page: Page) -> None:
        page.goto(f"{self.served.url}/applications/{NAME}")
        expect(page.locator("#live")).to_contain_text(re.compile("Cohort|stage"), timeout=LONG_MS)
        self.picture(page, "staging")
        expect(page.locator("text=Start a run")).to_be_visible(timeout=LONG_MS)
        page.goto(f"{self.served.url}/volumes/{NAME}-v1")
        self.picture(page, "volume")
        page.goto(f"{self.served.url}/appliances/{NAME}-a1")
        self.picture(page, "appliance")

    def run(self, page: Page) -> None:
        page.goto(f"{self.served.url}/applications/{NAME}/run")
        page.fill("#p-most_slice_mm", "6")
        self.picture(page, "run-form")
        page.click("text=Start the run")
        expect(page.locator("#live")).to_contain_text("execute")
        self.picture(page, "run")
        expect(page.locator("#live .state").first).to_have_text("done", timeout=LONG_MS)

    def look(self, page: Page) -> None:
        page.goto(f"{self.served.url}/volumes/{NAME}-v1")
        page.locator("a:has-text('Look')").first.click()
        expect(page.locator("#viewer-status")).to_contain_text(re.compile("ready|HU", re.I), timeout=60_000)
        self.picture(page, "viewer")

    def elsewhere(self, page: Page, site: str, appliance: str) -> None:
        page.goto(f"{self.served.url}/appliances/{NAME}-a1")
        page.click("text=Deploy on another site")
        page.select_option("#site", site)
        page.click("text=Deploy there")
        page.wait_for_url(f"**/appliances/{appliance}")
        for _ in range(LONG_MS // 1000):
            if page.locator("main > p .state, main > .state").first.inner_text() == "deployed":
                break
            page.wait_for_timeout(1000)
            page.reload()
        expect(page.locator("text=Open a terminal")).to_be_visible()
        self.picture(page, "elsewhere")

    def leave(self, page: Page, appliance: str) -> None:
        page.goto(f"{self.served.url}/appliances/{appliance}")
        page.click("text=Remove this appliance")
        page.locator("form[action$=remove] textarea, form[action$=remove] input[name=reason]").first.fill("It is done.")
        page.locator("form[action$=remove] button").click()
        expect(page.locator(".state").first).to_have_text("removed")

    def type(self, page: Page, appliance: str = f"{NAME}-a1") -> None:
        page.goto(f"{self.served.url}/appliances/{appliance}/terminal")
        expect(page.locator("#terminal-status")).to_contain_text("open", timeout=30_000)
        page.locator("#terminal textarea").first.focus()
        page.keyboard.type("id -un; ls $DATA | head -3; touch $DATA/x; ls $RESULTS\n")
        expect(page.locator("#terminal")).to_contain_text("Read-only file system", timeout=30_000)
        self.picture(page, "terminal")

    def read(self, page: Page) -> None:
        page.goto(f"{self.served.url}/results/{NAME}-r1")
        expect(page.locator("text=The report (PDF)")).to_be_visible(timeout=LONG_MS)
        self.picture(page, "report")
        page.click("text=The way back to the decision")
        expect(page.locator("svg.trace")).to_be_visible()
        assert page.locator("svg.trace .bad").count() == 0
        self.picture(page, "trace")

    def ask(self, page: Page) -> None:
        page.goto(f"{self.served.url}/results/{NAME}-r1")
        page.check('input[value="outputs/figure-levels.png"]')
        page.check('input[value="outputs/measurements.tsv"]')
        page.fill("#purpose", "A figure for a talk, and the table that it was drawn from.")
        page.click("text=Ask for release")
        expect(page.locator(".state").first).to_have_text("requested")
        self.picture(page, "release-asked")

    def release(self, page: Page) -> None:
        page.goto(f"{self.served.url}/")
        page.locator(f'a[href="/releases/{NAME}-r1-x1"]').first.click()
        page.check('input[value="release"]')
        for permission in page.locator('input[name="allow"]').all():
            permission.check()
        page.fill("#reason", "No image, no name; rows of persons under pseudonyms, as the protocol says.")
        self.picture(page, "release-decision")
        page.locator("form[action$=decide] button").click()
        expect(page.locator(".state").first).to_have_text("released")

    def fetch(self, page: Page) -> None:
        page.goto(f"{self.served.url}/releases/{NAME}-r1-x1")
        with page.expect_download() as download:
            page.click("text=Take the files away")
        assert Path(download.value.path()).read_bytes().startswith(b"PK")

    def audit(self, page: Page) -> None:
        page.goto(f"{self.served.url}/audit")
        page.click("text=Verify the whole log")
        expect(page.locator("[role=status].said")).to_contain_text("The log is whole")
        self.picture(page, "audit")
        for subject, action in (
            (f"application:{NAME}", "application.approved"), (f"volume:{NAME}-v1", "volume.viewed"),
            (f"appliance:{NAME}-a1", "terminal.opened"), (f"run:{NAME}-r1", "run.done"),
            (f"egress:{NAME}-r1-x1", "egress.released"),
        ):  # fmt: skip
            page.goto(f"{self.served.url}/audit?subject={subject}")
            expect(page.locator(f"td:text-is('{action}')").first).to_be_visible()

    def picture(self, page: Page, name: str) -> None:
        """Keep a picture of a stage."""
        self.stage += 1
        page.screenshot(path=self.shots / f"{self.stage:02d}-{name}.png")

    def _hear(self, name: str, kind: str, text: str) -> None:
        if kind == "error":
            self.complaints.append(f"{name}: {text}")


@contextmanager
def browser() -> Iterator[Any]:
    """Open Chromium while the block runs."""
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield opened
        finally:
            opened.close()


def pages(name: str) -> dict[str, list[str]]:
    """Return every page that a project leaves something on, by who may read it.

    Parameters
    ----------
    name : str
        The application, which has a run and a release; the viewer and the terminal are not among them.
    """
    return {
        "ada": [
            "/", "/applications", "/applications/new?example", "/applications/new?as=document", f"/applications/{name}",
            "/volumes", f"/volumes/{name}-v1", "/appliances", f"/appliances/{name}-a1", "/runs", f"/runs/{name}-r1",
            f"/applications/{name}/plan",
            f"/runs/{name}-r1/compare?with={name}-r1", f"/applications/{name}/run", "/results", f"/results/{name}-r1",
            f"/results/{name}-r1/trace", f"/releases/{name}-r1-x1", "/catalogue", "/account", "/no-such-page",
        ],
        "carmen": ["/", f"/applications/{name}"],
        "dolores": ["/", f"/volumes/{name}-v1", "/archives", f"/releases/{name}-r1-x1", "/people"],
        "teo": ["/people", "/sites", "/sites/local", "/catalogue/recipes/my-tool/1.0.0"],
        "aurora": ["/audit"],
    }  # fmt: skip
