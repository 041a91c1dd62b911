"""A container as the place of a run or of a person's terminal; it is there as long as they are."""

import csv
import fcntl
import io
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import distribution
from pathlib import Path
from typing import TypeAlias

import voxpop
from voxpop.appliance.images import PYTHON
from voxpop.backends.sandbox import child_environment, hand_over, terminal_environment
from voxpop.backends.site.docker import leash
from voxpop.backends.site.docker.engine import APPLIANCE, BANK, CAPABILITIES, LEASE, NODE
from voxpop.backends.site.docker.people import inside
from voxpop.backends.site.docker.setup import Setup
from voxpop.run.ports import Confinement, Seat

NAME = "docker"
Forget: TypeAlias = Callable[[str], None]
_LIBRARY = Path("/opt/voxpop/library")
_LEASH = Path("/run/voxpop/leash.py")
_DEBIANS_PYTHON = "/usr/bin/python3"
_PROCESSES_OF_A_RUN = 4096
_PROCESSES_OF_A_PERSON = 256
_FILE_BYTES = 10 * 10**9
_BYTES_PER_GB = 10**9
_SCRATCH = "/tmp:rw,nosuid,nodev,size=1g,mode=1777"  # noqa: S108 -- the container's own
_HOME = Path("/tmp")  # noqa: S108 -- the container's own
_YOUNG_S = 60.0
_PLACES = ("/data", "/results", "/work")
_NOBODY = "0.0.0.0"  # noqa: S104 -- nobody answers there, so no engine asks outside
_OF_DAEMONS = ("/run", "/etc/munge", "/var/lib/munge", "/var/log/munge")


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a container is: an appliance's, which only one bank knows by this name."""

    appliance: str
    bank: str


@dataclass(frozen=True, slots=True)
class Desk:
    """What a terminal has of the cluster that it belongs to.

    Parameters
    ----------
    network : str
        The cluster's.
    read_only, read_write : mapping of str to Path
        What it sees of the cluster, by the names inside.
    volume : Path
        Shown under its own name too, under which workers see it.
    people : Path
        Where the folders of people are, under the name that workers see.
    number : callable
        Returns the number of a person's account on all machines.
    """

    network: str
    read_only: Mapping[str, Path]
    read_write: Mapping[str, Path]
    volume: Path
    people: Path
    number: Callable[[str], int]


MakeDesk: TypeAlias = Callable[[], Desk]


