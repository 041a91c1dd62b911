"""The keeper of one appliance's workers: what it does, writes down, and lets a queue have that asks itself."""

import pytest
from tests.elastic_bank import NAME, Bank

from voxpop.appliance.elastic import Policy
from voxpop.appliance.elastic.fakes import MemoryBooks, MemoryCluster, PartAway
from voxpop.appliance.elastic.model import Seen
from voxpop.appliance.elastic.sizing import Cluster, Sizing
from voxpop.appliance.errors import NoWorkers, SizeInvalid, SizeRefused, WorkersRefused, WorkersUnknown
from voxpop.appliance.model import Workers
from voxpop.kernel.errors import Unavailable
from voxpop.kernel.ids import ApplianceId
from voxpop.kernel.ledger import Event

SLURM = Policy(least=0, most=4, idle_s=20, boot_s=30, native=True)


class MemorySizes(MemoryBooks):
    """Sums and sizes in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.chosen: dict[ApplianceId, tuple[int, int]] = {}
        self.events: list[Event] = []

    def size(self, appliance: ApplianceId) -> tuple[int, int] | None:
        return self.chosen.get(appliance)

    def resize(self, appliance: ApplianceId, least: int, most: int, event: Event) -> None:
        self.chosen[appliance] = least, most
        self.events.append(event)


def test_only_a_pass_that_changes_something_is_written_into_the_audit_log() -> None:
    bank = Bank(Policy(least=2, most=4, idle_s=20, boot_s=60))
    bank.go(600)
    assert [event.action for event in bank.ledger.events] == ["appliance.grown"]
    assert bank.ledger.events[0].subject == f"appliance:{NAME}"
    assert bank.ledger.events[0].actor == "voxpop"


def test_what_is_paid_is_kept_at_each_pass() -> None:
    bank = Bank(Policy(least=3, most=4, idle_s=20, boot_s=60))
    bank.go(100)
    kept = bank.books.sum(NAME)
    assert kept.workers == 3
    assert 3 * 96 <= kept.paid_s <= 3 * 100


def test_workers_of_a_site_that_can_not_be_read_are_paid_all_the_same() -> None:
    bank = Bank(Policy(least=3, most=4, idle_s=20, boot_s=60))
    bank.go(50)
    bank.cluster.site_away = True
    bank.go(50)
    assert 3 * 96 <= bank.books.sum(NAME).paid_s <= 3 * 100


def test_what_workers_came_to_while_nobody_looked_is_paid_though_the_site_is_away_at_first() -> None:
    bank = Bank(Policy(least=3, most=4, idle_s=20, boot_s=60))
    bank.go(100)
    bank.start()
    bank.cluster.turn(3600)
    bank.cluster.site_away = True
    bank.go(4)
    bank.cluster.site_away = False
    bank.go(4)
    assert 3 * 3696 <= bank.books.sum(NAME).paid_s <= 3 * 3710


def test_a_site_that_goes_away_while_it_adds_is_asked_again_later() -> None:
    bank = Bank(Policy(least=0, most=4, idle_s=20, boot_s=60))
    bank.cluster.submit(4, 30)
    add = bank.cluster.add_machines

    def broken(*_: object) -> None:
        raise PartAway("site")

    bank.cluster.add_machines = broken  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        bank.keeper.look()
    assert not bank.ledger.events
    bank.cluster.add_machines = add  # type: ignore[method-assign]
    bank.go(200)
    assert bank.cluster.done == 4


def test_a_queue_gets_the_workers_that_it_asks_for() -> None:
    bank = Bank(SLURM)
    bank.keeper.resume(["w2", "w4"])
    assert [machine.name for machine in bank.keeper.state()] == ["w2", "w4"]
    bank.keeper.resume(["w2"])  # twice is silent
    bank.keeper.suspend(["w2", "w3"])
    assert [machine.name for machine in bank.keeper.state()] == ["w4"]
    assert [(event.action, event.facts["workers"]) for event in bank.ledger.events] == [
        ("appliance.grown", 2),
        ("appliance.shrunk", 1),
    ]


def test_a_queue_gets_no_more_than_the_policy_lets_it_have() -> None:
    bank = Bank(SLURM)
    with pytest.raises(
        WorkersRefused, match="gets 2 of the workers asked for: there may be the workers w1 to w4 alone"
    ):
        bank.keeper.resume(["w3", "w4", "w5", "w6"])
    assert bank.cluster.names() == ["w3", "w4"]
    bank.cluster.quota = 2
    with pytest.raises(WorkersRefused, match="gets 0 of the workers asked for: the site gives 2 workers at the most"):
        bank.keeper.resume(["w1"])


@pytest.mark.parametrize("names", [[], ["w0"], ["front"], ["w1", "w2; rm -rf /"], ["w01"], ["W1"], ["w1\n"]])
def test_what_is_no_worker_is_none(names: list[str]) -> None:
    bank = Bank(SLURM)
    for do in (bank.keeper.resume, bank.keeper.suspend, bank.keeper.fail):
        with pytest.raises(WorkersUnknown):
            do(names)


def test_a_queue_whose_workers_never_come_has_to_wait() -> None:
    bank = Bank(SLURM)
    for name in ("w1", "w2", "w3"):
        bank.keeper.resume([name])
        bank.cluster.turn(30)
        bank.keeper.fail([name])
    assert not bank.cluster.names()
    with pytest.raises(WorkersRefused, match="the next try is in 30 s"):
        bank.keeper.resume(["w1"])
    bank.cluster.turn(31)
    bank.keeper.resume(["w1"])


def test_a_worker_that_died_and_is_asked_for_again_has_the_time_of_a_new_one() -> None:
    bank = Bank(SLURM)
    bank.keeper.resume(["w1"])
    bank.go(20)
    bank.cluster.kill("w1")
    bank.keeper.resume(["w1"])
    bank.cluster.boots = False
    bank.go(2)
    assert bank.last.memory.marks["w1"].seen is Seen.BOOTING
    assert bank.ledger.events[-1].facts["there"] == 1


def test_workers_that_slurm_has_forgotten_are_swept_and_its_own_left_alone() -> None:
    bank = Bank(SLURM)
    bank.keeper.resume(["w1", "w2"])
    bank.go(40)
    bank.cluster.kill("w1")
    bank.go(2)
    assert bank.cluster.names() == ["w2"]
    bank.go(600)
    assert bank.cluster.names() == ["w2"]  # idle for long: it is Slurm that lets it go


def sized(most_here: int | None = None) -> tuple[Sizing, MemoryCluster, MemorySizes]:
    cluster, sizes = MemoryCluster(), MemorySizes()
    known = Cluster(NAME, Workers(0, 8, 2, 4), cluster, cluster, "htcondor", most_here)
    return Sizing(lambda name: known if name == NAME else None, sizes), cluster, sizes


def test_a_size_is_chosen_and_written_down_once() -> None:
    sizing, _, sizes = sized()
    sizing.resize(NAME, 1, 4, "teo")
    sizing.resize(NAME, 1, 4, "teo")
    assert [(event.action, event.actor, event.facts) for event in sizes.events] == [
        ("appliance.resized", "teo", {"least": 1, "most": 4})
    ]


@pytest.mark.parametrize(("least", "most"), [(-1, 2), (3, 2), (0, 0)])
def test_what_is_no_size_is_refused(least: int, most: int) -> None:
    with pytest.raises(SizeInvalid):
        sized()[0].resize(NAME, least, most, "teo")


def test_nothing_is_resized_above_what_was_granted_or_what_the_site_has() -> None:
    with pytest.raises(SizeRefused, match="it was granted 8 workers"):
        sized()[0].resize(NAME, 0, 9, "teo")
    with pytest.raises(SizeRefused, match="its site lets it have 5 workers"):
        sized(most_here=5)[0].resize(NAME, 0, 6, "teo")


def test_nothing_is_resized_below_the_workers_that_have_jobs() -> None:
    sizing, cluster, sizes = sized()
    cluster.submit(3, 100)
    cluster.add_machines(NAME, ["w1", "w2", "w3", "w4"])
    cluster.turn(20)
    with pytest.raises(SizeRefused, match="3 of its workers have jobs"):
        sizing.resize(NAME, 0, 2, "teo")
    sizing.resize(NAME, 0, 3, "teo")
    cluster.queue_away = True
    with pytest.raises(Unavailable):
        sizing.resize(NAME, 0, 4, "teo")
    assert len(sizes.events) == 1


def test_an_appliance_without_a_queue_has_no_size() -> None:
    with pytest.raises(NoWorkers):
        sized()[0].resize(ApplianceId("other-a1"), 0, 1, "teo")


def test_what_does_not_answer_is_shown_as_unknown() -> None:
    sizing, cluster, _ = sized()
    cluster.add_machines(NAME, ["w1", "w2"])
    cluster.turn(20)
    cluster.kill("w2")
    seen = sizing.show(NAME)
    assert seen is not None
    assert seen.workers is not None
    assert [(one.name, one.up, one.state) for one in seen.workers] == [("w1", True, "idle"), ("w2", False, "away")]
    cluster.queue_away = cluster.site_away = True
    seen = sizing.show(NAME)
    assert seen is not None
    assert (seen.workers, seen.load) == (None, None)
    assert sizing.show(ApplianceId("other-a1")) is None
