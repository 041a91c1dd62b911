"""The working areas of a site: the record of a deployment, and whose turn it is to change it."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from voxpop.appliance.model import Deployment, Workers
from voxpop.backends.site import Areas
from voxpop.kernel.ids import ApplianceId

NAME = ApplianceId("bone-density-a1")


@pytest.fixture
def wanted(tmp_path: Path) -> Deployment:
    bench = tmp_path / "areas" / NAME / "bench"
    return Deployment(
        NAME, "engine", tmp_path / "volume", tmp_path / "results", "docker", network=False, cores=4, memory_gb=8,
        pipelines=("bone-density/1.0.0",), queue="slurm", bench=bench, workers=Workers(0, 4, 1, 2, 0),
    )  # fmt: skip


def test_what_was_recorded_of_a_queue_is_read_again(tmp_path: Path, wanted: Deployment) -> None:
    areas = Areas(tmp_path / "areas", "engine")
    areas.settle(wanted, "document")
    assert areas.find(NAME) == wanted


def test_a_record_from_before_there_were_queues_is_read(tmp_path: Path, wanted: Deployment) -> None:
    areas = Areas(tmp_path / "areas", "engine")
    areas.settle(wanted, "document")
    record = areas.area(NAME) / "deployment.json"
    content = json.loads(record.read_text())
    record.write_text(
        json.dumps({name: content[name] for name in content if name not in ("queue", "bench", "workers")})
    )
    found = areas.find(NAME)
    assert found is not None
    assert (found.queue, found.bench, found.workers, found.cores) == ("", None, None, 4)


def test_what_runs_have_done_on_the_bench_stays_when_it_is_deployed_again(tmp_path: Path, wanted: Deployment) -> None:
    areas = Areas(tmp_path / "areas", "engine")
    areas.settle(wanted, "document", lambda area: (area / "bench").mkdir())
    (areas.area(NAME) / "bench" / "step").touch()
    (areas.area(NAME) / "other").touch()
    (areas.area(NAME) / "deployment.json").unlink()
    areas.settle(wanted, "document")
    assert (areas.area(NAME) / "bench" / "step").exists()
    assert not (areas.area(NAME) / "other").exists()
    areas.undo(NAME)
    assert not areas.area(NAME).exists()


def test_one_at_a_time_changes_an_appliance_and_no_lock_is_left(tmp_path: Path) -> None:
    areas, inside, most = Areas(tmp_path, "engine"), [0], [0]

    def change() -> None:
        with areas.turn(NAME):
            inside[0] += 1
            os.sched_yield()
            most[0] = max(most[0], inside[0])
            inside[0] -= 1

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(change) for _ in range(100)]:
            done.result()
    assert most == [1]
    assert list(tmp_path.iterdir()) == []
