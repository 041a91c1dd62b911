"""What queues say, read; and a run's folder, moved."""

import errno
from pathlib import Path

import pytest

from voxpop.appliance.model import Load, NodeState
from voxpop.backends.batch import facts_of
from voxpop.backends.batch.htcondor import states as condor
from voxpop.backends.batch.slurm import states as slurm
from voxpop.run.moving import move_whole
from voxpop.run.ports import JobState


@pytest.mark.parametrize(
    ("line", "state"),
    [
        ("job|a-1|PD||Resources", JobState.WAITING),
        ("job|a-1|PD||JobHeldAdmin", JobState.LOST),
        ("job|a-1|CF|w1|None", JobState.WAITING),
        ("job|a-1|R|w1|None", JobState.RUNNING),
        ("job|a-1|CA|w1|None", JobState.CANCELLED),
        ("job|a-1|CD|w1|None", JobState.LOST),
        ("job|a-1|NF|w1|None", JobState.LOST),
        ("job|a-1|??|w1|None", JobState.LOST),
    ],
)
def test_slurm_never_says_that_a_job_is_done(line: str, state: JobState) -> None:
    assert slurm.jobs_of([line])["a-1"].state is state


def test_slurm_tells_its_load() -> None:
    lines = [
        "job|a|PD||Resources|gres/gpu:1", "job|b|R|w1|None|N/A", "", "node|w1|allocated", "node|w2|idle~",
        "node|w3|idle#", "node|w4|idle", "node|w5|down*", "node|w6|idle!", "node|w7|draining",
    ]  # fmt: skip
    nodes = {
        "w1": NodeState.BUSY, "w4": NodeState.IDLE, "w5": NodeState.AWAY,
        "w6": NodeState.DRAINING, "w7": NodeState.DRAINING,
    }  # fmt: skip
    assert slurm.load_of(lines) == Load(1, 1, nodes, 1)


def test_condor_tells_its_load() -> None:
    lines = [
        "job 1 0", "job 2 undefined", "job 1 1",
        "slot w1 Partitionable Unclaimed Idle false 2", "slot w1 Dynamic Claimed Busy false 2",
        "slot w2 Partitionable Drained Idle true 2", "slot w3 Partitionable Unclaimed Idle false 90",
    ]  # fmt: skip
    nodes = {"w1": NodeState.BUSY, "w2": NodeState.DRAINING, "w3": NodeState.AWAY}
    assert condor.load_of(lines) == Load(2, 1, nodes, 1)
    assert condor.load_of(["job ", "slot "]) == Load(0, 0, {})


@pytest.mark.parametrize("line", ["node|w1|dreaming", "slurm_load: error", "node|w1"])
def test_what_slurm_says_of_a_worker_and_can_not_be_read_is_no_load(line: str) -> None:
    with pytest.raises(ValueError, match="it "):
        slurm.load_of([line])


@pytest.mark.parametrize("line", ["slot w1 Partitionable Dreaming Idle false 2", "Error: no answer"])
def test_what_condor_says_of_a_worker_and_can_not_be_read_is_no_load(line: str) -> None:
    with pytest.raises(ValueError, match="it "):
        condor.load_of([line])


@pytest.mark.parametrize("code", ["", "x", "-1", "256", "1 2", "99999999"])
def test_an_exit_code_that_can_not_be_read_is_none(code: str) -> None:
    assert facts_of([f"fact|a-1|{code}||w1 "])["a-1"].exit_code is None
    assert facts_of(["fact|a-1|3||w1 w2 "])["a-1"].exit_code == 3


def test_a_folder_moves_whole_across_file_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "bench" / "r1", tmp_path / "results" / "r1"
    (source / "out").mkdir(parents=True)
    (source / "one").write_text("1")
    (source / "out" / "two").hardlink_to(source / "one")
    (source / "link").symlink_to("/nowhere")
    real = Path.rename

    def elsewhere(self: Path, other: Path) -> Path:
        if self == source and other == target:
            raise OSError(errno.EXDEV, "cross-device link")
        return real(self, other)

    monkeypatch.setattr(Path, "rename", elsewhere)
    move_whole(source, target)
    move_whole(source, target)
    assert (target / "out" / "two").samefile(target / "one")
    assert (target / "link").is_symlink()
    assert list(source.parent.iterdir()) == []
    assert [path.name for path in target.parent.iterdir()] == ["r1"]
