"""Results, releases and the way back, of a bank that is somewhere else."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voxpop.cli.console import show, show_table
from voxpop.cli.remote_projects import dumped
from voxpop.cli.result import CheckStopped, TraceBroken
from voxpop.client import Bank
from voxpop.kernel.digests import Json, sha256_file
from voxpop.result.egress.errors import TargetExists
from voxpop.result.egress.model import Finding, Severity
from voxpop.result.egress.states import ReleaseState
from voxpop.result.errors import FileAbsent
from voxpop.web.api.models.results import ReleaseFacts, TraceLink

Given = Mapping[str, Any]
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FINDING = ("severity", "path", "check", "sentence")
_RELEASE = ("release", "state", "run", "asked_by", "purpose", "bytes", "stops", "needs", "decided_by", "reason")
_REPORT, _CRATE = "report.pdf", "crate"


def report(bank: Bank, given: Given) -> None:
    """Let the report of a run be written again; prints its paths among the run's results."""
    name = given["name"]
    bank.wait(bank.runs.report(name))
    show({"run": name, "report": _REPORT, "crate": _CRATE}, f"{_REPORT}\n{_CRATE}", as_json=given["as_json"])


def list_results(bank: Bank, given: Given) -> None:
    """List the files that runs left."""
    rows = [dumped(one) for one in bank.results.every()]
    columns = ("run", "kind", "path", "bytes")
    show_table(rows, columns, as_json=given["as_json"], empty="no run has left a result yet")


def show_results(bank: Bank, given: Given) -> None:
    """Show the files that a run left."""
    name = given["name"]
    rows = [dumped(one) for one in bank.results.of_run(name)]
    columns = ("kind", "path", "bytes", "sha256")
    show_table(rows, columns, as_json=given["as_json"], empty=f"run '{name}' has left nothing yet")


def check(bank: Bank, given: Given) -> None:
    """Look at files of a run as a release would."""
    found = bank.results.check(given["name"], given["paths"] or ())
    if given["as_json"]:
        show(dumped(found), "", as_json=True)
    else:
        rows = [dumped(one) for one in found.findings]
        show_table(rows, _FINDING, as_json=False, empty=f"nothing was found in {len(found.files)} files")
    if found.stops:
        stops = [one for one in found.findings if one.severity is Severity.STOPS]
        raise CheckStopped(
            given["name"], tuple(Finding(one.path, one.check, one.severity, one.sentence) for one in stops)
        )


def ask(bank: Bank, given: Given) -> None:
    """Ask for files of a run to be let out."""
    _show_release(bank.releases.ask(given["name"], given["paths"] or (), given["purpose"]), given)


def list_releases(bank: Bank, given: Given) -> None:
    """List what was asked for, and the decisions."""
    rows = [dumped(one) for one in bank.releases.every()]
    show_table(rows, _RELEASE, as_json=given["as_json"], empty="nothing was asked for yet")


def release(bank: Bank, given: Given) -> None:
    """Let files out that another person asked for."""
    _show_release(bank.releases.release(given["name"], given["reason"], given["allow"] or ()), given)


def refuse(bank: Bank, given: Given) -> None:
    """Decide against letting files out."""
    _show_release(bank.releases.refuse(given["name"], given["reason"]), given)


def withdraw(bank: Bank, given: Given) -> None:
    """Take one's own request back before it is decided."""
    _show_release(bank.releases.withdraw(given["name"], given["reason"]), given)


def fetch(bank: Bank, given: Given) -> None:
    """Write what was released as one zip archive."""
    file: Path = given["file"]
    if file.exists():
        raise TargetExists(str(file))
    bank.releases.fetch(given["name"], file)
    facts: dict[str, Json] = {"release": given["name"], "file": str(file), "sha256": sha256_file(file)}
    show(facts, f"{file} written", as_json=given["as_json"])


def trace(bank: Bank, given: Given) -> None:
    """Walk back from a result to the query and the decision."""
    links = bank.results.trace_file(_digest(given["file"]))
    rows: list[Json] = [dumped(one) for one in links]
    show(rows, "\n".join(map(_line, links)), as_json=given["as_json"])
    faults = [f"{one.kind} '{one.id}': {one.fault}" for one in links if not one.checked]
    if faults:
        raise TraceBroken(faults)


def _digest(file: str) -> str:
    path = Path(file)
    if path.is_file():
        return sha256_file(path)
    if not _DIGEST.fullmatch(file):
        raise FileAbsent(path.name)
    return file


def _line(one: TraceLink) -> str:
    mark = "ok " if one.checked else "BAD"
    facts = [f"      {key}: {value}" for key, value in one.facts.items()]
    return "\n".join([f"{mark}  {one.kind:<12} {one.id}  sha256 {one.sha256[:16]}  {one.fault}".rstrip(), *facts])


def _show_release(one: ReleaseFacts, given: Given) -> None:
    told = f"'{one.release}' is {one.state.value}: {len(one.files)} files, {one.bytes} bytes"
    if one.state is ReleaseState.REQUESTED and one.stops:
        number = sum(finding.severity is Severity.STOPS for finding in one.findings)
        told += f"\n{number} findings stand against it, whoever decides"
    elif one.state is ReleaseState.REQUESTED and one.needs:
        told += f"\nit leaves only if whoever decides allows {', '.join(one.needs)}"
    show(dumped(one), told, as_json=given["as_json"])
