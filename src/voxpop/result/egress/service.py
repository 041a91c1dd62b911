"""The use cases of egress: look, ask, let out, refuse, withdraw, fetch."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock

from voxpop.kernel.clock import Clock, iso_utc
from voxpop.kernel.digests import Json
from voxpop.kernel.ids import RunId
from voxpop.kernel.ledger import Event, Ledger
from voxpop.result.egress import errors, folder
from voxpop.result.egress.checks import Context, coverage, look, ordered
from voxpop.result.egress.model import (
    Checked,
    Coverage,
    Finding,
    Limits,
    Offered,
    Permission,
    Release,
    ReleaseFile,
    Severity,
    counted,
    manifest_digest,
)
from voxpop.result.egress.opening import open_file
from voxpop.result.egress.ports import Releases, Surroundings
from voxpop.result.egress.states import LIFE_CYCLE, ReleaseState

_S = ReleaseState
_REPORTS = frozenset({"report.pdf", "crate/report.pdf"})
_REPORT_SOURCE = "outputs/report.json"
_EVERYTHING = "the request as a whole"


class ReleaseService:
    """Nothing leaves but by one person's request and another person's decision.

    Parameters
    ----------
    releases : Releases
        Where requests and decisions are kept.
    around : Surroundings
        Results, identities, and who is who.
    ledger : Ledger
    clock : Clock
    root : Path
        The folder that holds one folder a release.
    """

    def __init__(self, releases: Releases, around: Surroundings, ledger: Ledger, clock: Clock, root: Path) -> None:
        self._releases = releases
        self._around = around
        self._ledger = ledger
        self._clock = clock
        self._root = root
        self._one_decides = FileLock(root.with_suffix(".lock"), mode=0o600)  # each thread and process holds its own

    def offered(self, run: RunId) -> tuple[Offered, ...]:
        """List the files of a run that may be asked for, by path."""
        return folder.offered(self._around.results(run))

    def check(self, run: RunId, paths: Sequence[str], actor: str) -> Checked:
        """Look at files of a run and keep nothing; an access to identity, since it is sought.

        Parameters
        ----------
        paths : sequence of str
            Relative to the run's results, a folder for all below it; none for all that is offered.

        Raises
        ------
        NothingOffered, FileNotOffered
            If there is nothing, or a path names nothing that is offered.
        TooMuch
            If more files are named than one request may hold.
        """
        _check_actor(actor)
        results = self._around.results(run)
        offers = folder.offered(results)
        if not offers:
            raise errors.NothingOffered(run)
        taken = folder.chosen(run, offers, paths)
        if len(taken) > self._around.limits.files:
            raise errors.TooMuch(len(taken), self._around.limits.files)
        return self._checked(run, results, folder.files_of(results, taken), actor)

    def ask(self, run: RunId, paths: Sequence[str], actor: str, purpose: str) -> Release:
        """Look at files and keep a request for them; the same open request again is the one that is there.

        Raises
        ------
        PurposeMissing
            If it is not said what for.
        """
        if not purpose.strip():
            raise errors.PurposeMissing(run)
        checked = self.check(run, paths, actor)
        known = self._releases.of_run(run)
        for release in known:
            if release.state is _S.REQUESTED and release.files == checked.files and self._is(actor, release.asked_by):
                return release
        asked = Release(
            id=f"{run}-x{len(known) + 1}",
            run=run,
            state=_S.REQUESTED,
            files=checked.files,
            findings=checked.findings,
            asked_by=actor,
            purpose=purpose.strip(),
            asked_at=self._clock.now(),
        )
        event = Event("egress.asked", f"egress:{asked.id}", actor, asked.purpose, counted(asked))
        self._releases.add(asked, event)
        return self._releases.get(asked.id)

    def release(self, release_id: str, actor: str, reason: str, allow: frozenset[Permission] = frozenset()) -> Release:
        """Let the files of a request out, after one more look at the copy that leaves.

        Parameters
        ----------
        allow : frozenset of Permission
            What may leave although it tells of, or shows, persons one by one.

        Raises
        ------
        ActorMissing, ReasonMissing, OwnRequest
            If nobody decides, without a reason, or whoever asked does.
        IllegalMove
            If it is decided already.
        FilesChanged, FindingsChanged
            If the files, or what is found in them, are not what they were.
        ReleaseStopped, PermissionMissing
            If a finding stands against it.
        """
        with self._one_decides:
            release = self._open_request(release_id, _S.RELEASED, actor)
            _check_reason(release_id, "release", reason)
            if self._is(actor, release.asked_by):
                raise errors.OwnRequest(release_id)
            _check_findings(release, allow)
            new = self._root / f".{release_id}.new"
            try:
                decided = self._copied(release, new, (actor, reason.strip()), allow)
                folder.publish(new, self._root / release_id)
            finally:
                shutil.rmtree(new, ignore_errors=True)
            allowed: list[Json] = [*sorted(one.value for one in decided.allowed)]
            self._decide(decided, "egress.released", {"allowed": allowed})
            return self._releases.get(release_id)

    def refuse(self, release_id: str, actor: str, reason: str) -> Release:
        """Decide against a request.

        Raises
        ------
        ActorMissing, ReasonMissing
            If nobody decides, or without a reason.
        IllegalMove
            If it is decided already.
        """
        with self._one_decides:
            release = self._open_request(release_id, _S.REFUSED, actor)
            _check_reason(release_id, "refuse", reason)
            return self._ended(release, _S.REFUSED, actor, reason)

    def withdraw(self, release_id: str, actor: str, reason: str = "") -> Release:
        """Take one's own request back before it is decided.

        Raises
        ------
        ActorMissing, NotOwnRequest
            If nobody takes it back, or someone who did not ask for it.
        IllegalMove
            If it is decided already.
        """
        with self._one_decides:
            release = self._open_request(release_id, _S.WITHDRAWN, actor)
            if not self._is(actor, release.asked_by):
                raise errors.NotOwnRequest(release_id)
            return self._ended(release, _S.WITHDRAWN, actor, reason)

    def get(self, release_id: str) -> Release:
        """Return a release, or raise ``Absent``."""
        return self._releases.get(release_id)

    def every(self) -> Sequence[Release]:
        """Return all releases, the oldest first."""
        return self._releases.every()

    def of_run(self, run: RunId) -> Sequence[Release]:
        """Return a run's releases, the oldest first."""
        return self._releases.of_run(run)

    def may_withdraw(self, release: Release, actor: str) -> bool:
        """Say whether a request is open and somebody's own."""
        return LIFE_CYCLE.allows(release.state, _S.WITHDRAWN) and self._is(actor, release.asked_by)

    def folder(self, release_id: str) -> Path:
        """Return the folder of what was released, as it was released.

        Raises
        ------
        NotReleased
            If nobody has released it.
        ReleaseBroken
            If what lies there is not what was released.
        """
        release = self._releases.get(release_id)
        if release.state is not _S.RELEASED:
            raise errors.NotReleased(release_id, release.state.value)
        place = self._root / release_id
        folder.check_whole(place, release)
        return place

    def fetch(self, release_id: str, target: Path, actor: str) -> Path:
        """Write what was released as one zip archive, the same bytes each time, whole or not at all.

        Raises
        ------
        TargetExists
            If there is such a file already.
        NotReleased, ReleaseBroken
            As ``folder`` does.
        """
        if target.exists():
            raise errors.TargetExists(str(target))
        new = target.with_name(f".{target.name}.new")
        try:
            with new.open("wb") as sink:
                self.send(release_id, sink, actor)
            new.replace(target)
        finally:
            new.unlink(missing_ok=True)
        return target

    def send(self, release_id: str, sink: BinaryIO, actor: str) -> None:
        """Write what was released as one zip archive into a sink that need not seek; raises as ``folder`` does."""
        _check_actor(actor)
        place, release = self.folder(release_id), self._releases.get(release_id)
        facts: dict[str, Json] = {"run": release.run, "manifest_sha256": manifest_digest(release.files)}
        self._ledger.record(Event("egress.fetched", f"egress:{release_id}", actor, facts=facts))
        folder.write_zip(place, release, sink)

    def _checked(self, run: RunId, base: Path, files: tuple[ReleaseFile, ...], actor: str) -> Checked:
        """Look at files that lie under ``base``; a report's source lies under the run's results."""
        search = self._around.identities.opened(run, actor)
        context = Context(search, self._around.limits)
        source = self._report_source(run)
        found: list[Finding] = []
        for file in files:
            beside = source if file.path in _REPORTS else None
            opened = open_file(base / file.path, file.path, self._around.limits, beside)
            found.extend(look(opened, context))
        found.extend(_whole(files, self._around.limits))
        return Checked(files, tuple(ordered(found)), coverage(found, search))

    def _copied(self, release: Release, new: Path, decision: tuple[str, str], allow: frozenset[Permission]) -> Release:
        """Copy the files of a request, look at the copy, write the record beside it, and return the decided release."""
        actor, reason = decision
        folder.copied(self._around.results(release.run), release, new)
        checked = self._checked(release.run, new, release.files, actor)
        if checked.findings != release.findings:
            raise errors.FindingsChanged(release.id)
        decided = replace(
            release,
            state=_S.RELEASED,
            findings=tuple(replace(one, allowed=_is_allowed(one, allow)) for one in release.findings),
            decided_by=actor,
            reason=reason,
            decided_at=self._clock.now(),
        )
        folder.write_record(new, decided, record_of(decided, checked.coverage))
        return decided

    def _report_source(self, run: RunId) -> bytes | None:
        source = self._around.results(run) / _REPORT_SOURCE
        plain = source.is_file() and not source.is_symlink()
        return source.read_bytes() if plain and source.stat().st_size <= self._around.limits.file_bytes else None

    def _open_request(self, release_id: str, target: ReleaseState, actor: str) -> Release:
        _check_actor(actor)
        release = self._releases.get(release_id)
        LIFE_CYCLE.check(f"release '{release_id}'", release.state, target)
        return release

    def _ended(self, release: Release, state: ReleaseState, actor: str, reason: str) -> Release:
        """Keep that the files of a request stay, and return it."""
        # A release that was cut off between its folder and its record left the folder.
        shutil.rmtree(self._root / release.id, ignore_errors=True)
        ended = replace(release, state=state, decided_by=actor, reason=reason.strip(), decided_at=self._clock.now())
        self._decide(ended, f"egress.{state.value}", {})
        return self._releases.get(release.id)

    def _decide(self, release: Release, action: str, facts: dict[str, Json]) -> None:
        event = Event(action, f"egress:{release.id}", release.decided_by, release.reason, {**counted(release), **facts})
        self._releases.decided(release, event)

    def _is(self, one: str, other: str) -> bool:
        words = (other, *self._around.aliases(other))
        return any(_same(alias, word) for alias in (one, *self._around.aliases(one)) for word in words)


