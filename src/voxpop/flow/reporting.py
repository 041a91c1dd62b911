"""From a run that is done to its report and its research object."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from voxpop.flow.crate import Cover, crate_of_run
from voxpop.flow.evidence import Evidence, Sources, gather
from voxpop.flow.fates import Why, told
from voxpop.kernel.clock import iso_utc
from voxpop.kernel.digests import Json
from voxpop.kernel.ids import RunId
from voxpop.provenance.facts import ChainLink, DocumentFacts
from voxpop.result.facts import (
    ApplianceFacts,
    ApplicationFacts,
    CohortFacts,
    DecisionFacts,
    FateFacts,
    ReportFacts,
    RunFacts,
    StagingFacts,
    StepFacts,
    VolumeFacts,
)
from voxpop.result.model import ResultFile
from voxpop.result.ports import Results
from voxpop.result.service import ResultService
from voxpop.run.model import Pipeline, RunRecord
from voxpop.staging.model import Fate

OUTPUTS = "outputs"
_LICENCE = "https://creativecommons.org/licenses/by/4.0/"


class Reporting:
    """Reports and research objects of runs.

    Parameters
    ----------
    organisation : str
        Who is answerable for the runs, as the research object names it.
    """

    def __init__(
        self,
        sources: Sources,
        service: ResultService,
        results: Results,
        pipelines: Callable[[str], Pipeline],
        organisation: str,
    ) -> None:
        self._sources = sources
        self._service = service
        self._results = results
        self._pipelines = pipelines
        self._organisation = organisation

    def write(self, run_id: RunId) -> None:
        """Write the report and the research object, and keep which files the run left; the same again is silent."""
        evidence = gather(run_id, self._sources)
        folder = evidence.run.results
        self._results.keep(tuple(_left(evidence.record)))
        self._service.write_report(folder / OUTPUTS, facts_of(evidence), folder)
        title = f"{evidence.application.title}: {evidence.record.pipeline} over {evidence.volume.id}"
        cover = Cover(
            name=title,
            description=f"Research object of run {run_id}: what was run, over which data, on whose decision.",
            licence=_LICENCE,
            organisation=self._organisation,
        )
        report = DocumentFacts("report.pdf", self.pdf(run_id), "Report", "application/pdf")
        also: list[ChainLink | DocumentFacts] = [*chain_of(evidence), report]
        pipeline = self._pipelines(evidence.record.pipeline)
        crate_of_run(self.crate(run_id), evidence.record, pipeline, folder, cover, also)

    def pdf(self, run_id: RunId) -> Path:
        """Return where the report of a run lies."""
        return self._sources.run(run_id).results / "report.pdf"

    def crate(self, run_id: RunId) -> Path:
        """Return where the research object of a run lies."""
        return self._sources.run(run_id).results / "crate"

    def measurements(self, run_id: RunId) -> list[Json]:
        """Return what the run measured: participant, level and mean in Hounsfield units; null where it could not."""
        file = self._sources.run(run_id).results / OUTPUTS / "measurements.json"
        if not file.is_file():
            return []
        read: list[dict[str, Any]] = json.loads(file.read_text())
        return [{key: one.get(key) for key in ("participant", "level", "mean_hu")} for one in read]


def facts_of(evidence: Evidence) -> ReportFacts:
    """Translate what the stages recorded into what the report tells."""
    return ReportFacts(
        application=_application(evidence),
        cohort=_cohort(evidence),
        staging=_staging(evidence),
        volume=_volume(evidence),
        appliance=_appliance(evidence),
        run=_run(evidence),
    )


def chain_of(evidence: Evidence) -> Iterator[ChainLink]:
    """Yield the links before the run, the oldest first; no person's name is among their facts."""
    application, cohort, volume = evidence.application, evidence.cohort, evidence.volume
    decided: list[Json] = [
        f"{one.source.value} to {one.target.value} at {iso_utc(one.at)}" for one in evidence.decisions
    ]
    yield ChainLink(
        "application", application.id, application.digest, {"title": application.title, "decisions": decided}
    )
    query: dict[str, Json] = {
        "query": cohort.query,
        "index_sha256": cohort.index_digest,
        "frozen_at": iso_utc(cohort.frozen_at),
    }
    yield ChainLink("cohort", cohort.id, cohort.list_digest, query)
    staged: dict[str, Json] = {key: evidence.staging[key] for key in ("profile", "profile_sha256")}
    yield ChainLink("staging", volume.id, evidence.staging_digest, staged)
    sealed: dict[str, Json] = {"files": volume.files, "bytes": volume.bytes}
    yield ChainLink("volume", volume.id, volume.digest, sealed)
    deployed: dict[str, Json] = {"site": evidence.appliance.site, "sandbox": evidence.deployment.sandbox}
    yield ChainLink("appliance", evidence.appliance.id, evidence.appliance.document_digest, deployed)


