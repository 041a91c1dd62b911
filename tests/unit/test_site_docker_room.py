"""How much of an engine an appliance with a queue gets."""

from voxpop.appliance.model import Environment, Workers
from voxpop.backends.site.docker.room import Room, given_workers


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
