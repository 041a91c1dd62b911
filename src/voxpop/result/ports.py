"""What the result stage needs from outside."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from voxpop.kernel.ids import RunId
from voxpop.result.model import Kind, Link, Report, ResultFile


class Typesetter(Protocol):
    """Turns a report into a PDF, the same bytes for the same report."""

    def set(self, report: Report, target: Path) -> None:
        """Write the PDF at ``target``, whole or not at all."""
        ...


class Results(Protocol):
    """Where it is kept which files a run left."""

    def keep(self, files: Sequence[ResultFile]) -> None:
        """Keep files; a path of a run that is kept already gets the new digest."""
        ...

    def of_run(self, run: RunId) -> Sequence[ResultFile]:
        """Return a run's files, by kind and path."""
        ...

    def every(self) -> Sequence[ResultFile]:
        """Return all files, by run, kind and path."""
        ...


class Chain(Protocol):
    """What is recorded of each link between a result and the decision that allowed it."""

    def run_of_output(self, sha256: str) -> ResultFile | None:
        """Return the file that a run left with this content; None if no run left one."""
        ...

    def link(self, kind: Kind, name: str) -> Link:
        """Return a link with its digest taken anew from what lies there now, or raise ``Absent``.

        A run refers to its appliance and its volume, an appliance to its application, a volume to its staging
        (whose id is the volume's), a staging to its cohort, a cohort to its application. For a run the digest is
        its record's, for an appliance its document's, for a volume its manifest's (``found`` is empty where the
        files do not agree with the manifest), for a staging its report's, for a cohort its frozen list's, for an
        application its document's; the decision (person, time, reason) is among the application's facts.
        """
        ...
