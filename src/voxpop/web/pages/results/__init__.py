"""Results: the report inline, figures, the way back as a graph, and what is asked to leave."""

from functools import partial
from pathlib import PurePosixPath
from tempfile import TemporaryFile
from typing import IO

from fastapi.responses import FileResponse, Response, StreamingResponse
from starlette.background import BackgroundTask

from voxpop.access.permissions import Action
from voxpop.kernel.errors import Invalid
from voxpop.kernel.ids import RunId
from voxpop.kernel.plainfiles import plain_file
from voxpop.result.document import read_report
from voxpop.result.egress.model import Permission, Severity
from voxpop.result.egress.states import ReleaseState
from voxpop.result.errors import ReportAbsent
from voxpop.result.model import Findings
from voxpop.result.trace import trace
from voxpop.run.model import Run
from voxpop.store.ledger import SubjectAbsent
from voxpop.web import words
from voxpop.web.area import Area
from voxpop.web.ask import Asked

area = Area("results")
_INLINE = {".png": "image/png", ".pdf": "application/pdf", ".gz": "application/gzip"}
_PDF_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_OUTPUTS = "outputs"
_SHOWN_FILES = 300
_SHOWN_RUNS = 200
_CHUNK = 1 << 18


@area.page("/results", Action.RESULT_LIST)
def list_(ask: Asked) -> Response:
    """List the finished runs whose results may be read, and the releases."""
    runs = ask.system.run_records.newest(ask.scope(Action.RESULT_READ), _SHOWN_RUNS, finished=True)
    releases = [
        one
        for one in ask.system.releases.every()
        if ask.may(Action.RELEASE_READ, ask.system.run_records.get(one.run).application)
    ]
    return ask.page("results/list.html", runs=runs, releases=releases[::-1])


@area.page("/results/{run}", Action.RESULT_READ, of="run")
def show(ask: Asked, run: str) -> Response:
    """Show a run's report, figures, files and releases."""
    one = ask.system.run_records.get(RunId(run))
    files = ask.system.result_records.of_run(one.id)
    return ask.page(
        "results/show.html",
        one=one,
        report=_report(one),
        outputs=one.results / _OUTPUTS,
        files=files[:_SHOWN_FILES],
        number=len(files),
        has_pdf=any(file.kind == "report" and file.path.endswith(".pdf") for file in files),
        offered=[offer for offer in ask.system.releases.offered(one.id) if _small(offer.path)],
        releases=[release for release in ask.system.releases.every() if release.run == one.id],
    )


@area.page("/results/{run}/files/{path:path}", Action.RESULT_READ, of="run")
def file(ask: Asked, run: str, path: str) -> Response:
    """Return a file that the run left, to be looked at here."""
    one = ask.system.run_records.get(RunId(run))
    known = {kept.path: kept for kept in ask.system.result_records.of_run(one.id)}
    suffix = PurePosixPath(path).suffix
    place = plain_file(one.results, path) if path in known and suffix in _INLINE else None
    if place is None:
        raise SubjectAbsent("file", "of that name that can be shown")
    etag = f'"{known[path].sha256}"'
    if ask.request.headers.get("if-none-match") == etag:
        return Response(status_code=304)
    answer = FileResponse(
        place,
        media_type=_INLINE[suffix],
        headers={"etag": etag, "cache-control": "private, no-cache"},
    )
    answer.headers["content-security-policy"] = _PDF_POLICY if suffix == ".pdf" else "default-src 'none'; sandbox"
    return answer


@area.page("/results/{run}/trace", Action.RESULT_READ, of="run")
def way_back(ask: Asked, run: str) -> Response:
    """Draw the way back from the report to the decision, each link checked now."""
    one = ask.system.run_records.get(RunId(run))
    pdf = ask.system.reporting.pdf(one.id)
    files = ask.system.result_records.of_run(one.id)
    start = pdf if pdf.is_file() or not files else one.results / files[0].path
    steps = trace(start, ask.system.chain)
    return ask.page("results/trace.html", one=one, steps=steps)


@area.act("/results/{run}/releases", Action.RELEASE_ASK, of="run")
def ask_for_release(ask: Asked, run: str) -> Response:
    """Ask for files to be let out; they are checked at once."""
    paths = ask.texts("path")
    if not paths:
        raise Invalid("choose at least one file that is to be released")
    release = ask.system.releases.ask(RunId(run), paths, ask.person, ask.text("purpose"))
    return ask.go(
        f"/releases/{release.id}", words.gettext_here("Your request is checked and waits for a data manager.")
    )


@area.page("/releases/{release}", Action.RELEASE_READ, of="release")
def release(ask: Asked, release: str) -> Response:
    """Show a request, what was found in its files, and what was decided."""
    one = ask.system.releases.get(release)
    return ask.page(
        "results/release.html",
        one=one,
        application=ask.system.run_records.get(one.run).application,
        stops=[finding for finding in one.findings if finding.severity is Severity.STOPS],
        permissions=sorted(
            {finding.check for finding in one.findings if finding.severity is Severity.NEEDS_PERMISSION}
        ),
        open=one.state is ReleaseState.REQUESTED,
        released=one.state is ReleaseState.RELEASED,
        own=ask.system.releases.may_withdraw(one, ask.person),
    )


@area.act("/releases/{release}/decide", Action.RELEASE_DECIDE, of="release")
def decide(ask: Asked, release: str) -> Response:
    """Let the files out, or refuse, with a reason."""
    if ask.text("decision") == "release":
        allow = frozenset(Permission(one) for one in ask.texts("allow") if one in set(Permission))
        ask.system.releases.release(release, ask.person, ask.text("reason"), allow)
    else:
        ask.system.releases.refuse(release, ask.person, ask.text("reason"))
    return ask.go(f"/releases/{release}", words.gettext_here("Your decision is written down."))


@area.act("/releases/{release}/withdraw", Action.RELEASE_WITHDRAW, of="release")
def withdraw(ask: Asked, release: str) -> Response:
    """Take one's own request back before it is decided."""
    ask.system.releases.withdraw(release, ask.person, ask.text("reason"))
    return ask.go(f"/releases/{release}", words.gettext_here("Your request is withdrawn."))


@area.page("/releases/{release}/files.zip", Action.RELEASE_FETCH, of="release")
def fetch(ask: Asked, release: str) -> Response:
    """Return the released files as one archive; that they were fetched is in the audit log."""
    spool = TemporaryFile(dir=ask.system.work.releases)  # noqa: SIM115 -- the answer closes it when it is sent
    ask.system.releases.send(release, spool, ask.person)
    size = spool.tell()
    spool.seek(0)
    headers = {"content-disposition": f'attachment; filename="{release}.zip"', "content-length": str(size)}
    return StreamingResponse(
        iter(partial(spool.read, _CHUNK), b""),
        headers=headers,
        media_type="application/zip",
        background=_closing(spool),
    )


def _closing(spool: IO[bytes]) -> BackgroundTask:
    return BackgroundTask(spool.close)


def _report(one: Run) -> Findings | None:
    try:
        return read_report(one.results / _OUTPUTS)
    except ReportAbsent:
        return None


def _small(path: str) -> bool:
    """Say whether a file is offered by a tick of its own: images of participants are asked for by command."""
    return "/sub-" not in path and not path.startswith("crate/")
