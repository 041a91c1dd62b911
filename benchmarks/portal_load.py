"""200 people click through the portal at once: PostgreSQL, a million studies in the index, 10,000 runs, loopback.

python benchmarks/portal_load.py [--people 200] [--seconds 60]
"""

import argparse
import csv
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import duckdb
import httpx
from sqlalchemy import insert, select

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.index_counts import TABLES
from tests import postgres
from tests.bank import APPLIANCE, NOW, PROJECT, RUN, VOLUME, Bank, bank_with_results

from voxpop.store.schema import ApplicationRow, RunRow

HERE = Path(__file__).parent
GOAL_MS = 200
PAGES = {
    "ada": [
        "/", "/applications", f"/applications/{PROJECT}", "/volumes", f"/volumes/{VOLUME}", "/runs", f"/runs/{RUN}",
        "/results", f"/results/{RUN}", f"/appliances/{APPLIANCE}", "/catalogue", "/account",
    ],
    "carmen": ["/", "/applications", f"/applications/{PROJECT}"],
    "dolores": ["/", "/applications", f"/volumes/{VOLUME}", "/runs", "/results", "/archives", "/people"],
    "teo": ["/", "/runs", "/people", "/appliances"],
    "aurora": ["/", "/audit", "/audit?action=application"],
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--studies", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=10_000)
    options = parser.parse_args()
    with ExitStack() as until_the_end:
        folder = Path(until_the_end.enter_context(tempfile.TemporaryDirectory()))
        server = until_the_end.enter_context(postgres.running())
        secret = folder / "database-url"
        secret.write_text(server.database("portal"))
        secret.chmod(0o600)
        os.environ["VOXPOP_DATABASE_URL_FILE"] = str(secret)
        bank = bank_with_results(folder)
        populate(bank, options.studies, options.runs)
        urls = [until_the_end.enter_context(Web(bank)).url for _ in range(options.processes)]
        warm(bank, urls)
        return load(bank, folder, urls, options)


def populate(bank: Bank, studies: int, runs: int) -> None:
    """Fill the index and the tables."""
    index = bank.system.work.protected / "index"
    for name, query in TABLES.items():
        (index / name).parent.mkdir(parents=True, exist_ok=True)
        duckdb.sql(f"COPY ({query.format(n=studies)}) TO '{index / name}' (FORMAT parquet, COMPRESSION zstd)")
    projects = 300
    with bank.system._engine.begin() as connection:  # noqa: SLF001 -- ten thousand runs by the use cases take an hour
        first = connection.execute(select(ApplicationRow.document, ApplicationRow.digest)).one()
        rows = [
            {
                "id": f"project-{n}", "document": first.document.replace(f"name: {PROJECT}", f"name: project-{n}", 1),
                "digest": first.digest, "state": "active", "written_by": "Ada Example", "written_at": NOW,
            }
            for n in range(projects)
        ]  # fmt: skip
        connection.execute(insert(ApplicationRow), rows)
        made = [
            {
                "id": f"project-{n % projects}-r{n}", "application": f"project-{n % projects}", "appliance": APPLIANCE,
                "volume": VOLUME, "pipeline": "bone-density/1.0.0", "pipeline_digest": "0" * 64, "state": "done",
                "parameters": {}, "created_at": NOW,
            }
            for n in range(runs)
        ]  # fmt: skip
        connection.execute(insert(RunRow), made)


class Web:
    """One web process."""

    def __init__(self, bank: Bank) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        work = str(bank.system.work.root)
        command = [sys.executable, "-m", "voxpop", "serve", "--no-worker", "--work", work, "--port", str(port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self) -> "Web":
        for _ in range(600):
            try:
                httpx.get(f"{self.url}/healthz")
            except httpx.HTTPError:
                time.sleep(0.1)
            else:
                return self
        raise AssertionError("voxpop serve did not come up")

    def __exit__(self, *ended: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()


def warm(bank: Bank, urls: list[str]) -> None:
    """Open each page once in each process, and print what the first content of each took."""
    for url in urls:
        for who, paths in PAGES.items():
            cookie = bank.system.entrance.begin(bank.system.access.get(who))[0]
            for path in paths:
                assert httpx.get(url + path, cookies={"voxpop": cookie}, timeout=60).status_code == 200, path


def load(bank: Bank, folder: Path, urls: list[str], options: argparse.Namespace) -> int:
    """Let Locust click, and print what it saw."""
    names = list(PAGES)
    people = [
        {
            "url": urls[number % len(urls)],
            "role": names[number % len(names)],
            "cookie": bank.system.entrance.begin(bank.system.access.get(names[number % len(names)]))[0],
        }
        for number in range(options.people)
    ]
    plan = folder / "plan.json"
    plan.write_text(json.dumps({"people": people, "pages": PAGES, "thinks_s": [2, 8]}))
    command = [
        str(Path(sys.executable).parent / "locust"), "-f", str(HERE / "portal_users.py"), "--headless",
        "--host", urls[0],
        "--users", str(options.people), "--spawn-rate", "20", "--run-time", f"{options.seconds}s", "--only-summary",
        "--reset-stats", "--csv", str(folder / "seen"), "--loglevel", "ERROR",
    ]  # fmt: skip
    environment = {**os.environ, "VOXPOP_LOAD_PLAN": str(plan)}
    subprocess.run(command, env=environment, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with (folder / "seen_stats.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    print(f"{options.people} people, {len(urls)} web processes, {options.studies:,} studies, {options.runs:,} runs")
    print(f"{'page':<36} {'requests':>8} {'failed':>7} {'median ms':>10} {'95 % ms':>8}")
    for row in rows:
        print(
            f"{row['Name']:<36} {row['Request Count']:>8} {row['Failure Count']:>7} "
            f"{row['Median Response Time']:>10} {row['95%']:>8}"
        )
    total = rows[-1]
    return 1 if int(total["Failure Count"]) or float(total["95%"]) > GOAL_MS else 0


if __name__ == "__main__":
    sys.exit(main())
