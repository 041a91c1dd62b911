"""Print what Lighthouse says of every kind of page: accessibility, time to the first content, bytes of script.

python benchmarks/lighthouse.py [--work FOLDER] [--only PART]

The bank is what `voxpop demo` leaves, with a release asked for; the form is Lighthouse's default, a phone on a slow 4G
line, worked out from what was loaded here. OHIF's page is not ours and is not among them.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.own_recipe import own_folder
from tests.portal_walk import CHROMIUM, pages, served

from voxpop.cli.opening import opened
from voxpop.kernel.ids import RunId
from voxpop.wiring.system import System

LIGHTHOUSE = (
    Path(__file__).parent.parent / "front-end" / "lighthouse" / "node_modules" / "lighthouse" / "cli" / "index.js"
)
NODE = Path(sys.executable).with_name("node")
NAME = "bone-density"
GOAL = 100
TRIES = 3  # a busy machine may paint nothing in the time that Lighthouse waits


@dataclass(frozen=True, slots=True)
class Judged:
    """What Lighthouse says of one page.

    Parameters
    ----------
    accessibility : int
        Of 100.
    failed : tuple of str
        The audits that cost points, and the first place of each.
    """

    accessibility: int
    failed: tuple[str, ...]
    first_content_ms: int
    script_bytes: int


def judged(report: Mapping[str, Any]) -> Judged:
    """Read Lighthouse's report."""
    audits, category = report["audits"], report["categories"]["accessibility"]
    weighed = [audits[one["id"]] for one in category["auditRefs"] if one["weight"]]
    requests = audits["network-requests"]["details"]["items"]
    return Judged(
        round(100 * category["score"]),
        tuple(f"{one['id']} {_place(one)}" for one in weighed if one["score"] is not None and one["score"] < 1),
        round(audits["first-contentful-paint"]["numericValue"]),
        sum(one["transferSize"] for one in requests if one["resourceType"] == "Script"),
    )


def _place(audit: Mapping[str, Any]) -> str:
    items = audit.get("details", {}).get("items", [])
    return str(items[0].get("node", {}).get("selector", "")) if items else ""


def main() -> int:
    """Judge every page, print a line for each; exit 1 if one is below the goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, help="a work folder that `voxpop demo` has left")
    parser.add_argument("--only", default="", help="only the pages whose path has this in it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = options.work or demo(Path(folder) / "work")
        system = opened(work)
        if not system.releases.every():
            system.releases.ask(RunId(f"{NAME}-r1"), ["outputs/measurements.tsv"], "Ada Ferrer", "a table for a talk")
        participant = next((system.work.volumes / f"{NAME}-v1").glob("sub-*")).name
        worst = GOAL
        print(f"{'page':<58} {'accessibility':>13} {'content ms':>10} {'script kB':>9}")
        system.recipe_book.add(own_folder(Path(folder)), "Ada")
        with served(work) as bank:
            for person, path in every_page(participant):
                if options.only in path:
                    found = judge(bank.url + path, Path(folder), cookie(system, person))
                    worst = min(worst, found.accessibility)
                    print(
                        f"{person or '-':<8} {shown(path):<49} {found.accessibility:>13} "
                        f"{found.first_content_ms:>10} {found.script_bytes / 1000:>9.1f}",
                        *(f"\n    {one}" for one in found.failed),
                        flush=True,
                    )
    return 1 if worst < GOAL else 0


def demo(work: Path) -> Path:
    """Let the demo go its whole way in a new work folder."""
    command = [sys.executable, "-m", "voxpop", "demo", "--work", str(work)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return work


def every_page(participant: str) -> Iterator[tuple[str, str]]:
    """Return who opens which page: those that a project leaves something on, the sign-in, the viewer, the terminal."""
    yield from (("", "/sign-in"), ("", "/sign-in/signed-out"))
    for person, paths in pages(NAME).items():
        yield from ((person, path) for path in paths)
    yield "ada", f"/volumes/{NAME}-v1/participants/{participant}"
    yield "ada", f"/appliances/{NAME}-a1/terminal"


def cookie(system: System, person: str) -> dict[str, str]:
    """Return the headers of someone's browser."""
    return {"Cookie": f"voxpop={system.entrance.begin(system.access.get(person))[0]}"} if person else {}


def judge(url: str, folder: Path, headers: Mapping[str, str]) -> Judged:
    """Let Lighthouse open one page."""
    sent = folder / "headers.json"  # not on the command line, which everybody on this machine may read
    sent.write_text(json.dumps(headers))
    sent.chmod(0o600)
    command = [
        str(NODE), str(LIGHTHOUSE), url, "--quiet", "--output=json", f"--extra-headers={sent}",
        "--only-categories=accessibility", "--only-audits=first-contentful-paint,network-requests",
        "--chrome-flags=--headless=new --no-sandbox", "--ignore-status-code", "--no-enable-error-reporting",
    ]  # fmt: skip
    environment = {**os.environ, "CHROME_PATH": CHROMIUM}
    for _ in range(TRIES):
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        report = json.loads(done.stdout)
        if "numericValue" in report["audits"]["first-contentful-paint"]:
            return judged(report)
    raise AssertionError(f"Lighthouse saw nothing painted: {report.get('runtimeError')}")


def shown(path: str) -> str:
    """Return a page's address without the participant."""
    return re.sub("sub-.*", "...", path)


if __name__ == "__main__":
    sys.exit(main())
