"""The links between a result and the decision that allowed it, each held against what lies there now."""

from collections.abc import Callable, Mapping

from voxpop.flow.evidence import RECORD, STAGING_REPORT, Sources
from voxpop.kernel.clock import iso_utc
from voxpop.kernel.digests import Json, sha256_bytes, sha256_file
from voxpop.kernel.ids import ApplianceId, ApplicationId, CohortId, RunId, VolumeId
from voxpop.result.model import Kind, Link, Reference, ResultFile
from voxpop.volume.model import MANIFEST
from voxpop.volume.seal import manifest_of, verify


class RecordedChain:
    """Answers ``result.ports.Chain`` from the stages' records.

    Parameters
    ----------
    result_of : callable
        Returns the file that a run left with a content, or None.
    event_fact : callable
        Returns a fact of the last audit event of an action and subject: the digest that was noted then.
    cohort_list_digest : callable
        Returns the digest of the frozen list as it lies there now; empty if it is gone.
    """

    def __init__(
        self,
        sources: Sources,
        result_of: Callable[[str], ResultFile | None],
        event_fact: Callable[[str, str, str], str],
        cohort_list_digest: Callable[[CohortId], str],
    ) -> None:
        self._sources = sources
        self._result_of = result_of
        self._event_fact = event_fact
        self._cohort_list_digest = cohort_list_digest

    def run_of_output(self, sha256: str) -> ResultFile | None:
        """Return the file that a run left with this content; None if no run left one."""
        return self._result_of(sha256)

    def link(self, kind: Kind, name: str) -> Link:
        """Return a link with its digest taken anew from what lies there now, or raise ``Absent``."""
        links: Mapping[Kind, Callable[[str], Link]] = {
            Kind.RUN: self._run,
            Kind.APPLIANCE: self._appliance,
            Kind.VOLUME: self._volume,
            Kind.STAGING: self._staging,
            Kind.COHORT: self._cohort,
            Kind.APPLICATION: self._application,
        }
        return links[kind](name)

    def _run(self, name: str) -> Link:
        run = self._sources.run(RunId(name))
        noted = self._event_fact("run.done", f"run:{name}", "record_sha256")
        record = run.results / RECORD
        refers = {
            Kind.APPLIANCE: Reference(run.appliance),
            Kind.VOLUME: Reference(run.volume, self._event_fact("run.done", f"run:{name}", "volume_sha256")),
        }
        facts: dict[str, Json] = {"pipeline": run.pipeline, "pipeline_sha256": run.pipeline_digest}
        if record.is_file():
            read = self._sources.runs.record(run.id)
            facts |= {"started_at": iso_utc(read.started_at), "steps": len(read.steps), "sandbox": read.sandbox}
        return Link(name, noted, sha256_file(record) if record.is_file() else "", facts, refers)

    def _appliance(self, name: str) -> Link:
        appliance = self._sources.appliances.get(ApplianceId(name))
        document = self._sources.appliances.document(appliance.id)
        refers = {
            Kind.VOLUME: Reference(appliance.volume),
            Kind.APPLICATION: Reference(appliance.application),
        }
        facts: dict[str, Json] = {"site": appliance.site, "state": appliance.state.value}
        return Link(name, appliance.document_digest, sha256_bytes(document.encode()), facts, refers)

    def _volume(self, name: str) -> Link:
        volume = self._sources.volumes.get(VolumeId(name))
        whole = volume.path.is_dir() and verify(volume.path, volume.digest).intact
        facts: dict[str, Json] = {
            "files": volume.files,
            "bytes": volume.bytes,
            "participants": [*sorted(path.name for path in volume.path.glob("sub-*"))],
        }
        refers = {Kind.STAGING: Reference(name), Kind.COHORT: Reference(volume.cohort)}
        return Link(name, volume.digest, volume.digest if whole else "", facts, refers)

    def _staging(self, name: str) -> Link:
        volume = self._sources.volumes.get(VolumeId(name))
        manifest = volume.path / MANIFEST
        noted = manifest_of(volume.path).get(STAGING_REPORT, "") if manifest.is_file() else ""
        report = volume.path / STAGING_REPORT
        refers = {Kind.COHORT: Reference(volume.cohort)}
        return Link(name, noted, sha256_file(report) if report.is_file() else "", {}, refers)

    def _cohort(self, name: str) -> Link:
        cohort = self._sources.cohort(CohortId(name))
        facts: dict[str, Json] = {
            "query": cohort.query,
            "index_sha256": cohort.index_digest,
            "frozen_at": iso_utc(cohort.frozen_at),
        }
        refers = {Kind.APPLICATION: Reference(cohort.application)}
        return Link(name, cohort.list_digest, self._cohort_list_digest(cohort.id), facts, refers)

    def _application(self, name: str) -> Link:
        application = self._sources.applications.get(ApplicationId(name))
        decisions: list[Json] = [
            {"at": iso_utc(one.at), "by": one.actor, "to": one.target.value, "reason": one.reason}
            for one in self._sources.applications.history(application.id)
        ]
        noted = self._event_fact("application.drafted", f"application:{name}", "document_sha256")
        rewritten = self._event_fact("application.rewritten", f"application:{name}", "document_sha256")
        found = sha256_bytes(application.document.encode())
        facts: dict[str, Json] = {"title": application.title, "decisions": decisions}
        return Link(name, rewritten or noted, found, facts, {})