def record_of(release: Release, looked: Sequence[Coverage]) -> Json:
    """Return what stands in a release's ``release.json``."""
    checks: list[Json] = [
        {
            "check": one.check,
            "version": one.version,
            "coverage": one.says,
            "findings": {severity.value: number for severity, number in one.findings.items()},
        }
        for one in looked
    ]
    findings: list[Json] = [
        {
            "path": one.path,
            "check": one.check,
            "severity": one.severity.value,
            "sentence": one.sentence,
            "allowed": one.allowed,
        }
        for one in release.findings
    ]
    files: list[Json] = [{"path": one.path, "sha256": one.sha256, "bytes": one.bytes} for one in release.files]
    return {
        "format": "voxpop-release/1",
        "release": release.id,
        "run": release.run,
        "asked_by": release.asked_by,
        "purpose": release.purpose,
        "asked_at": iso_utc(release.asked_at),
        "decided_by": release.decided_by,
        "reason": release.reason,
        "decided_at": iso_utc(release.decided_at) if release.decided_at else None,
        "allowed": [*sorted(one.value for one in release.allowed)],
        "manifest_sha256": manifest_digest(release.files),
        "files": files,
        "checks": checks,
        "findings": findings,
    }


def _whole(files: Sequence[ReleaseFile], limits: Limits) -> list[Finding]:
    if sum(file.bytes for file in files) <= limits.request_bytes:
        return []
    sentence = f"is larger than {limits.request_bytes // 1_000_000} MB: ask for it in parts"
    return [Finding(_EVERYTHING, "size", Severity.STOPS, sentence)]


def _check_findings(release: Release, allow: frozenset[Permission]) -> None:
    stopping = release.stopping
    if stopping:
        first = f"{stopping[0].path} {stopping[0].sentence}"
        raise errors.ReleaseStopped(release.id, len(stopping), first.partition(": ")[0])
    missing = release.permissions - allow
    if missing:
        raise errors.PermissionMissing(release.id, (one.value for one in missing))


def _is_allowed(finding: Finding, allow: frozenset[Permission]) -> bool:
    return finding.severity is Severity.NEEDS_PERMISSION and finding.check in allow


def _check_actor(actor: str) -> None:
    if not actor.strip():
        raise errors.ActorMissing


def _check_reason(release_id: str, verb: str, reason: str) -> None:
    if not reason.strip():
        raise errors.ReasonMissing(release_id, verb)


def _same(one: str, other: str) -> bool:
    return bool(one.strip()) and " ".join(one.split()).casefold() == " ".join(other.split()).casefold()
