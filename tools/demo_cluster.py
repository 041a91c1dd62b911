"""The demo's project on a cluster: HTCondor, then Slurm, from no worker to four and back, beside what site local gave.

python tools/demo_cluster.py [--work voxpop-demo] [--host unix:///var/run/docker.sock] [--mirror URL]

Needs root, Docker's programs and mmdebstrap. Where no engine answers, one is started for the time of the demo; its data
stays in the cache, so that images are built once. What is said here is what was seen: workers are counted by asking the
engine, not voxpop. Ends with 1 where something is not as it should be.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

VOXPOP = str(Path(sys.executable).with_name("voxpop"))
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "voxpop-cluster"
USUAL = "unix:///var/run/docker.sock"
SITE, APPLICATION, VOLUME = "engine", "bone-density", "bone-density-v1"
QUEUES = ("htcondor", "slurm")
WORKERS = 4
SETTINGS = {**os.environ, "VOXPOP_ELASTIC__IDLE_SECONDS": "10"}
PATIENCE_S = 600.0
_LOOK_EVERY_S = 0.25


@dataclass(slots=True)
class Stage:
    """The bank of the demo, the engine, and how both are asked."""

    work: Path
    host: str
    server: str = ""
    token: str = ""

    def voxpop(self, *words: str) -> Any:
        """Do a command as its user would; returns what it prints as JSON."""
        command = [VOXPOP, *words, "--work", str(self.work), "--json"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=SETTINGS, check=False)
        if done.returncode:
            sys.exit(f"`voxpop {' '.join(words)}` ended with {done.returncode}")
        return json.loads(done.stdout)

    def docker(self, *words: str) -> list[str]:
        """Ask the engine by docker(1)."""
        command = ["docker", "--host", self.host, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    def everything(self) -> set[str]:
        """Name all that an engine can be left with."""
        return {
            *self.docker("ps", "--all", "--quiet"),
            *self.docker("network", "ls", "--quiet"),
            *self.docker("volume", "ls", "--quiet"),
        }

    def workers(self, appliance: str) -> int:
        """Count the workers of an appliance that run."""
        labels = ("--filter", f"label=voxpop.appliance={appliance}", "--filter", "label=voxpop.part=worker")
        return len(self.docker("ps", "--quiet", *labels))


@dataclass(slots=True)
class Watch:
    """Counts workers while something else happens."""

    stage: Stage
    appliance: str
    seen: list[tuple[float, int]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Watch":
        threading.Thread(target=self._look, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()

    def _look(self) -> None:
        begun = time.monotonic()
        while not self.over.wait(_LOOK_EVERY_S):
            number = self.stage.workers(self.appliance)
            if not self.seen or self.seen[-1][1] != number:
                self.seen.append((time.monotonic() - begun, number))

    def told(self) -> str:
        """Say how many there were, and when."""
        return ", ".join(f"{number} after {at:.0f} s" for at, number in self.seen)

    @property
    def most(self) -> int:
        """The most that there were at once."""
        return max((number for _, number in self.seen), default=0)


def digests(run: dict[str, Any]) -> dict[str, str]:
    """Return the SHA-256 of each file that a run left as its output."""
    folder = Path(run["results"]) / "outputs"
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def until(there: Any, what: str) -> None:
    """Wait for something, or end with what was waited for."""
    end = time.monotonic() + PATIENCE_S
    while not there():
        if time.monotonic() > end:
            sys.exit(f"waited {PATIENCE_S:g} s in vain: {what}")
        time.sleep(_LOOK_EVERY_S)


@contextmanager
def engine(host: str) -> Iterator[str]:
    """Give an engine: the one that answers, or one of our own for as long as it is needed."""
    if subprocess.run(["docker", "--host", host, "info"], capture_output=True, check=False).returncode == 0:
        yield host
        return
    if os.geteuid() != 0:
        sys.exit(f"no engine answers at {host}: start one, name it by --host, or run this as root, which starts one")
    CACHE.mkdir(parents=True, exist_ok=True)
    own = f"unix://{CACHE / 'engine.sock'}"
    words = ["dockerd", "--data-root", str(CACHE / "data"), "--exec-root", str(CACHE / "exec")]
    words += ["--pidfile", str(CACHE / "engine.pid"), "--host", own, "--userland-proxy=false"]
    with (CACHE / "engine.log").open("w") as log:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        asked = ["docker", "--host", own, "info"]
        until(lambda: subprocess.run(asked, capture_output=True, check=False).returncode == 0, "an engine of our own")
        yield own
    finally:
        process.terminate()
        process.wait()


@contextmanager
def served(stage: Stage) -> Iterator[None]:
    """Let the bank work, with its portal, while the block runs."""
    words = [VOXPOP, "serve", "--work", str(stage.work), "--port", "0"]
    with (CACHE / "serve.log").open("w") as log:
        server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, text=True, env=SETTINGS)
    try:
        assert server.stdout is not None
        if not server.stdout.readline().startswith("voxpop serves"):
            sys.exit(f"the bank does not serve: {CACHE / 'serve.log'} says why")
        threading.Thread(target=server.stdout.read, daemon=True).start()
        yield
    finally:
        server.terminate()
        server.wait()


def around(stage: Stage, queue: str, local: dict[str, str]) -> None:
    """Deploy with a queue, run the pipeline, see the workers come and go, and remove it all."""
    before = stage.everything()
    begun = time.monotonic()
    given = stage.voxpop("appliance", "deploy", VOLUME, "--site", SITE, "--queue", queue)
    appliance = given["appliance"]
    print(
        f"  {appliance} stands after {time.monotonic() - begun:.0f} s, {stage.workers(appliance)} workers", flush=True
    )
    with Watch(stage, appliance) as watch:
        begun = time.monotonic()
        run = stage.voxpop("run", "start", APPLICATION)
        done = time.monotonic() - begun
        until(lambda: stage.workers(appliance) == 0, "the last idle worker's end")
        gone = time.monotonic() - begun - done
        time.sleep(2 * _LOOK_EVERY_S)
    print(f"  run {run['run']}: {done:.0f} s; workers: {watch.told()}; none {gone:.0f} s after its end", flush=True)
    if watch.most != WORKERS:
        sys.exit(f"there were never {WORKERS} workers, but {watch.most}")
    there = digests(run)
    if there != local:
        differ = sorted(name for name in there.keys() | local.keys() if there.get(name) != local.get(name))
        sys.exit(f"its output is not that of site local: {', '.join(differ)}")
    print(f"  its {len(there)} files are those of site local, digest for digest", flush=True)
    stage.voxpop("appliance", "remove", appliance)
    left = stage.everything() - before
    if left:
        sys.exit(f"something is left on the engine: {', '.join(sorted(left))}")
    print(f"  {appliance} is removed, and nothing is left of it", flush=True)


def clear(stage: Stage) -> None:
    """Remove what stands on the site."""
    for one in stage.voxpop("appliance", "list"):
        if one["site"] == SITE and one["state"] != "removed":
            stage.voxpop("appliance", "remove", one["appliance"], "--give-up")


def main() -> None:
    """Do the demo, then the same on clusters."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("voxpop-demo"))
    parser.add_argument("--host", default=USUAL)
    parser.add_argument("--mirror", default="", help="Debian mirror for images.")
    given = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    with engine(given.host) as host:
        stage = Stage(given.work, host)
        if stage.work.is_dir():
            clear(stage)  # what an interrupted demo left
        print("site local", flush=True)
        first = stage.voxpop("demo")
        local = digests(stage.voxpop("run", "show", first["run"]["id"]))
        print(f"  run {first['run']['id']}: {len(local)} files", flush=True)
        settings = [f"host={host}", f"workers={WORKERS}", *([f"mirror={given.mirror}"] if given.mirror else [])]
        stage.voxpop("site", "add", SITE, "--kind", "docker", *(word for one in settings for word in ("--set", one)))
        with served(stage):
            try:
                for queue in QUEUES:
                    print(f"site {SITE}, {queue}", flush=True)
                    around(stage, queue, local)
            finally:
                clear(stage)


if __name__ == "__main__":
    main()
