"""The machines of one appliance with a queue: a front end, and workers that come and go."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from voxpop.appliance.errors import ClusterNotMade, FrontEndAway, WorkersNotGiven
from voxpop.appliance.model import Deployment, Ground, Workers
from voxpop.appliance.ports import Said
from voxpop.appliance.tosca.cluster import FRONT
from voxpop.backends import process
from voxpop.backends.site import PEOPLE
from voxpop.backends.site.docker.cards import (
    CARD_INSIDE,
    GATE_INSIDE,
    GATE_KEY_INSIDE,
    PEOPLE_INSIDE,
    QUEUE_KEY_INSIDE,
    Papers,
    write_papers,
)
from voxpop.backends.site.docker.engine import NODE
from voxpop.backends.site.docker.machines import MachineEngine, MachinePlan
from voxpop.backends.site.docker.people import number_of
from voxpop.backends.site.docker.sandbox import Desk
from voxpop.backends.site.docker.setup import Setup
from voxpop.kernel.errors import Unavailable, VoxpopError
from voxpop.kernel.units import MB_PER_GB

_FRONT_CORES = 2
_FRONT_MB = 2048
_DAEMONS_MB = 128  # what a queue's own daemons need on a worker
_AT_ONCE = 8
_PAUSE_S = 0.2
_ASK_PATIENCE_S = 60.0
# docker(1) ends with 1 where it could not do the command, as the command may; only then it begins like this
_NOT_DONE = (
    "Error response from daemon:",
    "Error: No such container",
    "Cannot connect to the Docker daemon",
    "error during connect:",
)
_KNOWN, _UNKNOWN = 0, 2  # getent(1)


class Cluster:
    """The machines of one deployment."""

    def __init__(self, engine: MachineEngine, setup: Setup, ground: Ground, deployment: Deployment) -> None:
        assert deployment.workers is not None
        self._engine = engine
        self._setup = setup
        self._ground = ground
        self._given = deployment
        self._workers: Workers = deployment.workers

    def put_up(self, area: Path) -> None:
        """Make the network, the front end and the first workers, and wait until the queue answers; what runs stays.

        Raises
        ------
        ClusterNotMade
            If they don't come up in their time; says what the front end wrote last.
        SiteUnreachable
        """
        papers = write_papers(area, self._given, self._ground)
        name, front = self._given.appliance, self._front(papers)
        self._engine.connect(name)
        self._engine.sweep(name, [front, *(self._worker(papers, worker) for worker in self._names())])
        self._engine.begin(name, front)
        first = self._names()[: self._workers.least]
        self._add(papers, first)
        self._await(first)

    def add(self, area: Path, names: Sequence[str]) -> None:
        """Make workers; one that runs stays, one that has died is made anew.

        Raises
        ------
        WorkersNotGiven
            If one of the names is none that the deployment may have.
        SiteUnreachable
            If the engine refuses one; others may have been made.
        """
        if not set(names) <= set(self._names()):
            raise WorkersNotGiven(self._given.appliance, self._workers.most)
        self._add(write_papers(area, self._given, self._ground), names)

    def desk(self, area: Path) -> Desk:
        """Return what a person's terminal has of it."""
        papers, name, bench = write_papers(area, self._given, self._ground), self._given.appliance, self._given.bench
        assert bench is not None
        people = bench / PEOPLE

        def taken(account: str) -> bool:
            said = on_front_end(self._engine, self._setup, self._given, ["getent", "passwd", account])
            if said.exit_code not in (_KNOWN, _UNKNOWN):
                raise FrontEndAway(name, self._given.site)
            return said.exit_code == _KNOWN

        return Desk(
            network=self._engine.named(name, "network"),
            read_only={
                CARD_INSIDE: papers.card,
                QUEUE_KEY_INSIDE: papers.queue_key,
                PEOPLE_INSIDE: papers.people,
            },
            read_write={str(papers.auth): papers.auth},
            volume=self._given.volume.resolve(),
            people=people,
            number=lambda one: number_of(papers.people, one, str(people / one), lambda: taken(one)),
        )

    def _names(self) -> list[str]:
        return [f"w{number}" for number in range(1, self._workers.most + 1)]

    def _add(self, papers: Papers, names: Sequence[str]) -> None:
        plans = [self._worker(papers, name) for name in dict.fromkeys(names)]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for begun in [pool.submit(self._engine.begin, self._given.appliance, plan) for plan in plans]:
                begun.result()

    def _await(self, workers: Sequence[str]) -> None:
        name, asked = self._given.appliance, [NODE, "check", *workers]
        end, said = time.monotonic() + self._ground.boot_s, ""
        while time.monotonic() < end:
            with suppress(FrontEndAway):
                answer = on_front_end(self._engine, self._setup, self._given, asked)
                if answer.exit_code == 0:
                    return
                said = answer.stderr.strip()
            if not self._engine.runs(name, FRONT):
                said = "its front end has ended"
                break
            time.sleep(_PAUSE_S)
        fault = said.removeprefix("voxpop-node: ") or "its front end says nothing"
        raise ClusterNotMade(name, self._given.site, fault, self._engine.last_words(name, FRONT))

    def _front(self, papers: Papers) -> MachinePlan:
        gate = {GATE_KEY_INSIDE: papers.gate_key, GATE_INSIDE: papers.gate}
        return self._plan(papers, FRONT, FRONT, min(_FRONT_CORES, self._given.cores), _FRONT_MB, gate)

    def _worker(self, papers: Papers, name: str) -> MachinePlan:
        memory_mb = self._workers.memory_gb * MB_PER_GB + _DAEMONS_MB
        return self._plan(papers, name, "worker", self._workers.cores, memory_mb, {})

    def _plan(
        self, papers: Papers, name: str, part: str, cores: int, memory_mb: int, shown: dict[str, Path]
    ) -> MachinePlan:
        seen = [path for path in (self._given.volume, self._ground.pipelines) if path is not None]
        bench = self._given.bench
        assert bench is not None
        return MachinePlan(
            name=name,
            part=part,
            image=self._given.image,
            command=(NODE, part),
            shown={
                CARD_INSIDE: papers.card,
                QUEUE_KEY_INSIDE: papers.queue_key,
                PEOPLE_INSIDE: papers.people,
                **{str(path): path for path in seen},
                **shown,
            },
            written={str(bench): bench},
            cores=cores,
            memory_mb=memory_mb,
            gpus=self._gpus(name) if part == "worker" else (),
            made_of=papers.digest,
        )

    def _gpus(self, name: str) -> tuple[str, ...]:
        """Give each worker GPUs of its own: asked for by number alone, all would get the engine's first."""
        first = (int(name[1:]) - 1) * self._workers.gpus
        return tuple(str(number) for number in range(first, first + self._workers.gpus))


def on_front_end(
    engine: MachineEngine, setup: Setup, deployment: Deployment, command: Sequence[str], stdin: str = ""
) -> Said:
    """Do a command on the front end as root, and return how it ended.

    Raises
    ------
    FrontEndAway
        If it does not run, or does not answer in a minute.
    """
    words = [*setup.words(), "exec", "--interactive", engine.named(deployment.appliance, FRONT), *command]
    try:
        done = process.run(words, stdin=stdin, timeout_s=_ASK_PATIENCE_S)
    except Unavailable as late:
        raise FrontEndAway(deployment.appliance, deployment.site) from late
    if done.exit_code and done.stderr.startswith(_NOT_DONE):
        raise FrontEndAway(deployment.appliance, deployment.site)
    return Said(done.exit_code, done.stdout, done.stderr)


def clear(engine: MachineEngine, appliance: str) -> None:
    """Remove all of a cluster from its engine, and whatever else of the appliance is there. Twice is silent."""
    engine.clear(appliance)
    engine.disconnect(appliance)


def clear_quietly(engine: MachineEngine, appliance: str) -> None:
    """Remove what can be removed, where something else has failed already."""
    with suppress(VoxpopError):
        clear(engine, appliance)
