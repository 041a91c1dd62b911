"""How many one-second jobs a queue of two workers with one slot does, against what could be at best.

Needs root and a Docker engine: ``python -m benchmarks.queue_throughput slurm /tmp/there unix:///var/run/docker.sock``.
"""

import sys
import time
from pathlib import Path

from tests.docker_engine import docker_site
from tests.integration.test_cluster_docker import Bench, Gate
from tests.waiting import until

from voxpop.backends.batch.htcondor import HTCondor
from voxpop.backends.batch.slurm import Slurm
from voxpop.run.ports import Job, JobState

JOBS = 60
SLOTS = 2


def main(queue: str, folder: Path, engine: str) -> None:
    """Print the seconds it took and the share of the ideal."""
    folder.mkdir(parents=True)
    bench = Bench(folder, Path(__file__).resolve().parent.parent, engine, queue)
    bench.site = docker_site(folder / "appliances", bench.repo, engine, workers="2")
    bench.deploy()
    gate = Gate(bench)
    try:
        names = ["w1", "w2"]
        bench.site.add_machines(bench.name, names)
        until(lambda: bench.registered(*names))
        batch = {"slurm": Slurm, "htcondor": HTCondor}[queue](
            lambda command, stdin: bench.site.on_front_end(bench.name, command, stdin)
        )
        logs = bench.bench / "logs"
        logs.mkdir()
        logs.chmod(0o777)
        jobs = [Job(f"t-{n}", ("sleep", "1"), logs, {"PATH": "/bin"}, logs / f"{n}.log") for n in range(JOBS)]
        began = time.monotonic()
        batch.submit(jobs)
        keys = [job.key for job in jobs]
        while any(one.state is not JobState.DONE for one in batch.look(keys).values()):
            time.sleep(0.2)
        took = time.monotonic() - began
        print(f"{queue}: {JOBS} jobs of 1 s on {SLOTS} slots in {took:.1f} s, {JOBS / SLOTS / took:.0%} of the ideal")
    finally:
        gate.shutdown()
        bench.site.remove(bench.name)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
