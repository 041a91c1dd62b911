"""Results and releases of a bank that is somewhere else."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from voxpop.client.wire import Wire, segment
from voxpop.result.egress.model import Permission
from voxpop.web.api.models import results as m
from voxpop.web.api.models.base import Reason


class Results:
    """What runs left, and the way back from it."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def every(self) -> Iterator[m.ResultFacts]:
        """Yield the files that runs left, of those whose results may be read."""
        return self._wire.every("/results", m.ResultFacts)

    def of_run(self, run: str) -> Iterator[m.ResultFacts]:
        """Yield the files that a run left."""
        return self._wire.every(f"/results/{segment(run)}", m.ResultFacts)

    def fetch(self, run: str, path: str, target: Path) -> Path:
        """Write a figure, a report or an image that a run left to ``target``."""
        return self._wire.fetch(f"/results/{segment(run)}/files/{quote(path)}", target)

    def report(self, run: str, target: Path) -> Path:
        """Write a run's report as PDF to ``target``."""
        return self._wire.fetch(f"/results/{segment(run)}/report", target)

    def trace(self, run: str) -> list[m.TraceLink]:
        """Walk back from a run's report to the query and the decision."""
        return self._wire.get(f"/results/{segment(run)}/trace", list[m.TraceLink])

    def trace_file(self, sha256: str) -> list[m.TraceLink]:
        """Walk back from a file that a run left, by its digest."""
        return self._wire.get(f"/trace/{segment(sha256)}", list[m.TraceLink])

    def check(self, run: str, paths: Sequence[str] = ()) -> m.CheckedFacts:
        """Look at files of a run as a release would, and keep nothing."""
        return self._wire.post(f"/results/{segment(run)}/check", m.CheckedFacts, m.PathsAsked(paths=list(paths)))


class Releases:
    """What is asked to leave, and the decisions on it."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def every(self) -> Iterator[m.ReleaseFacts]:
        """Yield what was asked for and may be read, the oldest first."""
        return self._wire.every("/releases", m.ReleaseFacts)

    def get(self, name: str) -> m.ReleaseFacts:
        """Return a request, what was found in its files, and what was decided."""
        return self._wire.get(f"/releases/{segment(name)}", m.ReleaseFacts)

    def ask(self, run: str, paths: Sequence[str], purpose: str) -> m.ReleaseFacts:
        """Ask for files of a run to be let out."""
        asked = m.ReleaseAsked(paths=list(paths), purpose=purpose)
        return self._wire.post(f"/results/{segment(run)}/releases", m.ReleaseFacts, asked)

    def release(self, name: str, reason: str, allow: Iterable[Permission] = ()) -> m.ReleaseFacts:
        """Let files out that another person asked for."""
        asked = m.ReleaseDecision(decision=m.ReleaseVerdict.RELEASE, reason=reason, allow=list(allow))
        return self._wire.post(f"/releases/{segment(name)}/decision", m.ReleaseFacts, asked)

    def refuse(self, name: str, reason: str) -> m.ReleaseFacts:
        """Decide against letting files out."""
        asked = m.ReleaseDecision(decision=m.ReleaseVerdict.REFUSE, reason=reason)
        return self._wire.post(f"/releases/{segment(name)}/decision", m.ReleaseFacts, asked)

    def withdraw(self, name: str, reason: str = "") -> m.ReleaseFacts:
        """Take one's own request back before it is decided."""
        return self._wire.post(f"/releases/{segment(name)}/withdraw", m.ReleaseFacts, Reason(reason=reason))

    def fetch(self, name: str, target: Path) -> Path:
        """Write what was released as one zip archive to ``target``."""
        return self._wire.fetch(f"/releases/{segment(name)}/files", target)
