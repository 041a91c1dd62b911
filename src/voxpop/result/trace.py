"""The way back: from a file of a result to the decision that allowed it, each link checked by its digest."""

import re
from pathlib import Path

from voxpop.kernel.digests import sha256_file
from voxpop.kernel.errors import Absent
from voxpop.result.errors import DigestInvalid, FileAbsent, OriginUnknown
from voxpop.result.model import Kind, Link, Reference, ResultFile, Trace, TraceStep
from voxpop.result.ports import Chain

_DIGEST = re.compile(r"[0-9a-f]{64}")
_CARRIED = re.compile(rb"<pdf:Keywords>voxpop-run:([a-z0-9-]{1,80})</pdf:Keywords>")
_MAX_REPORT_BYTES = 256 * 1024 * 1024
_WAY = (Kind.RUN, Kind.APPLIANCE, Kind.VOLUME, Kind.STAGING, Kind.COHORT, Kind.APPLICATION)

RUN_KEYWORD = "voxpop-run:"
"""What a report's PDF carries among its keywords, before the run's id."""


def trace(start: Path | str, chain: Chain) -> Trace:
    """Walk back from a result.

    Parameters
    ----------
    start : Path or str
        A file that a run left (a report, a figure, an image), or its SHA-256.
    chain : Chain
        What is recorded of each link.

    Returns
    -------
    Trace
        The result, the run, the appliance, the volume, the staging, the cohort and the application's decision.
        A step whose content is not what was recorded is there with ``checked`` false and says why.

    Raises
    ------
    FileAbsent, DigestInvalid
        If ``start`` is neither.
    OriginUnknown
        If no run left such a file, and it carries no run's id.
    """
    first, run = _result(start, chain)
    steps = [first]
    known: dict[Kind, list[tuple[Kind, Reference]]] = {Kind.RUN: [(Kind.RESULT, Reference(run))]}
    for kind in _WAY:
        named = known.get(kind, [])
        if not named:
            steps.append(TraceStep(kind.value, "", "", {}, checked=False, fault="no link before names it"))
            continue
        step, link = _step(kind, named, chain)
        steps.append(step)
        for target, reference in link.refers.items():
            known.setdefault(target, []).append((kind, reference))
    return steps


def _result(start: Path | str, chain: Chain) -> tuple[TraceStep, str]:
    path = start if isinstance(start, Path) else None
    digest = _digest(start)
    file = chain.run_of_output(digest)
    if file is not None:
        return _recorded(file), file.run
    run = _carried_run(path) if path else ""
    if not run:
        raise OriginUnknown(digest)
    fault = f"it says that run {run} made it, and its content is not what was recorded"
    return TraceStep(Kind.RESULT.value, "report", digest, {"run": run}, checked=False, fault=fault), run


def _recorded(file: ResultFile) -> TraceStep:
    facts = {"path": file.path, "kind": file.kind, "run": str(file.run)}
    return TraceStep(Kind.RESULT.value, file.path, file.sha256, {**facts}, checked=True)


def _digest(start: Path | str) -> str:
    if isinstance(start, Path):
        if not start.is_file():
            raise FileAbsent(start.name)
        return sha256_file(start)
    if not _DIGEST.fullmatch(start):
        raise DigestInvalid(start[:80])
    return start


def _carried_run(path: Path) -> str:
    if path.stat().st_size > _MAX_REPORT_BYTES:
        return ""
    content = path.read_bytes()
    # The last one is the XMP packet's own: a title can hold the same words, but stands before it, or escaped within.
    found = _CARRIED.findall(content) if content.startswith(b"%PDF-") else []
    return found[-1].decode() if found else ""


def _step(kind: Kind, named: list[tuple[Kind, Reference]], chain: Chain) -> tuple[TraceStep, Link]:
    name = named[0][1].id
    try:
        link = chain.link(kind, name)
    except Absent:
        nothing = Link(name, "", "")
        return TraceStep(kind.value, name, "", {}, checked=False, fault="there is no record of it"), nothing
    fault = _fault(link, named)
    return TraceStep(kind.value, link.id, link.digest, link.facts, checked=not fault, fault=fault), link


def _fault(link: Link, named: list[tuple[Kind, Reference]]) -> str:
    if not link.digest:
        return "no digest of it was recorded"
    if not link.found:
        return "what was recorded is not there any more, or not whole"
    if link.found != link.digest:
        return "what lies there now is not what was recorded"
    for kind, reference in named:
        if reference.id != link.id:
            return f"the {kind.value} names {reference.id} in its place"
        if reference.digest and reference.digest != link.digest:
            return f"the {kind.value} was built on another content of it"
    return ""
