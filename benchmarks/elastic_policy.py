"""The policy of workers on a simulated cluster of 1,000 nodes and 100,000 jobs, beside the rules of CLUES.

python benchmarks/elastic_policy.py [--seeds 1 2 3] [--plot docs/images/elasticity.svg]

What is simulated is the cluster: jobs, boots, failures. What decides is the product's own function, as it is. The loop
is our own: SimPy gives every job a coroutine, and what is needed here is one heap and three kinds of event.

CLUES 2 (GRyCAP, Universitat Politecnica de Valencia) is not run here; ``Clues`` follows what is published of it: its
how-to, its documented defaults, and which of its schedulers does what (https://github.com/grycap/clues, `docs/howto.md`
and `etc/clues2.cfg-full-example`). Where a choice was left, the one that is better for CLUES is taken: it is asked at
each submission, by its wrapper (elsewhere a job waits for RECONSIDER_JOB_TIME, a minute); any number of nodes may boot
at the same time (its example says MAX_BOOTING_NODES=2); and no node is held for a request that was served.
"""

import argparse
import gc
import heapq
import itertools
import random
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from voxpop.appliance.elastic import Memory, Policy, Snapshot, decide
from voxpop.appliance.elastic.trust import after_growth, after_removal
from voxpop.appliance.model import Load, Machine, NodeState

NODES = 1000
SLOTS = 4
JOBS = 100_000
DAYS = 3
PASS_S = 5.0
GIVE_UP_S = 300.0
LEASE_S = 30.0
NEVER_BOOTS = 0.03
MEAN_LIFE_S = 200 * 3600.0
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DAY_S = 86_400.0
GOAL_DECISION_MS, GOAL_MAKESPAN, GOAL_COST = 50.0, 1.1, 0.8


@dataclass(frozen=True, slots=True)
class Burst:
    """Jobs that are submitted together, as a run over a cohort does."""

    at_s: float
    seconds: tuple[float, ...]


def bursts(seed: int) -> list[Burst]:
    """Make bursts as people make them: in working hours, mostly small, some of thousands, each of one kind of job."""
    chance = random.Random(seed)
    made: list[Burst] = []
    left = JOBS
    while left:
        number = min(left, max(1, round(chance.lognormvariate(4.4, 1.6))), 8000)
        median_s = chance.choice((20.0, 120.0, 300.0, 900.0))
        seconds = tuple(min(6 * 3600.0, median_s * chance.lognormvariate(0, 0.6)) for _ in range(number))
        made.append(Burst(_moment(chance), seconds))
        left -= number
    return sorted(made, key=lambda burst: burst.at_s)


def _moment(chance: random.Random) -> float:
    day = chance.randrange(DAYS) * DAY_S
    hour = chance.gauss(12.5, 2.5) if chance.random() < 0.85 else chance.uniform(0, 24)
    return day + min(23.99, max(0.0, hour)) * 3600


@dataclass(slots=True)
class Node:
    """One node: when it was made, and what runs on it."""

    name: str
    made_s: float
    registered: bool = False
    up: bool = True
    draining: bool = False
    idle_since_s: float = 0.0
    jobs: set[int] = field(default_factory=set)
    worked: bool = False


class Scaler(Protocol):
    """What decides on nodes."""

    def look(self, cluster: "Cluster") -> None:
        """Look once, and add, drain and remove."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the simulated days came to.

    Parameters
    ----------
    makespan_s : float
        From the first submission to the end of the last job.
    burst_s : float
        The mean, over bursts, of the time from submission to the end of the last job of the burst.
    """

    makespan_s: float
    burst_s: float
    wait_s: float
    node_s: float
    ideal_s: float
    boots: int
    wasted: int
    most: int
    course: tuple[tuple[float, int, int], ...]


