"""Create and destroy clusters a hundred times while things fail, and count what is left of them.

python -m benchmarks.orphans [--cycles 100] [--seed 1]

Needs root, Docker's packages and mmdebstrap: the tests' own engine is started for it. Each cycle deploys an appliance
with a queue, adds a worker and removes it again. Nothing fails in a fourth of them; in the others the deploying process
is killed at some moment, or some connections to the engine are refused, or the engine does what it is asked and its
answer is lost. Then the appliance is removed by another process, and what is on the engine and in
the bank's folder is compared with what was there before. Once more with an Infrastructure Manager: the tests' fake one,
whose questions fail.
"""

import argparse
import multiprocessing
import os
import random
import re
import select
import signal
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.docker_engine import borrowed_engine, docker, docker_site
from tests.fake_infrastructure_manager import NoSsh, fake_infrastructure_manager
from tests.integration.test_cluster_docker import Bench

from voxpop.appliance.model import Environment, Ground, Workers
from voxpop.appliance.recipes import find_recipes
from voxpop.appliance.tosca import document
from voxpop.backends.site.im import ImSite
from voxpop.backends.site.im.setup import read_setup
from voxpop.kernel.errors import VoxpopError
from voxpop.kernel.ids import ApplianceId
from voxpop.volume.seal import seal

REPO = Path(__file__).resolve().parent.parent
QUEUES = ("slurm", "htcondor")
FAULTS = ("nothing", "killed", "refused", "lost answers")
_SHARE = 0.15
_LONGEST_S = 4.0
_BYTES = 65_536
_ASKED = ("/infrastructures", r"/infrastructures/[^/]+.*")


class Proxy:
    """Between a site and its engine: refuses a share of the connections, or loses the answer."""

    def __init__(self, path: Path, engine: str, fault: str, seed: int) -> None:
        self._engine = engine.removeprefix("unix://")
        self._fault = fault
        self._random = random.Random(seed)
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                asking, _ = self._listening.accept()
                fails = self._random.random() < _SHARE
                threading.Thread(target=self._serve, args=(asking, fails), daemon=True).start()

    def _serve(self, asking: socket.socket, fails: bool) -> None:  # noqa: FBT001 -- a thread's argument
        with asking, socket.socket(socket.AF_UNIX) as engine, suppress(OSError):
            if fails and self._fault == "refused":
                return
            engine.connect(self._engine)
            while True:
                ready, _, _ = select.select([asking, engine], [], [])
                for one, other in ((asking, engine), (engine, asking)):
                    if one in ready:
                        part = one.recv(_BYTES)
                        if not part or (fails and one is engine and self._fault == "lost answers"):
                            return
                        other.sendall(part)

    def close(self) -> None:
        """Take no further connection."""
        self._listening.close()


def deploy(root: Path, engine: str, queue: str) -> None:
    """Deploy and add a worker, as one process of a bank does."""
    bench = _bench(root, engine, queue)
    try:
        bench.deploy()
        bench.site.add_machines(bench.name, ["w1"])
    except VoxpopError:
        raise SystemExit(1) from None


def _bench(root: Path, engine: str, queue: str) -> Bench:
    known = root / "volume"
    return Bench(root, REPO, engine, queue, known if known.is_dir() else None, boot_s=20)


def everything() -> Counter[str]:
    """Name all that an engine can be left with."""
    listed = [docker(*words) for words in (("ps", "-aq"), ("network", "ls", "-q"), ("volume", "ls", "-q"))]
    return Counter(" ".join(listed).split())


def cycle(root: Path, engine: str, queue: str, fault: str, chance: random.Random) -> tuple[list[str], bool]:
    """Do one cycle; returns what is left, and whether the appliance stood."""
    before = everything()
    proxy = None
    if fault in ("refused", "lost answers"):
        path = root / "proxy.sock"
        proxy = Proxy(path, engine, fault, chance.randrange(1 << 30))
    asked = f"unix://{root / 'proxy.sock'}" if proxy else engine
    process = multiprocessing.get_context("spawn").Process(target=deploy, args=(root, asked, queue))
    process.start()
    if fault == "killed":
        process.join(1.0 + chance.random() * _LONGEST_S)  # it takes about a second to begin
        assert process.pid is not None
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    process.join()
    if proxy:
        proxy.close()
    bench = _bench(root, engine, queue)
    bench.site.remove(bench.name)
    folder = root / "appliances"
    left = [path.name for path in folder.iterdir() if path.name != ".images.lock"] if folder.is_dir() else []
    return [*(everything() - before).elements(), *left], process.exitcode == 0


