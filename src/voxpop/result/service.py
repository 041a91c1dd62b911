"""The use cases of the result stage."""

from collections.abc import Sequence
from pathlib import Path

from voxpop.kernel.digests import sha256_file
from voxpop.kernel.ids import RunId
from voxpop.kernel.ledger import Event, Ledger
from voxpop.result.assembly import assemble
from voxpop.result.document import read_report
from voxpop.result.facts import ReportFacts
from voxpop.result.model import ResultFile
from voxpop.result.ports import Results, Typesetter

REPORT = "report.pdf"
REPORT_KIND = "report"


class ResultService:
    """Reports, and the list of what a run left.

    Parameters
    ----------
    results : Results
        Where it is kept which files a run left.
    typesetter : Typesetter
    ledger : Ledger
    """

    def __init__(self, results: Results, typesetter: Typesetter, ledger: Ledger) -> None:
        self._results = results
        self._typesetter = typesetter
        self._ledger = ledger

    def write_report(self, findings: Path, facts: ReportFacts, target: Path, actor: str = "voxpop") -> ResultFile:
        """Write a run's report; the same again is silent.

        Parameters
        ----------
        findings : Path
            The folder with the pipeline's ``report.json``.
        facts : ReportFacts
        target : Path
            The folder that the report goes to; made if need be.

        Returns
        -------
        ResultFile
            The PDF's digest and size; ``path`` is relative to ``target``.

        Raises
        ------
        ReportAbsent, ReportInvalid
            If the pipeline left no report, or a wrong one.
        GlyphMissing, ReportNotSet
            If it cannot be set.
        """
        report = assemble(read_report(findings), facts)
        target.mkdir(parents=True, exist_ok=True)
        path = target / REPORT
        self._typesetter.set(report, path)
        file = ResultFile(report.run, REPORT_KIND, REPORT, sha256_file(path), path.stat().st_size)
        known = {(kept.path, kept.sha256) for kept in self._results.of_run(report.run)}
        if (file.path, file.sha256) not in known:
            self._results.keep((file,))
            written = Event(
                "report.written", f"run:{report.run}", actor, facts={"sha256": file.sha256, "bytes": file.bytes}
            )
            self._ledger.record(written)
        return file

    def every(self) -> Sequence[ResultFile]:
        """Return all files that runs left, by run, kind and path."""
        return self._results.every()

    def of_run(self, run: RunId) -> Sequence[ResultFile]:
        """Return the files that a run left, by kind and path."""
        return self._results.of_run(run)