class Cluster:
    """A queue and its nodes; time goes from event to event."""

    def __init__(self, work: Sequence[Burst], seed: int) -> None:
        self.now_s = 0.0
        self.nodes: dict[str, Node] = {}
        self.waiting: deque[int] = deque()
        self.running = 0
        self._work = work
        self._chance = random.Random(seed + 1000)
        self._count = itertools.count()
        self._events: list[tuple[float, int, str, object]] = []
        self._free: list[dict[str, Node]] = [{} for _ in range(SLOTS)]  # by how many jobs run on them
        self._seconds: list[float] = []
        self._burst: list[int] = []
        self._begun: list[float] = []
        self._submitted: list[float] = []
        self._left = sum(len(burst.seconds) for burst in work)
        self._ends_s = [0.0] * len(work)
        self._node_s = 0.0
        self.boots = self._wasted = self._most = 0
        self._course: list[tuple[float, int, int]] = []

    def run(self, scaler: Scaler) -> Outcome:
        """Go on until all jobs are done and all nodes are gone."""
        for number, burst in enumerate(self._work):
            self._at(burst.at_s, "begin", number)
        self._at(self._work[0].at_s, "pass", None)
        while self._events:
            self.now_s, _, what, which = heapq.heappop(self._events)
            if what == "pass":
                scaler.look(self)
                self._note()
                if self._left or self.nodes:
                    self._at(self.now_s + PASS_S, "pass", None)
            else:
                getattr(self, f"_{what}")(which)
        first_s = self._work[0].at_s
        took = [end_s - burst.at_s for end_s, burst in zip(self._ends_s, self._work, strict=True)]
        waits = [begun - submitted for begun, submitted in zip(self._begun, self._submitted, strict=True)]
        return Outcome(
            max(self._ends_s) - first_s, statistics.fmean(took), statistics.fmean(waits), self._node_s,
            sum(self._seconds) / SLOTS, self.boots, self._wasted, self._most, tuple(self._course),
        )  # fmt: skip

    def add(self, names: Sequence[str]) -> None:
        """Make nodes; some never boot, and all the others die some day."""
        for name in names:
            node = self.nodes[name] = Node(name, self.now_s)
            self.boots += 1
            if self._chance.random() >= NEVER_BOOTS:
                self._at(self.now_s + 20 + self._chance.lognormvariate(3.9, 0.4), "register", node)
                self._at(self.now_s + self._chance.expovariate(1 / MEAN_LIFE_S), "death", node)

    def drain(self, names: Sequence[str]) -> None:
        """Give nodes no further job."""
        for name in names:
            self._unlist(self.nodes[name])
            self.nodes[name].draining = True

    def remove(self, names: Sequence[str]) -> None:
        """Remove nodes; what ran on them runs again."""
        for name in names:
            node = self.nodes.pop(name)
            self._unlist(node)
            self._node_s += self.now_s - node.made_s
            self._wasted += not node.worked
            node.up = node.registered = False
            self._again(node)

    def _at(self, moment_s: float, what: str, which: object) -> None:
        heapq.heappush(self._events, (moment_s, next(self._count), what, which))

    def _burst_begins(self, number: int) -> Iterator[int]:
        for seconds in self._work[number].seconds:
            self._seconds.append(seconds)
            self._burst.append(number)
            self._begun.append(-1.0)
            self._submitted.append(self.now_s)
            yield len(self._seconds) - 1

    def _register(self, node: Node) -> None:
        if self.nodes.get(node.name) is node and node.up:
            node.registered, node.idle_since_s = True, self.now_s
            self._free[0][node.name] = node
            self._hand_out()

    def _death(self, node: Node) -> None:
        if self.nodes.get(node.name) is node and node.up:
            self._unlist(node)
            node.up = False
            self._at(self.now_s + LEASE_S, "again", node)

    def _again(self, node: Node) -> None:
        self.running -= len(node.jobs)
        self.waiting.extendleft(node.jobs)
        node.jobs = set()
        self._hand_out()

    def _end(self, which: tuple[int, Node]) -> None:
        job, node = which
        if job not in node.jobs or not node.up:
            return
        self._unlist(node)
        node.jobs.discard(job)
        self.running -= 1
        self._left -= 1
        self._ends_s[self._burst[job]] = self.now_s
        if not node.jobs:
            node.idle_since_s = self.now_s
        if not node.draining:
            self._free[len(node.jobs)][node.name] = node
            self._hand_out()

    def _hand_out(self) -> None:
        """Give what waits to the fullest nodes that have room, so that the others become idle."""
        for number in range(SLOTS - 1, -1, -1):
            while self.waiting and self._free[number]:
                _, node = self._free[number].popitem()
                while self.waiting and len(node.jobs) < SLOTS:
                    job = self.waiting.popleft()
                    node.jobs.add(job)
                    node.worked = True
                    self.running += 1
                    if self._begun[job] < 0:
                        self._begun[job] = self.now_s
                    self._at(self.now_s + self._seconds[job], "end", (job, node))
                if len(node.jobs) < SLOTS:
                    self._free[len(node.jobs)][node.name] = node

    def _unlist(self, node: Node) -> None:
        for free in self._free:
            free.pop(node.name, None)

    def _note(self) -> None:
        self._most = max(self._most, len(self.nodes))
        if not self._course or self.now_s - self._course[-1][0] >= 300:
            self._course.append((self.now_s, len(self.nodes), -(-(self.running + len(self.waiting)) // SLOTS)))

    def _begin(self, number: int) -> None:
        self.waiting.extend(self._burst_begins(number))
        self._hand_out()


class Voxpop:
    """The product's own decision."""

    def __init__(self, idle_s: float = 60.0) -> None:
        self._policy = Policy(least=0, most=NODES, slots=SLOTS, idle_s=idle_s, boot_s=GIVE_UP_S)
        self._memory = Memory()
        self.took_s: list[float] = []

    def look(self, cluster: Cluster) -> None:
        """Look once, and add, drain and remove."""
        wall = MONDAY + timedelta(seconds=cluster.now_s)
        machines = [Machine(node.name, node.up, wall) for node in cluster.nodes.values()]
        states = {node.name: _state(node) for node in cluster.nodes.values() if node.registered}
        load = Load(len(cluster.waiting), cluster.running, states)
        snapshot = Snapshot(cluster.now_s, wall, load, machines, self._memory)
        gc.disable()  # what it would sweep is the simulation's
        began_s = time.thread_time()
        decision = decide(self._policy, snapshot)
        self.took_s.append(time.thread_time() - began_s)
        gc.enable()
        gone = [step.worker for step in decision.remove]
        cluster.remove(gone)
        cluster.drain([step.worker for step in decision.drain])
        added = [step.worker for step in decision.add]
        cluster.add(added)
        self._memory = after_removal(decision.memory, frozenset(gone))
        self._memory = after_growth(self._policy, self._memory, added, cluster.now_s)


class Clues:
    """The published rules: a node for each four jobs that have no slot booked; off after ``IDLE_TIME``.

    Parameters
    ----------
    idle_s : float
        IDLE_TIME; 1800 by default, 300 in some TOSCA templates.
    """

    def __init__(self, idle_s: float) -> None:
        self._idle_s = idle_s

    def look(self, cluster: Cluster) -> None:
        """Look once, and switch nodes on and off."""
        now_s = cluster.now_s
        dead = [n.name for n in cluster.nodes.values() if not n.up and not n.jobs]
        failed = [n.name for n in cluster.nodes.values() if not n.registered and now_s - n.made_s > GIVE_UP_S]
        cluster.remove(sorted({*dead, *failed}))  # MAX_WAIT_POWERON
        idle = [n for n in cluster.nodes.values() if n.registered and n.up and not n.jobs]
        cluster.remove([n.name for n in idle if now_s - n.idle_since_s > self._idle_s])  # CLUES_Scheduler_PowOff_IDLE
        on = [n for n in cluster.nodes.values() if n.up]
        booked = sum(SLOTS - len(n.jobs) for n in on)
        missing = -(-max(0, len(cluster.waiting) - booked) // SLOTS)  # CLUES_Scheduler_PowOn_Requests
        free = (name for name in (f"w{number}" for number in range(1, NODES + 1)) if name not in cluster.nodes)
        cluster.add(list(itertools.islice(free, missing)))


def _state(node: Node) -> NodeState:
    if not node.up:
        return NodeState.AWAY
    if node.draining:
        return NodeState.DRAINING if node.jobs else NodeState.DRAINED
    return NodeState.BUSY if node.jobs else NodeState.IDLE


OURS, THEIRS = "voxpop, idle 60 s", "CLUES, idle 1800 s (its default)"
SCALERS: dict[str, Callable[[], Scaler]] = {
    OURS: Voxpop,
    "voxpop, idle 300 s": lambda: Voxpop(300.0),
    THEIRS: lambda: Clues(1800.0),
    "CLUES, idle 300 s (as TOSCA templates)": lambda: Clues(300.0),
    "CLUES, idle 60 s (as ours)": lambda: Clues(60.0),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--plot", type=Path, help="where to draw the first seed's first day")
    asked = parser.parse_args()
    found: dict[str, list[Outcome]] = {name: [] for name in SCALERS}
    took_s: list[float] = []
    for seed in asked.seeds:
        work = bursts(seed)
        for name, make in SCALERS.items():
            scaler = make()
            found[name].append(Cluster(work, seed).run(scaler))
            if isinstance(scaler, Voxpop):
                took_s += scaler.took_s
    if asked.plot:
        draw(found, asked.plot)
    return report(found, took_s)


def report(found: dict[str, list[Outcome]], took_s: list[float]) -> int:
    """Print the table; returns an exit code: whether the goals are met."""
    means = {name: _means(outcomes) for name, outcomes in found.items()}
    print(f"{'':34} {'makespan':>10} {'a burst':>9} {'a job waits':>12} {'node hours':>11} {'/ ideal':>8} "
          f"{'boots':>7} {'wasted':>7} {'most':>5}")  # fmt: skip
    for name, mean in means.items():
        print(f"{name:34} {mean['makespan_s'] / 3600:8.2f} h {mean['burst_s']:7.0f} s {mean['wait_s']:10.0f} s "
              f"{mean['node_s'] / 3600:11.0f} {mean['node_s'] / mean['ideal_s']:8.2f} {mean['boots']:7.0f} "
              f"{mean['wasted']:7.0f} {mean['most']:5.0f}")  # fmt: skip
    ratios = {key: means[OURS][key] / means[THEIRS][key] for key in ("makespan_s", "burst_s", "node_s")}
    longest_ms = 1000 * max(took_s)
    print(f"ours to the default rules of CLUES: makespan {ratios['makespan_s']:.3f}, a burst {ratios['burst_s']:.3f}, "
          f"cost {ratios['node_s']:.3f}")  # fmt: skip
    print(f"one decision, in processor time: {1000 * statistics.median(took_s):.2f} ms, 99 % in "
          f"{1000 * statistics.quantiles(took_s, n=100)[-1]:.1f} ms, the longest {longest_ms:.1f} ms, "
          f"of {len(took_s):,}")  # fmt: skip
    slow = max(ratios["makespan_s"], ratios["burst_s"]) > GOAL_MAKESPAN
    return int(slow or ratios["node_s"] > GOAL_COST or longest_ms > GOAL_DECISION_MS)


def draw(found: dict[str, list[Outcome]], file: Path) -> None:
    """Draw how many nodes there were, and how many the jobs would have filled."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "voxpop"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 3.6), layout="constrained")
    for name, colour in ((THEIRS, "#b35806"), (OURS, "#2166ac")):
        course = [one for one in found[name][0].course if one[0] < DAY_S]
        axes.step([one[0] / 3600 for one in course], [one[1] for one in course], colour, label=name, where="post")
    course = [one for one in found[OURS][0].course if one[0] < DAY_S]
    hours, wanted = [one[0] / 3600 for one in course], [min(NODES, one[2]) for one in course]
    axes.fill_between(hours, wanted, step="post", color="#dddddd", label="what the jobs would fill, at most 1,000")
    axes.set(xlabel="hour of the first simulated day", ylabel="nodes", xlim=(0, 24), ylim=(0, None))
    axes.legend(frameon=False)
    figure.savefig(file, metadata={"Date": None})


def _means(outcomes: list[Outcome]) -> dict[str, float]:
    names = [one.name for one in fields(Outcome) if one.name != "course"]
    return {name: statistics.fmean(getattr(one, name) for one in outcomes) for name in names}


if __name__ == "__main__":
    sys.exit(main())