def on_docker(cycles: int, seed: int) -> int:
    """Do the cycles on the engine; returns how many things are left."""
    chance, left, how, stood = random.Random(seed), 0, Counter[str](), 0
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="voxpop-orphans-") as folder, borrowed_engine() as engine:
        for queue in QUEUES:
            docker_site(Path(folder) / "built", REPO, engine).build(("python-imaging", queue), print)
        for number in range(cycles):
            root = Path(folder) / f"c{number}"
            root.mkdir()
            fault = FAULTS[number % len(FAULTS)]
            found, whole = cycle(root, engine, QUEUES[number // len(FAULTS) % len(QUEUES)], fault, chance)
            left += len(found)
            how[fault] += 1
            stood += whole
            if found:
                print(f"cycle {number}, {fault}: {', '.join(found)}", flush=True)
    told = ", ".join(f"{fault} {times}" for fault, times in how.items())
    took = time.monotonic() - begun
    print(f"Docker engine: {cycles} cycles ({told}) in {took:.0f} s, {stood} stood, {left} orphans", flush=True)
    return left


@contextmanager
def _place(folder: Path) -> Iterator[tuple[ImSite, str]]:
    """Give a site on the fake Infrastructure Manager, and a document."""
    volume, recipes = folder / "volume", find_recipes(REPO / "recipes")
    volume.mkdir()
    (volume / "README").write_text("images\n")
    asked = Environment("bone-density", ("slurm",), 2, 2, 0, 1, 30, "bone-density/1.0.0", Workers(1, 2, 1, 1))
    text = document(asked, application="bone-density", volume_digest=seal(volume).digest, recipes=recipes)
    with fake_infrastructure_manager(folder) as fake:
        setup = read_setup("cloud", {**fake.settings(), "answer_s": "1"})
        site = ImSite("cloud", Ground(folder / "appliances", "bubblewrap", network=False), setup, NoSsh)
        site.fake = fake  # type: ignore[attr-defined]
        yield site, text


def on_infrastructure_manager(cycles: int, seed: int) -> int:
    """Do the cycles on a fake Infrastructure Manager; returns how many things are left."""
    chance, left, name = random.Random(seed), 0, ApplianceId("bone-density-a1")
    begun = time.monotonic()
    for _ in range(cycles):
        with tempfile.TemporaryDirectory(prefix="voxpop-orphans-") as made, _place(Path(made)) as (site, text):
            folder, fake = Path(made), site.fake  # type: ignore[attr-defined]
            fault = chance.choice((500, 401, 404, -1.0, None))
            if fault is not None:
                fake.faults[chance.choice(("GET", "POST", "PUT", "DELETE")), chance.choice(_ASKED)] = fault
            with suppress(VoxpopError):
                site.deploy(name, text, folder / "volume", folder / "results")
                site.add_machines(name, ["w1", "w2"])
            with suppress(VoxpopError):
                site.remove(name)
            fake.faults.clear()
            site.remove(name)
            users = re.findall(r'"username"', fake.users.read_text())
            kept = list((folder / "appliances").iterdir()) if (folder / "appliances").is_dir() else []
            left += len(fake.infrastructures) + len(users) + len(kept)
    print(f"Infrastructure Manager: {cycles} cycles in {time.monotonic() - begun:.0f} s, {left} orphans", flush=True)
    return left


def main() -> None:
    """Do the cycles; ends with 1 where something is left."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    left = on_infrastructure_manager(given.cycles, given.seed) + on_docker(given.cycles, given.seed)
    raise SystemExit(1 if left else 0)


if __name__ == "__main__":
    main()
