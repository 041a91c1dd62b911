"""The plain facts that a research object is written from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from voxpop.kernel.digests import Json


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file by its content.

    Parameters
    ----------
    root : str
        ``volume``, ``pipeline``, ``results`` or ``inline``; only the pipeline's files and the run's own outputs are
        copied into the crate, all others are named by their digest.
    path : str
        Relative to ``root``.
    """

    path: str
    sha256: str
    bytes: int
    root: str = "results"


PortFacts: TypeAlias = "tuple[FileRef, ...] | Json"


@dataclass(frozen=True, slots=True)
class ExecutionFacts:
    """One execution of one tool; ``tool`` is the path of its document in the pipeline's folder.

    Parameters
    ----------
    queue, node : str
        The batch queue and its worker that did it; empty where there was none.
    attempts : int
        How often it was begun.
    cores, memory_mb : int
        What it was given; 0 where that is not known.
    """

    step: str
    position: int
    tool: str
    started_at: datetime
    ended_at: datetime
    exit_code: int
    inputs: Mapping[str, PortFacts]
    outputs: Mapping[str, PortFacts]
    queue: str = ""
    node: str = ""
    attempts: int = 1
    cores: int = 0
    memory_mb: int = 0


@dataclass(frozen=True, slots=True)
class WorkflowFacts:
    """The pipeline.

    Parameters
    ----------
    folder : Path
        Where it lies; ``files`` (relative to it) are copied into the crate.
    document : str
        The main CWL document, relative to ``folder``.
    """

    name: str
    version: str
    title: str
    licence: str
    digest: str
    folder: Path
    document: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The run of the pipeline.

    Parameters
    ----------
    folder : Path
        The run's own folder; the files of ``outputs`` are copied from it.
    """

    id: str
    started_at: datetime
    ended_at: datetime
    sandbox: str
    environment: Mapping[str, str]
    folder: Path
    inputs: Mapping[str, PortFacts]
    outputs: Mapping[str, tuple[FileRef, ...]]
    executions: tuple[ExecutionFacts, ...]


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One link of the chain that led to the run: a decision, a cohort, a staging, a seal, an appliance.

    Parameters
    ----------
    kind : str
        ``application``, ``cohort``, ``staging``, ``volume``, ``appliance``.
    digest : str
        SHA-256 of what the link stands for: a document, a query, a profile, a manifest.
    facts : mapping
        Shown as they are: counts, times, ids; never a person's name.
    """

    kind: str
    id: str
    digest: str
    facts: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """A further file for the crate, as a report.

    Parameters
    ----------
    path : str
        Its name in the crate.
    media_type : str
        As ``application/pdf``.
    """

    path: str
    source: Path
    title: str
    media_type: str


@dataclass(frozen=True, slots=True)
class CrateFacts:
    """All that a crate tells.

    Parameters
    ----------
    licence : str
        URL of the licence that the crate is under.
    organisation : str
        Who is answerable for the run: an organisation, never a person.
    software_version : str
        voxpop's own.
    """

    name: str
    description: str
    licence: str
    organisation: str
    software_version: str
    volume: str
    volume_digest: str
    workflow: WorkflowFacts
    run: RunFacts
    chain: tuple[ChainLink, ...] = ()
    documents: tuple[DocumentFacts, ...] = ()
