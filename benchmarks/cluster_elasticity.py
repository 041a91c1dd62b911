"""How fast workers come and go on a Docker engine, and what they cost against ideal packing; for Slurm and HTCondor.

python -m benchmarks.cluster_elasticity [--jobs 24] [--seconds 3] [--idle 10]

Needs root, Docker's packages and mmdebstrap: the tests' own engine is started for it. Images are there before the clock
starts. From no worker, jobs of one core are handed over at once; three workers of one core may come.
"""

import argparse
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.docker_engine import borrowed_engine, docker_site
from tests.kept_cluster import KeptCluster, kept_cluster

from voxpop.run.ports import JobState

REPO = Path(__file__).resolve().parent.parent
MOST = 3
_LOOK_EVERY_S = 0.1
_PATIENCE_S = 600.0


@contextmanager
def cluster(queue: str, idle_s: int) -> Iterator[KeptCluster]:
    """Give a cluster without workers."""
    with tempfile.TemporaryDirectory(prefix="voxpop-bench-") as folder, borrowed_engine() as engine:
        docker_site(Path(folder) / "built", REPO, engine).build(("python-imaging", queue), print)
        root = Path(folder) / "kept"
        root.mkdir()
        with kept_cluster(root, REPO, engine, queue, idle_s=idle_s, boot_s=60) as kept:
            yield kept


def measure(kept: KeptCluster, number: int, seconds: int, idle_s: int) -> None:
    """Hand jobs over, and print when the first ran, when the last was done, when the last worker went, and the cost."""
    jobs = [kept.job(f"job-{one}", f"date +%s.%N > begun; sleep {seconds}") for one in range(number)]
    keys = [job.key for job in jobs]
    begun, at = time.monotonic(), time.time()
    kept.batch.submit(jobs)
    handed = time.monotonic() - begun
    _until(lambda: any((job.folder / "begun").exists() and (job.folder / "begun").read_text() for job in jobs))
    first = min(float(one.read_text() or "inf") for one in (job.folder / "begun" for job in jobs) if one.exists()) - at
    _until(lambda: all(one.state is JobState.DONE for one in kept.batch.look(keys).values()))
    last = time.monotonic() - begun
    _until(lambda: not kept.workers)
    gone = time.monotonic() - begun - last
    time.sleep(2)  # the keeper's next pass counts the last of them
    ideal = MOST * math.ceil(number / MOST) * seconds
    print(
        f"{kept.bench.queue}: handed over in {handed:.1f} s, first job runs after {first:.1f} s, last done after "
        f"{last:.1f} s, no worker {gone:.1f} s later (idle time {idle_s} s); {kept.paid_s:.0f} worker-seconds, "
        f"{kept.paid_s / (ideal + MOST * idle_s):.2f} times ideal packing with its idle time, "
        f"{kept.paid_s / ideal:.2f} without",
        flush=True,
    )


def _until(there: Callable[[], object]) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not there():
        if time.monotonic() > end:
            raise SystemExit(f"waited {_PATIENCE_S:g} s in vain")
        time.sleep(_LOOK_EVERY_S)


def main() -> None:
    """Measure both queues."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=24)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--idle", type=int, default=10)
    parser.add_argument("--queue", choices=("slurm", "htcondor"), action="append")
    given = parser.parse_args()
    for queue in given.queue or ("slurm", "htcondor"):
        with cluster(queue, given.idle) as kept:
            measure(kept, given.jobs, given.seconds, given.idle)


if __name__ == "__main__":
    main()
