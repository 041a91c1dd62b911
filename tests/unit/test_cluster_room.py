"""How much of an engine an appliance with a queue gets."""

import json
from pathlib import Path

from voxpop.appliance.model import Deployment, Environment, Ground, Workers
from voxpop.backends.site.docker.cards import write_papers
from voxpop.backends.site.docker.cluster import Cluster
from voxpop.backends.site.docker.machines import MachineEngine
from voxpop.backends.site.docker.room import Room, given_workers
from voxpop.backends.site.docker.setup import Setup
from voxpop.kernel.ids import ApplianceId


def asked(cores: int, memory_gb: int, gpus: int = 0, workers: Workers | None = None) -> Environment:
    return Environment("bone-density", ("slurm",), cores, memory_gb, gpus, 1, 30, "bone-density/1.0.0", workers)


def test_workers_of_one_core_are_given_where_nothing_is_said() -> None:
    assert given_workers(asked(8, 16), Room(16, 64)) == Workers(0, 8, 1, 2)


def test_there_are_no_more_workers_than_there_is_room_for() -> None:
    assert given_workers(asked(8, 16), Room(4, 64)).most == 4
    assert given_workers(asked(8, 16), Room(64, 6)).most == 3
    assert given_workers(asked(8, 16), Room(4, 64, workers=6)).most == 6  # who says so lets them share cores
    assert given_workers(asked(8, 16), Room(4, 64, workers=2)).most == 2


def test_a_worker_is_made_smaller_before_there_is_none() -> None:
    wanted = Workers(2, 4, 8, 32)
    assert given_workers(asked(32, 128, workers=wanted), Room(4, 16)) == Workers(1, 1, 4, 16)


def test_gpus_are_given_to_as_many_workers_as_there_are_gpus_for() -> None:
    wanted = Workers(0, 4, 1, 1, gpus=2)
    assert given_workers(asked(4, 4, 8, wanted), Room(16, 64, gpus=5)) == Workers(0, 2, 1, 1, gpus=2)
    assert given_workers(asked(4, 4, 8, wanted), Room(16, 64)) == Workers(0, 4, 1, 1, gpus=0)


def test_each_worker_gets_gpus_of_its_own_and_what_it_was_promised(tmp_path: Path) -> None:
    ground, setup = Ground(tmp_path, "bubblewrap", network=False, idle_s=90, boot_s=30), Setup(gpus=4)
    given = Deployment(
        ApplianceId("a1"), "engine", tmp_path / "volume", tmp_path / "results", "docker", network=False, cores=4,
        memory_gb=8, pipelines=(), queue="slurm", bench=tmp_path / "bench", workers=Workers(0, 2, 2, 4, 2), image="i",
    )  # fmt: skip
    engine = MachineEngine("engine", setup, tmp_path)
    papers = write_papers(tmp_path, given, ground)
    options = engine._options("a1", Cluster(engine, setup, ground, given)._worker(papers, "w2"))
    request = options["device_requests"][0]
    assert (request["DeviceIDs"], request["Capabilities"]) == (["2", "3"], [["gpu"]])
    assert (options["nano_cpus"], options["mem_limit"]) == (2 * 10**9, (4000 + 128) * 2**20)
    assert options["mem_limit"] == options["memswap_limit"]
    card = json.loads(papers.card.read_text())
    assert card["workers"] == {"least": 0, "most": 2, "cores": 2, "memory_mb": 4000, "gpus": 2}
    assert (card["idle_s"], card["boot_s"]) == (90, 30)
    assert papers.queue_key.read_text().strip() not in papers.card.read_text()
    assert write_papers(tmp_path, given, ground) == papers
