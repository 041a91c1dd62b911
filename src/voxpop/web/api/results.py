"""Results: what a run left, its report, the way back from it, and what is asked to leave."""

from functools import partial
from pathlib import PurePosixPath
from tempfile import TemporaryFile
from typing import Annotated

from fastapi import Path, Request, Response
from fastapi.responses import StreamingResponse
from starlette.background import BackgroundTask

from voxpop.access.permissions import Action
from voxpop.kernel.ids import RunId
from voxpop.kernel.plainfiles import plain_file
from voxpop.result.egress.model import Finding, Release
from voxpop.result.errors import OriginUnknown
from voxpop.result.model import ResultFile, TraceStep
from voxpop.result.trace import trace
from voxpop.store.ledger import SubjectAbsent
from voxpop.web.api import paging
from voxpop.web.api.files import file_form, ranged
from voxpop.web.api.guard import Call
from voxpop.web.api.models import results as m
from voxpop.web.api.models.base import Page, Reason
from voxpop.web.api.routes import PREFIX, TAGGED, ApiArea, Called, Form

area = ApiArea("results")
_PDF = "application/pdf"
_ZIP = "application/zip"
# What may be looked at here, as on the pages; everything else leaves by a release alone.
_LOOKED_AT = {".png": "image/png", ".pdf": _PDF, ".gz": "application/gzip"}
_REPORT = "report.pdf"
_CHUNK = 1 << 18
_CREATED = Form(
    status=201,
    responses={
        201: {
            "description": "The request is kept and waits for a decision.",
            "headers": {"Location": {"schema": {"type": "string"}, "description": "The release."}},
        }
    },
)


@area.read("/results", Action.RESULT_LIST)
def list_results(call: Called, part: paging.Asked) -> Page[m.ResultFacts]:
    """List the files that runs left, of those runs whose results may be read."""
    readable = {run.id for run in call.system.run_records.every() if call.may(Action.RESULT_READ, run.application)}
    rows = [one for one in call.system.result_records.every() if one.run in readable]
    return paging.page(call, part, rows, _key, _file)


@area.read("/results/{run}", Action.RESULT_READ, "run")
def list_run_results(call: Called, run: str, part: paging.Asked) -> Page[m.ResultFacts]:
    """List the files that a run left, with their digests."""
    return paging.page(call, part, call.system.result_records.of_run(RunId(run)), _key, _file)


@area.read("/results/{run}/files/{path:path}", Action.RESULT_READ, "run", form=file_form(*_LOOKED_AT.values()))
def get_result_file(call: Called, run: str, path: str, request: Request) -> Response:
    """Return a figure, a report or an image that a run left; everything else leaves by a release alone."""
    return _sent(call, RunId(run), path, request)


@area.read("/results/{run}/report", Action.RESULT_READ, "run", form=file_form(_PDF))
def get_report(call: Called, run: str, request: Request) -> Response:
    """Return a run's report as PDF."""
    return _sent(call, RunId(run), _REPORT, request)


@area.read("/results/{run}/trace", Action.RESULT_READ, "run")
def trace_report(call: Called, run: str) -> list[m.TraceLink]:
    """Walk back from a run's report to the query and the decision, each link checked now."""
    steps = trace(call.system.reporting.pdf(RunId(run)), call.system.chain)
    return [_link(one) for one in steps]


@area.read("/trace/{sha256}", Action.RESULT_LIST)
def trace_file(
    call: Called, sha256: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="Digest of a file.")]
) -> list[m.TraceLink]:
    """Walk back from a file that a run left, by its digest."""
    file = call.system.result_records.of_content(sha256)
    if file is None or not call.may(Action.RESULT_READ, call.system.projects.of("run", file.run)):
        raise OriginUnknown(sha256)
    return [_link(one) for one in trace(sha256, call.system.chain)]


@area.look("/results/{run}/check", Action.RESULT_CHECK, "run")
def check_results(call: Called, run: str, asked: m.PathsAsked) -> m.CheckedFacts:
    """Look at files of a run as a release would, and keep nothing."""
    found = call.system.releases.check(RunId(run), asked.paths, call.person)
    return m.CheckedFacts(
        run=run,
        files=[m.FileFacts(path=one.path, sha256=one.sha256, bytes=one.bytes) for one in found.files],
        bytes=found.bytes,
        stops=bool(found.stopping),
        needs=sorted(found.permissions),
        findings=[_finding(one) for one in found.findings],
        coverage=[m.CoverageFacts(check=one.check, version=one.version, coverage=one.says) for one in found.coverage],
    )


