"""A pipeline's findings and the facts of the stages, made into one report."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from voxpop.kernel.digests import Json
from voxpop.result.facts import ApplianceFacts, ApplicationFacts, CohortFacts, ReportFacts, RunFacts, StagingFacts
from voxpop.result.model import Column, Exclusion, Figure, Findings, Report, Section, Table

_RIGHT = "right"


def assemble(findings: Findings, facts: ReportFacts) -> Report:
    """Add to a pipeline's findings what every report of voxpop has.

    Parameters
    ----------
    findings : Findings
        As ``read_report`` returns them.
    facts : ReportFacts

    Returns
    -------
    Report
        The pipeline's sections, then exclusions, staging, environment, methods, provenance, decision and query.
        Without a key figure of the pipeline's own, the first of its section with the fewest moves to the first page.
    """
    key_figure, sections = _key_figure(findings)
    return Report(
        title=findings.title,
        subtitle=findings.subtitle,
        summary=findings.summary,
        sections=(
            *sections,
            _exclusions(findings.exclusions),
            _staging(facts.staging),
            _environment(facts.appliance),
            _methods(findings, facts),
            _provenance(facts),
            _decision(facts.application, facts.cohort),
        ),
        digests=digests(facts),
        run=facts.run.id,
        key_figure=key_figure,
    )


def digests(facts: ReportFacts) -> Mapping[str, str]:
    """Return what a report rests on, by name, as SHA-256."""
    every = {
        "application": facts.application.digest,
        "archive index": facts.cohort.index_digest,
        "cohort list": facts.cohort.list_digest,
        "de-identification profile": facts.staging.profile_digest,
        "staging report": facts.staging.report_digest,
        "volume manifest": facts.volume.digest,
        "appliance document (TOSCA)": facts.appliance.digest,
        "pipeline": facts.run.pipeline_digest,
        "run record": facts.run.record_digest,
    }
    return {name: digest for name, digest in every.items() if digest}


def _key_figure(findings: Findings) -> tuple[Figure | None, tuple[Section, ...]]:
    if findings.key_figure is not None:
        return findings.key_figure, findings.sections
    pictured = [section for section in findings.sections if section.figures]
    if not pictured:
        return None, findings.sections
    # A section with few figures shows results; one with many shows each participant.
    chosen = min(pictured, key=lambda section: len(section.figures))
    told = (*chosen.paragraphs, "The first figure of this section stands on the first page.")
    rest = replace(chosen, figures=chosen.figures[1:], paragraphs=told)
    return chosen.figures[0], tuple(rest if section is chosen else section for section in findings.sections)


def _exclusions(exclusions: tuple[Exclusion, ...]) -> Section:
    title = "Participants left out"
    if not exclusions:
        return Section(title, ("No participant of the volume was left out of the analysis.",))
    rows = tuple((exclusion.participant, exclusion.reason) for exclusion in exclusions)
    table = Table("Participants whom the pipeline left out", (Column("Participant"), Column("Reason")), rows)
    many = f"{len(rows)} participants of the volume were" if len(rows) > 1 else "One participant of the volume was"
    return Section(title, (f"{many} left out of the analysis.",), (table,))


def _staging(staging: StagingFacts) -> Section:
    many = "" if staging.studies is None else f"{staging.studies} "
    every = f"Each of the {many}studies that the archive's index holds is accounted for."
    hidden = (
        "A dash stands for counts below 10 and for those from which such a count would follow, none included; the "
        "data manager has them all."
    )
    fates = Table(
        "What became of the studies",
        (Column("Fate"), Column("Reason"), Column("Studies", align=_RIGHT), Column("Series", align=_RIGHT)),
        (
            *(
                (fate.fate, fate.reason or "-", _count(fate.studies), _count(fate.series))
                for fate in (staging.staged, *staging.others)
            ),
            ("not staged", "other reasons", _count(None), _count(None)),
            ("all", "", _count(staging.studies), _count(staging.series)),
        ),
    )
    groups = Table(
        "Participants of the volume",
        (Column("Group"), Column("Participants", align=_RIGHT)),
        tuple((group, f"{number}") for group, number in staging.participants.items()),
    )
    return Section("Staging", (every, hidden), (fates, groups) if staging.participants else (fates,))


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number}"


def _environment(appliance: ApplianceFacts) -> Section:
    network = "could use the network" if appliance.network else "had no network"
    what = f"The run was executed on site {appliance.site}, sandboxed by {appliance.sandbox}, and {network}."
    given = Table(
        "The environment, asked and given",
        (Column("Part"), Column("Asked"), Column("Given")),
        tuple((part, asked, appliance.given.get(part, asked)) for part, asked in appliance.asked.items()),
    )
    missing = (f"Asked and not given: {'; '.join(appliance.not_given)}.",) if appliance.not_given else ()
    return Section("Environment", (what, *missing), (given,) if appliance.asked else ())


def _methods(findings: Findings, facts: ReportFacts) -> Section:
    run = facts.run
    parameters = _named_values("Parameters of the pipeline", "Parameter", run.parameters)
    return Section("Methods", (*findings.methods, *facts.staging.methods), parameters)


def _provenance(facts: ReportFacts) -> Section:
    run = facts.run
    again = f" It repeats run {run.repeats}." if run.repeats else ""
    paragraphs = (
        (
            f"Run {run.id} of pipeline {run.pipeline} began on {_moment(run.started_at)} and ended on "
            f"{_moment(run.ended_at)}.{again} It read volume {facts.volume.id}, sealed on "
            f"{_moment(facts.volume.sealed_at)} with {facts.volume.files} files ({_size(facts.volume.bytes)})."
        ),
        (
            f"Images were de-identified under the profile {facts.staging.profile}. \u201cvoxpop trace\u201d with this "
            "file walks back to the decision and checks each digest anew; \u201csha256sum -c "
            "manifest-sha256.txt\u201d in the volume needs no voxpop."
        ),
    )
    rows = tuple(digests(facts).items())
    rested = Table("What this report rests on", (Column("Part"), Column("SHA-256")), rows)
    return Section(
        "Provenance",
        paragraphs,
        (rested, _steps(run), *_named_values("Environment of the run", "Software", run.environment)),
    )


def _steps(run: RunFacts) -> Table:
    columns = (
        Column("Step"),
        Column("Executions", align=_RIGHT),
        Column("Failed", align=_RIGHT),
        Column("SHA-256 of the tool"),
    )
    rows = tuple((step.step, f"{step.executions}", f"{step.failed}", step.tool_digest) for step in run.steps)
    return Table("Steps of the run", columns, rows)


def _decision(application: ApplicationFacts, cohort: CohortFacts) -> Section:
    by = f" by {', '.join(application.investigators)}" if application.investigators else ""
    paragraphs = (
        (
            f"Application {application.id}, \u201c{application.title}\u201d{by}; ethics reference "
            f"{application.ethics_reference}."
        ),
        (f"Cohort {cohort.id} was frozen on {_moment(cohort.frozen_at)}. It is the answer to the query below."),
    )
    decided = Table(
        "Decisions about the application",
        (Column("When"), Column("Who"), Column("State"), Column("Reason")),
        tuple((_moment(step.at), step.actor, step.state, step.reason or "-") for step in application.decisions),
    )
    query = _named_values("The query of the cohort", "Criterion", _query(cohort.query))
    return Section("Decision and query", paragraphs, (decided, *query) if application.decisions else query)


def _query(text: str) -> Mapping[str, Json]:
    read = json.loads(text)
    return read if isinstance(read, dict) else {"query": read}


def _named_values(caption: str, name: str, values: Mapping[str, Json] | Mapping[str, str]) -> tuple[Table, ...]:
    rows = tuple((key, _told(value)) for key, value in sorted(values.items()) if value not in (None, [], ""))
    return (Table(caption, (Column(name), Column("Value")), rows),) if rows else ()


def _told(value: Json) -> str:
    """Write a JSON value for reading; lists of objects are one line each."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        lines = any(isinstance(part, dict) for part in value)
        return ("\n" if lines else ", ").join(_told(part) for part in value)
    if isinstance(value, dict):
        return "; ".join(_pairs(value))
    return json.dumps(value)


def _pairs(value: Mapping[str, Json]) -> Iterator[str]:
    for key, part in value.items():
        if part is not None and part is not False and part != []:
            yield f"{key}: {_told(part)}"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _size(size: int) -> str:
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
