"""A cluster on the tests' engine whose workers are kept by voxpop's own keeper, and asked for at its own gate."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.test_cluster_docker import Bench
from voxpop.appliance.elastic import Policy
from voxpop.appliance.elastic.fakes import MemoryBooks
from voxpop.appliance.elastic.keeper import Keeper, Office
from voxpop.appliance.fakes import MemoryAppliances
from voxpop.appliance.ports import Queue
from voxpop.backends.batch.htcondor import HTCondor
from voxpop.backends.batch.slurm import Slurm
from voxpop.kernel.clock import SystemClock
from voxpop.kernel.errors import Unavailable
from voxpop.run.ports import Batch, Job
from voxpop.worker.gate.app import create_gate
from voxpop.worker.gate.serving import Gates

QUEUES = {"slurm": Slurm, "htcondor": HTCondor}
_PASS_EVERY_S = 1.0


@dataclass
class KeptCluster:
    """A cluster, and what its workers came to."""

    bench: Bench
    batch: Batch
    keeper: Keeper
    books: MemoryBooks
    over: threading.Event = field(default_factory=threading.Event)

    def job(self, key: str, line: str) -> Job:
        """Return a job that does a line of sh(1) in a folder of its own."""
        folder = self.bench.bench / key
        folder.mkdir()
        folder.chmod(0o777)
        return Job(key, ("/bin/sh", "-c", line), folder, {"PATH": "/usr/bin:/bin"}, folder / "log", memory_mb=100)

    @property
    def workers(self) -> list[str]:
        """The workers that run."""
        return [one.name for one in self.bench.site.machines(self.bench.name) if one.up]

    @property
    def paid_s(self) -> float:
        """The seconds of workers until now."""
        return self.books.sum(self.bench.name).paid_s

    def _keep(self) -> None:
        while not self.over.wait(_PASS_EVERY_S):
            try:
                self.keeper.look()
            except Unavailable:  # as in the product: the next pass is a new try
                continue


@contextmanager
def kept_cluster(root: Path, repo: Path, engine: str, queue: str, *, idle_s: int, boot_s: int) -> Iterator[KeptCluster]:
    """Deploy a cluster of three workers at most, keep it while the block runs, and remove it."""
    bench = Bench(root, repo, engine, queue, idle_s=idle_s, boot_s=boot_s)
    given = bench.deploy().workers
    assert given is not None
    opened = QUEUES[queue](lambda command, stdin: bench.site.on_front_end(bench.name, command, stdin))
    assert isinstance(opened, Queue)
    policy = Policy(given.least, given.most, given.cores, idle_s, boot_s, native=queue == "slurm")
    books = MemoryBooks()
    keeper = Keeper(bench.name, bench.site, opened, lambda: policy, Office(books, MemoryAppliances(), SystemClock()))
    cluster = KeptCluster(bench, opened, keeper, books)
    area = bench.bench.parent
    keeping = threading.Thread(target=cluster._keep, daemon=True)
    try:
        with Gates() as gates:
            gates.open(bench.name, area / "gate", create_gate(bench.name, keeper, area / "secrets" / "gate.key"))
            keeping.start()
            yield cluster
            cluster.over.set()
            keeping.join()
    finally:
        cluster.over.set()
        bench.site.remove(bench.name)
