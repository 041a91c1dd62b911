"""Runs whose commands a queue does: the same outcome as without, whatever happens on the way."""

from pathlib import Path

import pytest
from tests.queued import FIRST, Desk, make_desk

from voxpop.backends.batch.local import LocalBatch
from voxpop.run.compare import compare


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return make_desk(tmp_path, 3, LocalBatch(2))


def test_a_run_on_a_queue_leaves_what_one_without_leaves(desk: Desk) -> None:
    record = desk.start()
    alone = desk.alone()
    assert compare(alone, record).identical
    assert record.outputs == alone.outputs
    assert {step.queue for step in record.steps} == {"local"}
    assert record.environment["queue"] == "local"
    assert [(step.attempts, step.cores, step.memory_mb) for step in record.steps] == [(1, 1, 256)] * 4
    assert not desk.folder().exists()
    assert sorted(path.name for path in desk.runs.get(FIRST).results.iterdir()) == [
        "lock", "log.txt", "outputs", "progress.txt", "record.json", "steps",
    ]  # fmt: skip
    assert list(desk.place.bench.iterdir()) == []