class DockerSandbox:
    """Holds a child in a container of an image.

    Parameters
    ----------
    image : str
        The image's id, so that nothing else can take its name.
    owner : Owner
        Whose container it is.
    leases : Path
        A folder for the locks that tie each container to its starter.
    forget : callable
        Removes the container of a lease: one whose starter ended before it began has no process that could end.
    desk : callable, optional
        Where a queue is: terminals are in its cluster then, and its own commands work there; asked for terminals alone.
    """

    network = False
    python = str(PYTHON)
    guarantees = (
        "the volume is mounted read-only",
        "there is no network",
        "nothing but the volume, the pipeline, the run's folder and the image can be seen",
        "all processes of a run end with it",
    )

    def __init__(
        self, setup: Setup, image: str, owner: Owner, leases: Path, forget: Forget, desk: MakeDesk | None = None
    ) -> None:
        self._setup = setup
        self._image = image
        self._owner = owner
        self._leases = leases
        self._forget = forget
        self._make_desk = desk

    @property
    def name(self) -> str:
        """``docker``; stands in the run's record."""
        return NAME

    @property
    def people(self) -> Path | None:
        """Where it wants the folders of people, so that workers see them; None where there are none."""
        return self._desk.people if self._desk else None

    def home(self, folder: Path) -> str:
        """Return where a person's folder is shown."""
        return str(folder) if self._desk else _PLACES[2]

    def person(self, account: str) -> int:
        """Return the number of a person's account inside.

        Raises
        ------
        AccountTaken
            If the cluster's machines have an account of that name which is no person's.
        """
        return self._desk.number(account) if self._desk else inside()

    @cached_property
    def _desk(self) -> Desk | None:
        return self._make_desk() if self._make_desk else None

    def wrap(self, command: Sequence[str], confinement: Confinement) -> Sequence[str]:
        """Return the command line that starts ``command`` confined: paths keep their names inside."""
        for folder in confinement.read_write:
            hand_over(folder, inside())
        words = self._begun(confinement.cores, confinement.memory_gb, _PROCESSES_OF_A_RUN)
        for path in confinement.read_only:
            words += _mounted(path, path, read_only=True)
        for path in confinement.read_write:
            words += _mounted(path, path, read_only=False)
        for path, name in _own_library():
            words += _mounted(path, _LIBRARY / name, read_only=True)
        environment = child_environment(_HOME) | {
            "PATH": f"{PYTHON.parent}:/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": str(_LIBRARY),
        }
        return [*words, *_variables(environment), *self._doing(command)]

    def wrap_terminal(self, seat: Seat, line: str | None = None) -> Sequence[str]:
        """Return the command line of a shell in its place; with ``line``, of one that does that line and ends."""
        data, results, home = *map(Path, _PLACES[:2]), Path(self.home(seat.home))
        person = self.person(seat.account)
        hand_over(seat.home, person)
        words = self._begun(seat.cores, seat.memory_gb, _PROCESSES_OF_A_PERSON, self._desk)
        words += ["--interactive", "--tty", "--hostname", seat.host, "--ulimit", f"fsize={_FILE_BYTES}"]
        words += ["--workdir", str(home)]
        words += self._seated(seat)
        words += _mounted(seat.volume, data, read_only=True)
        for folder in seat.results:
            words += _mounted(folder, results / folder.name, read_only=True)
        words += _mounted(seat.home, home, read_only=False)
        seen = self._desk.volume if self._desk else data
        environment = terminal_environment(seat.account, seen, results, home) | {
            "PATH": f"{PYTHON.parent}:/usr/local/bin:/usr/bin:/bin",
        }
        shell = ["/bin/bash", *(["-c", line] if line else ["-i"])]
        if self._desk:
            shell = [NODE, "desk", str(person), *shell]
        return [*words, *_variables(environment), *self._doing(shell)]

    def _seated(self, seat: Seat) -> list[str]:
        """Show who there is; in a cluster, with what its queue's commands need."""
        if self._desk is None:
            return _mounted(seat.accounts, Path("/etc/passwd"), read_only=True)
        words = _mounted(self._desk.volume, self._desk.volume, read_only=True)
        for name, path in self._desk.read_only.items():
            words += _mounted(path, Path(name), read_only=True)
        for name, path in self._desk.read_write.items():
            words += _mounted(path, Path(name), read_only=False)
        return words

    def _begun(self, cores: int, memory_gb: int, processes: int, desk: Desk | None = None) -> list[str]:
        """Begin a command line; flock(1) lets docker(1) hold the lease, which ends with us."""
        self._leases.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in self._leases.iterdir():
            self._sweep(left)
        lease = self._leases / secrets.token_hex(8)
        memory = f"{max(memory_gb, 1)}g"
        words = ["flock", "--no-fork", str(lease), *self._setup.words(), "run", "--rm"]
        words += ["--label", f"{BANK}={self._owner.bank}", "--label", f"{APPLIANCE}={self._owner.appliance}"]
        words += ["--label", f"{LEASE}={lease.name}"]
        words += ["--read-only", "--tmpfs", _SCRATCH, *(_in_cluster(desk) if desk else _alone())]
        words += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--pids-limit", str(processes)]
        words += ["--cpus", str(max(cores, 1)), "--memory", memory, "--memory-swap", memory]
        words += ["--ulimit", f"data={max(memory_gb, 1) * _BYTES_PER_GB}", "--ulimit", "core=0"]  # told, before killed
        words += ["--pull", "never", "--log-driver", "none"]
        lease.touch(mode=0o644)
        return [
            *words,
            *_mounted(lease, Path(leash.LEASE), read_only=True),
            *_mounted(_OWN_LEASH, _LEASH, read_only=True),
        ]

    def _sweep(self, lease: Path) -> None:
        """Remove a lease that nobody holds any more, and its container; a young one may be about to be held."""
        try:
            if time.time() - lease.stat().st_mtime < _YOUNG_S:
                return
            with lease.open("rb") as opened:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._forget(lease.name)
                lease.unlink()
        except (FileNotFoundError, BlockingIOError):
            return

    def _doing(self, command: Sequence[str]) -> list[str]:
        return [self._image, _DEBIANS_PYTHON, "-I", str(_LEASH), *command]


def _alone() -> list[str]:
    return ["--network", "none", "--user", f"{inside()}:{inside()}"]


def _in_cluster(desk: Desk) -> list[str]:
    """Begin as root, who proves to the cluster who the person is and becomes the person; nothing leads out of it."""
    words = ["--network", desk.network, "--dns", _NOBODY, "--user", "0:0"]
    for capability in CAPABILITIES:
        words += ["--cap-add", capability]
    for folder in _OF_DAEMONS:
        words += ["--tmpfs", f"{folder}:rw,nosuid,nodev,noexec,size=16m,mode=0755"]
    return words


_OWN_LEASH = Path(leash.__file__)


def _own_library() -> Iterator[tuple[Path, str]]:
    """Name what of voxpop itself a run needs: the package, and what says which release it is."""
    package = Path(voxpop.__file__).parent
    yield package, package.name
    release = f"{package.name}-{voxpop.__version__}.dist-info/METADATA"
    yield Path(str(distribution(package.name).locate_file(release))), release


def _mounted(source: Path, target: Path, *, read_only: bool) -> list[str]:
    """Return the option that shows a path in a container; docker(1) reads its fields as CSV."""
    fields = ["type=bind", f"source={source.resolve()}", f"target={target}", *(["readonly"] if read_only else [])]
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(fields)
    return ["--mount", text.getvalue()]


def _variables(environment: dict[str, str]) -> Iterator[str]:
    for name, value in environment.items():
        yield "--env"
        yield f"{name}={value}"
