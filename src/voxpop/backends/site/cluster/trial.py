"""A job that tries a cluster out: what a worker sees of the data, and what is installed there."""

import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from voxpop.appliance.tosca import Blueprint
from voxpop.backends.site.cluster.errors import ClusterBusy, ClusterUnfit
from voxpop.kernel.ids import ApplianceId
from voxpop.kernel.plainfiles import read_plain
from voxpop.run.ports import Batch, Job, JobState
from voxpop.volume.model import MANIFEST

_LOOK_EVERY_S = 1.0
_SCRIPT = """\
tell() {{ printf 'voxpop|%s\\n' "$1"; }}
[ "$(sha256sum <{manifest} 2>/dev/null | cut -d ' ' -f 1)" = {digest} ] || tell 'volume unseen'
if touch {volume}/.written 2>/dev/null; then rm -f {volume}/.written; tell 'volume written'; fi
# who owns a file can give himself the right to write it, unless the file system is read-only
if [ -O {volume} ] && touch -c {manifest} 2>/dev/null; then tell 'volume owned'; fi
[ -r {pipelines} ] || tell 'pipelines unseen'
{software}
tell done
"""
_FAULTS = {
    "volume unseen": "its machines do not see the volume under its name here: export {volume} to them, read-only",
    "volume written": "its machines can write to the volume: export {volume} to them read-only",
    "volume owned": "the account of its jobs owns the volume and could write to it: export {volume} read-only",
    "pipelines unseen": "its machines do not see the pipelines under their name here: export {pipelines} to them",
}


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried.

    Parameters
    ----------
    folder : Path
        Where the job works; it is its own.
    """

    site: str
    appliance: ApplianceId
    blueprint: Blueprint
    volume: Path
    pipelines: Path
    folder: Path

    def carry_out(self, queue: Batch, patience_s: int) -> list[str]:
        """Do the job, and return what of the software is missing, a clause each.

        Raises
        ------
        ClusterUnfit
            If the data can't be used there as they must.
        ClusterBusy
            If it was not done in time.
        Unavailable
            If the queue does not answer.
        """
        job = Job(
            key=f"trial-{self.appliance}-{time.time_ns():x}"[-60:].lstrip("-"),
            command=("/bin/sh", "-c", self._script()),
            folder=self.folder,
            environment={},
            log=self.folder / "log",
        )
        queue.submit([job])
        try:
            self._wait(queue, job, patience_s)
        finally:
            queue.cancel([job.key])
        written = read_plain(self.folder, job.log.name)  # never through a link, which the account could have made
        return list(self._read(written.decode("utf-8", errors="replace")))

    def _wait(self, queue: Batch, job: Job, patience_s: int) -> None:
        end = time.monotonic() + patience_s
        while (state := queue.look([job.key])[job.key].state) is not JobState.DONE:
            if state is JobState.CANCELLED or time.monotonic() > end:
                raise ClusterBusy(self.site, patience_s)
            time.sleep(_LOOK_EVERY_S)

    def _read(self, log: str) -> Iterator[str]:
        told = [line.removeprefix("voxpop|") for line in log.splitlines() if line.startswith("voxpop|")]
        if told[-1:] != ["done"]:
            last = log.strip().splitlines()[-1:] or ["it said nothing"]
            raise ClusterUnfit(self.site, f"the job that tries it out ends too early: {last[0][:200]}")
        for line in told[:-1]:
            if line in _FAULTS:
                raise ClusterUnfit(self.site, _FAULTS[line].format(volume=self.volume, pipelines=self.pipelines))
            yield line

    def _script(self) -> str:
        return _SCRIPT.format(
            manifest=shlex.quote(str(self.volume / MANIFEST)),
            digest=self.blueprint.volume_digest,
            volume=shlex.quote(str(self.volume)),
            pipelines=shlex.quote(str(self.pipelines)),
            software="\n".join(self._software()),
        )

    def _software(self) -> Iterator[str]:
        for node in self.blueprint.software:
            if node.is_queue or node.is_portal:
                continue
            for program in node.programs:
                fault = f"asked {node.recipe}: the program '{program}' is not installed on site {self.site}"
                yield f"command -v {shlex.quote(program)} >/dev/null || tell {shlex.quote(fault)}"
            for module in node.python_modules:
                fault = f"asked {node.recipe}: the Python module '{module}' is not installed on site {self.site}"
                find = f"import sys, importlib.util as u; sys.exit(u.find_spec({module!r}) is None)"
                yield f"python3 -c {shlex.quote(find)} 2>/dev/null || tell {shlex.quote(fault)}"