def _application(evidence: Evidence) -> ApplicationFacts:
    application = evidence.application
    return ApplicationFacts(
        id=application.id,
        title=application.title,
        digest=application.digest,
        ethics_reference=application.ethics_reference,
        investigators=tuple(person.name for person in application.investigators),
        decisions=tuple(
            DecisionFacts(one.actor, one.at, one.target.value, one.reason)
            for one in evidence.decisions
            if one.at <= evidence.record.started_at
        ),
    )


def _cohort(evidence: Evidence) -> CohortFacts:
    cohort = evidence.cohort
    return CohortFacts(
        id=cohort.id,
        query=cohort.query,
        index_digest=cohort.index_digest,
        list_digest=cohort.list_digest,
        frozen_at=cohort.frozen_at,
    )


def _staging(evidence: Evidence) -> StagingFacts:
    listed: Sequence[dict[str, Any]] = evidence.staging["studies"]
    fates = told(Counter((study["fate"], study["reason"]) for study in listed))
    series: Counter[Why] = Counter()
    for study in listed:
        series[study["fate"], study["reason"]] += len(study["series"])
    staged = sum(number for (fate, _), number in series.items() if fate == Fate.STAGED)
    return StagingFacts(
        studies=fates.studies,
        series=None if fates.studies is None else series.total(),
        staged=FateFacts(Fate.STAGED.value, "", fates.staged, None if fates.staged is None else staged),
        others=tuple(FateFacts(*why, number, series[why]) for why, number in fates.others.items()),
        participants=evidence.participants(),
        profile=evidence.staging["profile"],
        profile_digest=evidence.staging["profile_sha256"],
        report_digest=evidence.staging_digest,
        methods=tuple(evidence.staging["methods"]),
    )


def _volume(evidence: Evidence) -> VolumeFacts:
    volume = evidence.volume
    sealed_at = volume.sealed_at or evidence.record.started_at
    return VolumeFacts(volume.id, volume.digest, volume.files, volume.bytes, sealed_at)


def _appliance(evidence: Evidence) -> ApplianceFacts:
    compute, deployment = evidence.application.compute, evidence.deployment
    asked = {
        "cores": str(compute.cores),
        "memory": f"{compute.memory_gb} GB",
        "GPUs": str(compute.gpus),
        "software": ", ".join(evidence.application.software),
    }
    given = {
        "cores": str(deployment.cores),
        "memory": f"{deployment.memory_gb} GB",
        "GPUs": "0" if any("GPU" in clause for clause in deployment.not_given) else str(compute.gpus),
        "software": ", ".join(deployment.recipes) or "none",
    }
    return ApplianceFacts(
        id=evidence.appliance.id,
        site=evidence.appliance.site,
        digest=evidence.appliance.document_digest,
        sandbox=deployment.sandbox,
        network=deployment.network,
        asked=asked,
        given=given,
        not_given=deployment.not_given,
    )


def _run(evidence: Evidence) -> RunFacts:
    record = evidence.record
    return RunFacts(
        id=record.run,
        pipeline=record.pipeline,
        pipeline_digest=record.pipeline_digest,
        started_at=record.started_at,
        ended_at=record.ended_at,
        sandbox=record.sandbox,
        steps=tuple(_steps(record)),
        environment=record.environment,
        parameters=record.parameters,
        record_digest=evidence.record_digest,
        repeats=evidence.run.repeats or "",
    )


def _steps(record: RunRecord) -> Iterator[StepFacts]:
    for name in dict.fromkeys(step.step for step in record.steps):
        executions = [step for step in record.steps if step.step == name]
        failed = sum(1 for step in executions if step.exit_code != 0)
        yield StepFacts(name, len(executions), failed, executions[0].tool, executions[0].tool_sha256)


def _left(record: RunRecord) -> Iterator[ResultFile]:
    for port, files in sorted(record.outputs.items()):
        for file in files:
            yield ResultFile(record.run, port, file.path, file.sha256, file.bytes)
