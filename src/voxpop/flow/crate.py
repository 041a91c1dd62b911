"""From a run's record to a research object."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from voxpop.provenance.crate import write_crate
from voxpop.provenance.facts import (
    ChainLink,
    CrateFacts,
    DocumentFacts,
    ExecutionFacts,
    FileRef,
    PortFacts,
    RunFacts,
    WorkflowFacts,
)
from voxpop.run.model import FileFact, Pipeline, Port, RunRecord
from voxpop.run.pipelines import content_files


@dataclass(frozen=True, slots=True)
class Cover:
    """What stands on the outside of a crate.

    Parameters
    ----------
    licence : str
        URL of the licence that the crate is under.
    organisation : str
        Who is answerable for the run: an organisation, never a person.
    """

    name: str
    description: str
    licence: str
    organisation: str


def crate_of_run(
    folder: Path,
    record: RunRecord,
    pipeline: Pipeline,
    run_folder: Path,
    cover: Cover,
    also: Sequence[ChainLink | DocumentFacts] = (),
) -> Path:
    """Write the crate of a run that is done; return its ``ro-crate-metadata.json``.

    Parameters
    ----------
    folder : Path
        The crate's own folder.
    also : sequence
        The chain that led to the run, in its order, and further documents.
    """
    return write_crate(folder, crate_facts(record, pipeline, run_folder, cover, also))


def crate_facts(
    record: RunRecord,
    pipeline: Pipeline,
    run_folder: Path,
    cover: Cover,
    also: Sequence[ChainLink | DocumentFacts] = (),
) -> CrateFacts:
    """Translate a run's record into the facts of a crate."""
    return CrateFacts(
        name=cover.name,
        description=cover.description,
        licence=cover.licence,
        organisation=cover.organisation,
        software_version=record.environment.get("voxpop", "unknown"),
        volume=record.volume,
        volume_digest=record.volume_digest,
        workflow=_workflow(pipeline),
        run=_run(record, run_folder),
        chain=tuple(link for link in also if isinstance(link, ChainLink)),
        documents=tuple(document for document in also if isinstance(document, DocumentFacts)),
    )


def _workflow(pipeline: Pipeline) -> WorkflowFacts:
    return WorkflowFacts(
        name=pipeline.name,
        version=pipeline.version,
        title=pipeline.title,
        licence=pipeline.licence,
        digest=pipeline.digest,
        folder=pipeline.folder,
        document=pipeline.workflow.relative_to(pipeline.folder).as_posix(),
        files=tuple(sorted(content_files(pipeline.folder))),
    )


def _run(record: RunRecord, run_folder: Path) -> RunFacts:
    return RunFacts(
        id=record.run,
        started_at=record.started_at,
        ended_at=record.ended_at,
        sandbox=record.sandbox,
        environment=record.environment,
        folder=run_folder,
        inputs={name: _port(port) for name, port in record.inputs.items()},
        outputs={name: tuple(_file(file) for file in files) for name, files in record.outputs.items()},
        executions=tuple(
            ExecutionFacts(
                step=step.step,
                position=step.position,
                tool=step.tool,
                started_at=step.started_at,
                ended_at=step.ended_at,
                exit_code=step.exit_code,
                inputs={name: _port(port) for name, port in step.inputs.items()},
                outputs={name: _port(port) for name, port in step.outputs.items()},
                queue=step.queue,
                node=step.node,
                attempts=step.attempts,
                cores=step.cores,
                memory_mb=step.memory_mb,
            )
            for step in record.steps
        ),
    )


def _port(port: Port) -> PortFacts:
    return tuple(_file(file) for file in port) if isinstance(port, tuple) else port


def _file(file: FileFact) -> FileRef:
    return FileRef(path=file.path, sha256=file.sha256, bytes=file.bytes, root=file.root)
