"""The policy of workers: what it never does, whatever it is told, and what it always comes to."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.elastic_bank import EVERY_S, NAME, NOON, Bank

from voxpop.appliance.elastic import Decision, Hours, Memory, Policy, Snapshot, decide, grant
from voxpop.appliance.elastic.fakes import BEGIN, MemoryCluster
from voxpop.appliance.elastic.model import Mark, Seen, number_of
from voxpop.appliance.model import Load, Machine, NodeState

names = st.integers(1, 30).map(lambda number: f"w{number}")
machines = st.dictionaries(names, st.booleans(), max_size=12).map(
    lambda found: [Machine(name, up, NOON) for name, up in found.items()]
)
loads = st.builds(
    Load,
    waiting=st.integers(0, 60),
    running=st.integers(0, 60),
    nodes=st.dictionaries(names, st.sampled_from(NodeState), max_size=12),
    waiting_for_gpus=st.integers(0, 20),
)
memories = st.builds(
    Memory,
    marks=st.dictionaries(names, st.builds(Mark, st.sampled_from(Seen), st.floats(0, 1000)), max_size=12),
    registered=st.frozensets(names, max_size=12),
    draining=st.frozensets(names, max_size=12),
    registered_s=st.none() | st.floats(0, 1000),
    failures=st.integers(0, 9),
    pauses=st.integers(0, 9),
    not_before_s=st.floats(0, 2000),
    at_once=st.none() | st.integers(1, 20),
)
hours = st.builds(Hours, st.times(), st.times(), st.sampled_from(["UTC", "Europe/Madrid", "Asia/Kolkata"]))
policies = st.integers(1, 20).flatmap(
    lambda most: st.builds(
        Policy,
        least=st.integers(0, most),
        most=st.just(most),
        slots=st.integers(1, 4),
        idle_s=st.floats(1, 100),
        boot_s=st.floats(1, 100),
        hours=st.none() | hours,
        budget_s=st.none() | st.floats(0, 10_000),
        quota=st.none() | st.integers(0, 20),
        gpu_workers=st.integers(0, most),
        native=st.booleans(),
    )
)
snapshots = st.builds(
    Snapshot,
    now_s=st.floats(1000, 3000),
    wall=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    load=st.none() | loads,
    machines=st.none() | machines,
    memory=memories,
    paid_s=st.floats(0, 12_000),
)


def workers(decision: Decision, what: str) -> list[str]:
    return [step.worker for step in getattr(decision, what)]


@given(policies, snapshots)
def test_what_can_not_be_read_changes_nothing(policy: Policy, snapshot: Snapshot) -> None:
    decision = decide(policy, snapshot)
    if snapshot.load is None or snapshot.machines is None:
        assert decision == Decision(snapshot.memory, held=decision.held)
        assert decision.held


@given(policies, snapshots)
def test_no_limit_is_ever_passed(policy: Policy, snapshot: Snapshot) -> None:
    decision = decide(policy, snapshot)
    added = workers(decision, "add")
    if not added:
        return
    assert snapshot.machines is not None
    there = {machine.name for machine in snapshot.machines}
    assert len(set(added)) == len(added)
    assert not set(added) & there
    assert all(1 <= number_of(name) <= policy.most for name in added)
    assert len(there) + len(added) <= policy.most
    assert policy.quota is None or len(there) + len(added) <= policy.quota
    assert policy.hours is None or policy.hours.hold(snapshot.wall)
    assert snapshot.now_s >= decision.memory.not_before_s
    if policy.budget_s is not None:  # there is enough for all of them to come up, and to go
        each_s = policy.boot_s + policy.idle_s
        assert snapshot.paid_s + (len(there) + len(added)) * each_s <= policy.budget_s + 1e-6


@given(policies, snapshots)
def test_no_worker_is_removed_on_which_a_job_may_run(policy: Policy, snapshot: Snapshot) -> None:
    decision = decide(policy, snapshot)
    if snapshot.load is None or snapshot.machines is None:
        return
    up = {machine.name for machine in snapshot.machines if machine.up}
    for name in workers(decision, "remove"):
        state = snapshot.load.nodes.get(name)
        idle_for_sure = state is NodeState.DRAINING and snapshot.load.running == 0
        assert name not in up or state in {None, NodeState.AWAY, NodeState.DRAINED} or idle_for_sure
    assert set(workers(decision, "drain")) <= {
        name for name, state in snapshot.load.nodes.items() if state in {NodeState.IDLE, NodeState.BUSY} and name in up
    }


@given(policies, snapshots)
def test_every_step_has_its_reason_and_no_worker_has_two(policy: Policy, snapshot: Snapshot) -> None:
    decision = decide(policy, snapshot)
    steps = [*decision.add, *decision.drain, *decision.remove]
    assert len({step.worker for step in steps}) == len(steps)
    assert all(step.reason and step.reason[0].islower() for step in [*steps, *decision.forget])
    assert set(decision.remove) <= set(decision.forget)


@given(policies, snapshots, st.lists(st.text(max_size=4) | names, min_size=1, max_size=9))
def test_a_queue_that_asks_itself_is_held_to_the_same_limits(
    policy: Policy, snapshot: Snapshot, asked: list[str]
) -> None:
    granted, why = grant(policy, snapshot, asked)
    there = {machine.name for machine in snapshot.machines or ()}
    assert set(granted) <= set(asked)
    assert bool(why) == (set(granted) != set(asked))
    new = set(granted) - there
    assert not new or len(there | new) <= min(policy.most, policy.quota if policy.quota is not None else policy.most)
    assert all(1 <= number_of(name) <= policy.most for name in new)


@given(hours, st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_hours_and_the_rest_of_the_day_share_every_moment(open_: Hours, moment: datetime) -> None:
    rest = Hours(open_.end, open_.begin, open_.zone)
    assert open_.hold(moment) != rest.hold(moment) or open_.begin == open_.end


def test_hours_are_those_of_their_zone_and_may_lie_over_midnight() -> None:
    night = Hours(time(22), time(6), "Europe/Madrid")
    assert night.hold(datetime(2026, 7, 1, 20, 30, tzinfo=UTC))  # half past ten in Madrid
    assert night.hold(datetime(2026, 7, 1, 3, 59, tzinfo=UTC))
    assert not night.hold(datetime(2026, 7, 1, 4, 0, tzinfo=UTC))


def test_workers_come_with_the_jobs_and_go_after_the_idle_time() -> None:
    bank = Bank(Policy(least=0, most=4, idle_s=20, boot_s=60))
    bank.go(10)
    assert not bank.cluster.names()
    bank.cluster.submit(8, 30)
    bank.go(EVERY_S)
    assert bank.cluster.names() == ["w1", "w2", "w3", "w4"]
    bank.go(80)
    assert bank.cluster.done == 8
    bank.go(30)
    assert not bank.cluster.names()
    assert [event.action for event in bank.ledger.events] == ["appliance.grown", "appliance.shrunk"]
    assert bank.ledger.events[0].facts == {"workers": 4, "there": 4, "why": {"there is work for it": 4}}
    assert bank.books.sum(NAME).added == bank.books.sum(NAME).removed == 4


def test_an_image_that_is_broken_costs_few_workers_and_is_tried_less_and_less() -> None:
    bank = Bank(Policy(least=0, most=1000, boot_s=60))
    bank.cluster.boots = False
    bank.cluster.submit(5000, 30)
    bank.go(12 * 3600)
    assert 13 <= len(bank.cluster.added) <= 45
    bank.cluster.boots = True
    bank.go(2 * 3600)
    assert bank.cluster.done == 5000


def test_one_worker_in_ten_that_never_boots_holds_up_nothing() -> None:
    bank = Bank(Policy(least=0, most=40, idle_s=20, boot_s=30))
    bank.cluster.submit(200, 60)
    for _ in range(10):
        bank.go(20)
        bank.cluster.boots = not bank.cluster.boots
    bank.cluster.boots = True
    bank.go(1500)
    assert bank.cluster.done == 200
    assert not bank.cluster.names()


def test_a_site_at_its_quota_is_asked_for_less_and_then_seldom() -> None:
    bank = Bank(Policy(least=0, most=500, boot_s=30))
    bank.cluster.quota = 37
    asked = []
    add = bank.cluster.add_machines
    bank.cluster.add_machines = lambda name, new: (asked.append(len(new)), add(name, new))  # type: ignore[method-assign,assign]
    bank.cluster.submit(400, 3600)
    bank.go(3600)
    assert len(bank.cluster.names()) == 37
    assert len(asked) < 60
    assert not bank.cluster.killed


def test_under_a_load_that_does_not_change_workers_come_once_and_stay() -> None:
    bank = Bank(Policy(least=1, most=50, idle_s=20, boot_s=30), slots=2)
    changes = []
    for _ in range(600):
        bank.cluster.submit(2, 20)
        bank.go(EVERY_S)
        changes.append(len(bank.cluster.added) + len(bank.cluster.removed))
    assert changes[150] <= 40  # there were more jobs than later while the first workers came
    assert changes[-1] - changes[150] <= 8  # in a quarter of an hour, at a load that is exactly ten workers


def test_jobs_that_no_worker_takes_do_not_make_workers_come_and_go() -> None:
    policy = Policy(least=0, most=10, idle_s=20, boot_s=30)
    added, memory, here = 0, Memory(), dict[str, float]()
    for step in range(1800):
        now_s = 2.0 * step
        nodes = {name: NodeState.IDLE for name, made_s in here.items() if now_s - made_s >= 10}
        found = [Machine(name, up=True, since=NOON) for name in here]
        decision = decide(policy, Snapshot(now_s, NOON, Load(3, 0, nodes), found, memory))
        memory = decision.memory
        added += len(decision.add)
        here.update(dict.fromkeys(workers(decision, "add"), now_s))
        for name in workers(decision, "drain"):
            del here[name]
    assert added <= 3 * (3600 // 900 + 1)


def test_a_worker_that_died_in_its_job_is_replaced_and_the_job_is_done() -> None:
    bank = Bank(Policy(least=0, most=2, idle_s=20, boot_s=30))
    bank.cluster.submit(2, 100)
    bank.go(40)
    bank.cluster.kill("w1")
    bank.go(EVERY_S)
    assert [(step.worker, step.reason) for step in bank.last.remove] == [("w1", "it does not run any more")]
    bank.go(300)
    assert bank.cluster.done == 2
    assert not bank.cluster.names()


def test_a_worker_that_does_not_answer_is_left_alone_until_it_has_had_its_time() -> None:
    bank = Bank(Policy(least=0, most=2, idle_s=20, boot_s=60))
    bank.cluster.submit(1, 500)
    bank.go(20)
    bank.cluster.cut("w1")
    bank.go(50)
    assert bank.cluster.names() == ["w1"]
    bank.cluster.cut("w1", off=False)
    bank.go(600)
    assert bank.cluster.done == 1
    assert bank.cluster.added == ["w1"]


def test_a_clock_that_jumps_moves_no_worker() -> None:
    bank = Bank(Policy(least=0, most=4, idle_s=60, boot_s=60))
    bank.cluster.submit(4, 600)
    bank.go(40)
    for days in (400, -400, 0):
        bank.cluster.clock.wrong_by = timedelta(days=days)
        bank.go(20)
    assert bank.cluster.added == ["w1", "w2", "w3", "w4"]
    assert not bank.cluster.removed
    assert 4 * 90 <= bank.books.sum(NAME).paid_s <= 4 * 101


def test_a_worker_that_leaves_the_queue_once_it_is_drained_is_removed_at_once() -> None:
    bank = Bank(Policy(least=0, most=4, idle_s=20, boot_s=60))
    bank.cluster.leaves = True
    bank.cluster.submit(2, 30)
    bank.go(42)  # ten to boot, thirty to work
    assert bank.cluster.done == 2
    bank.go(20 + 3 * EVERY_S)
    assert not bank.cluster.names()


def test_a_busy_worker_that_drains_is_not_gone_when_the_queue_forgets_everybody_for_a_moment() -> None:
    policy = Policy(least=0, most=1)
    found = [Machine("w1", up=True, since=NOON), Machine("w2", up=True, since=NOON)]
    busy = {"w1": NodeState.BUSY, "w2": NodeState.BUSY}
    memory = decide(policy, Snapshot(0, NOON, Load(0, 2, busy), found)).memory
    memory = replace(memory, draining=frozenset({"w2"}))
    soon = decide(policy, Snapshot(2, NOON, Load(0, 2, {}), found, memory))
    assert not soon.remove
    later = decide(policy, Snapshot(4, NOON, Load(0, 2, busy), found, soon.memory))
    assert not later.remove


def test_a_queue_is_told_once_of_a_worker_that_the_site_has_not_and_not_at_each_pass() -> None:
    policy, memory, told = Policy(least=0, most=4, boot_s=60), Memory(), []
    for now_s in range(0, 100, 2):
        decision = decide(policy, Snapshot(now_s, NOON, Load(0, 0, {"w3": NodeState.AWAY}), [], memory))
        told += [now_s] if workers(decision, "forget") == ["w3"] else []
        memory = decision.memory
    assert told == [10, 70]


def test_a_restart_in_the_middle_loses_neither_a_job_nor_the_cost() -> None:
    bank = Bank(Policy(least=0, most=4, idle_s=20, boot_s=60))
    bank.cluster.submit(4, 300)
    bank.go(100)
    bank.cluster.turn(100)  # voxpop is away, and the workers are not
    bank.start()
    bank.go(60)
    assert 4 * 250 <= bank.books.sum(NAME).paid_s <= 4 * 262
    bank.go(150)
    assert bank.cluster.done == 4
    assert not bank.cluster.killed
    assert not bank.cluster.names()


def test_a_budget_that_is_spent_lets_jobs_end_and_nothing_begin() -> None:
    bank = Bank(Policy(least=1, most=4, idle_s=20, boot_s=30, budget_s=1000))
    bank.cluster.submit(100, 100)
    bank.go(2000)
    assert not bank.cluster.names()
    assert not bank.cluster.killed
    assert 1000 <= bank.books.sum(NAME).paid_s <= 1000 + 4 * 110
    assert bank.last.held == "the budget pays for no more"


def test_fewer_workers_are_drained_and_not_cut_off() -> None:
    bank = Bank(Policy(least=0, most=4, idle_s=20, boot_s=30))
    bank.cluster.submit(4, 100)
    bank.go(30)
    bank.policy = Policy(least=0, most=2, idle_s=20, boot_s=30)
    bank.go(EVERY_S)
    assert workers(bank.last, "drain") == ["w4", "w3"]
    bank.go(150)
    assert bank.cluster.done == 4
    assert not bank.cluster.killed


def test_workers_with_gpus_come_for_jobs_that_need_one_alone() -> None:
    policy = Policy(least=0, most=6, gpu_workers=2)
    for load, added in {
        (3, 0): ["w3", "w4", "w5"],
        (3, 2): ["w3", "w1", "w2"],
        (5, 5): ["w1", "w2"],
    }.items():
        decision = decide(policy, Snapshot(0, NOON, Load(load[0], 0, {}, waiting_for_gpus=load[1]), []))
        assert workers(decision, "add") == added
    nowhere = decide(Policy(least=0, most=6), Snapshot(0, NOON, Load(3, 0, {}, waiting_for_gpus=3), []))
    assert not nowhere.add


def test_a_queue_that_decides_by_itself_is_not_decided_for() -> None:
    policy = Policy(least=1, most=4, idle_s=5, boot_s=10, native=True)
    here: Mapping[str, NodeState] = {"w1": NodeState.IDLE, "w2": NodeState.IDLE}
    found = [Machine(name, up=True, since=NOON) for name in here]
    first = decide(policy, Snapshot(0, NOON, Load(9, 0, here), found))
    later = decide(policy, Snapshot(100, NOON, Load(9, 0, here), found, first.memory))
    assert (later.add, later.drain, later.remove) == ((), (), ())
    assert workers(decide(policy, Snapshot(0, NOON, Load(9, 0, {}), [])), "add") == ["w1"]


class Faults(RuleBasedStateMachine):
    """A cluster on which everything happens, and its keeper."""

    def __init__(self) -> None:
        super().__init__()
        self.bank = Bank(Policy(least=1, most=6, idle_s=20, boot_s=30, trial=4), slots=2)
        self.submitted = 0

    @rule(jobs=st.integers(1, 20), seconds=st.integers(1, 90))
    def submit(self, jobs: int, seconds: int) -> None:
        self.bank.cluster.submit(jobs, seconds)
        self.submitted += jobs

    @rule(passes=st.integers(1, 40))
    def go(self, passes: int) -> None:
        self.bank.go(passes * EVERY_S)

    @rule(away=st.booleans())
    def lose_the_queue(self, away: bool) -> None:
        self.bank.cluster.queue_away = away

    @rule(away=st.booleans())
    def lose_the_site(self, away: bool) -> None:
        self.bank.cluster.site_away = away

    @rule(boots=st.booleans())
    def break_the_image(self, boots: bool) -> None:
        self.bank.cluster.boots = boots

    @rule(quota=st.integers(0, 6))
    def change_the_quota(self, quota: int) -> None:
        self.bank.cluster.quota = quota

    @rule(hours=st.integers(-48, 48))
    def jump(self, hours: int) -> None:
        self.bank.cluster.clock.wrong_by = timedelta(hours=hours)

    @rule()
    def restart(self) -> None:
        self.bank.start()

    @precondition(lambda self: self.bank.cluster.names())
    @rule(which=st.integers(0, 5), off=st.booleans())
    def cut(self, which: int, off: bool) -> None:
        there = self.bank.cluster.names()
        self.bank.cluster.cut(there[which % len(there)], off=off)

    @precondition(lambda self: self.bank.cluster.names())
    @rule(which=st.integers(0, 5))
    def kill(self, which: int) -> None:
        there = self.bank.cluster.names()
        self.bank.cluster.kill(there[which % len(there)])

    @invariant()
    def there_are_never_too_many(self) -> None:
        assert len(self.bank.cluster.names()) <= self.bank.policy.most

    @invariant()
    def no_job_was_cut_off(self) -> None:
        assert not self.bank.cluster.killed

    def teardown(self) -> None:
        """Mend all, and see everything done and everybody gone, but the least."""
        cluster = self.bank.cluster
        cluster.queue_away = cluster.site_away = False
        cluster.boots, cluster.quota = True, 100
        for name in cluster.names():
            cluster.cut(name, off=False)
        self.bank.go(4000 + 50 * self.submitted)
        assert cluster.done == self.submitted
        assert len(cluster.names()) == 1
        assert self.bank.books.sum(NAME).workers == 1


class FaultsOfCondor(Faults):
    """The same where a worker leaves the queue once it is drained."""

    def __init__(self) -> None:
        super().__init__()
        self.bank.cluster.leaves = True


TestFaults = Faults.TestCase
TestFaults.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
TestFaultsOfCondor = FaultsOfCondor.TestCase
TestFaultsOfCondor.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)


def test_time_begins_where_the_fakes_say() -> None:
    assert MemoryCluster().clock.now() == BEGIN