@area.act("/results/{run}/releases", Action.RELEASE_ASK, "run", form=_CREATED)
def ask_release(call: Called, run: str, asked: m.ReleaseAsked, response: Response) -> m.ReleaseFacts:
    """Ask for files of a run to be let out; another person decides."""
    release = call.system.releases.ask(RunId(run), asked.paths, call.person, asked.purpose)
    response.headers["location"] = f"{PREFIX}/releases/{release.id}"
    return _release(release)


@area.read("/releases", Action.RESULT_LIST)
def list_releases(call: Called, part: paging.Asked) -> Page[m.ReleaseFacts]:
    """List what was asked for and may be read, the oldest first."""
    rows = [
        one
        for one in call.system.releases.every()
        if call.may(Action.RELEASE_READ, call.system.run_records.get(one.run).application)
    ]
    return paging.page(call, part, rows, lambda one: (one.asked_at.isoformat(), one.id), _release)


@area.read("/releases/{release}", Action.RELEASE_READ, "release", form=TAGGED)
def get_release(call: Called, release: str) -> m.ReleaseFacts:
    """Return a request, what was found in its files, and what was decided."""
    return _release(call.system.releases.get(release))


@area.act("/releases/{release}/decision", Action.RELEASE_DECIDE, "release")
def decide_release(call: Called, release: str, asked: m.ReleaseDecision) -> m.ReleaseFacts:
    """Let the files out that another person asked for, or refuse, with a reason."""
    service = call.system.releases
    if asked.decision is m.ReleaseVerdict.RELEASE:
        return _release(service.release(release, call.person, asked.reason, frozenset(asked.allow)))
    return _release(service.refuse(release, call.person, asked.reason))


@area.act("/releases/{release}/withdraw", Action.RELEASE_WITHDRAW, "release")
def withdraw_release(call: Called, release: str, asked: Reason) -> m.ReleaseFacts:
    """Take one's own request back before it is decided."""
    return _release(call.system.releases.withdraw(release, call.person, asked.reason))


@area.read("/releases/{release}/files", Action.RELEASE_FETCH, "release", form=file_form(_ZIP, ranges=False))
def fetch_release(call: Called, release: str) -> Response:
    """Return the released files as one zip archive; that they were fetched is in the audit log."""
    spool = TemporaryFile(dir=call.system.work.releases)  # noqa: SIM115 -- the answer closes it when it is sent
    try:
        call.system.releases.send(release, spool, call.person)
    except BaseException:
        spool.close()
        raise
    headers = {"content-disposition": f'attachment; filename="{release}.zip"', "content-length": str(spool.tell())}
    spool.seek(0)
    chunks = iter(partial(spool.read, _CHUNK), b"")
    return StreamingResponse(chunks, headers=headers, media_type=_ZIP, background=BackgroundTask(spool.close))


def _sent(call: Call, run: RunId, path: str, request: Request) -> Response:
    one = call.system.run_records.get(run)
    known = {kept.path: kept for kept in call.system.result_records.of_run(one.id)}
    suffix = PurePosixPath(path).suffix
    place = plain_file(one.results, path) if path in known and suffix in _LOOKED_AT else None
    if place is None:
        raise SubjectAbsent("file", "of that name that can be shown")
    return ranged(request, place, _LOOKED_AT[suffix], known[path].sha256)


def _key(one: ResultFile) -> tuple[str, ...]:
    return (one.run, one.kind, one.path)


def _file(one: ResultFile) -> m.ResultFacts:
    return m.ResultFacts(run=one.run, kind=one.kind, path=one.path, bytes=one.bytes, sha256=one.sha256)


def _link(one: TraceStep) -> m.TraceLink:
    return m.TraceLink(
        kind=one.kind, id=one.id, sha256=one.digest, checked=one.checked, fault=one.fault, facts=dict(one.facts)
    )


def _finding(one: Finding) -> m.FindingFacts:
    return m.FindingFacts(
        severity=one.severity, path=one.path, check=one.check, sentence=one.sentence, allowed=one.allowed
    )


def _release(one: Release) -> m.ReleaseFacts:
    return m.ReleaseFacts(
        release=one.id,
        run=one.run,
        state=one.state,
        asked_by=one.asked_by,
        purpose=one.purpose,
        asked_at=one.asked_at,
        decided_by=one.decided_by or None,
        reason=one.reason or None,
        decided_at=one.decided_at,
        bytes=one.bytes,
        stops=bool(one.stopping),
        needs=sorted(one.permissions),
        allowed=sorted(one.allowed),
        files=[m.FileFacts(path=file.path, sha256=file.sha256, bytes=file.bytes) for file in one.files],
        findings=[_finding(finding) for finding in one.findings],
    )
