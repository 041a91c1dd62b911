"""Pipelines, runs and their records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from voxpop.kernel.digests import Json
from voxpop.kernel.ids import ApplianceId, ApplicationId, RunId, VolumeId
from voxpop.run.states import RunState


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline's folder, read.

    Parameters
    ----------
    folder : Path
        Holds ``pipeline.yaml``, the CWL documents and the tools.
    workflow : Path
        The main CWL document.
    volume_inputs : mapping of input name to glob
        How the volume's files become the workflow's inputs: a glob relative to the volume's root; a name that
        ends in ``[]`` takes all matches sorted by path, any other exactly one.
    parameters : mapping
        Default values of the other inputs.
    digest : str
        SHA-256 over the list of all files of the folder but its tests, in the format of ``sha256sum``.
    """

    name: str
    version: str
    title: str
    folder: Path
    workflow: Path
    volume_inputs: Mapping[str, str]
    parameters: Mapping[str, Json]
    digest: str
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """An input of a pipeline that a person may choose.

    Parameters
    ----------
    kind : str
        Its CWL type: ``int``, ``long``, ``float``, ``double``, ``boolean`` or ``string``.
    default : Json
        What is taken where nothing is chosen.
    """

    name: str
    kind: str
    default: Json
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One run.

    Parameters
    ----------
    parameters : mapping
        What was chosen otherwise than the pipeline has it.
    """

    id: RunId
    application: ApplicationId
    appliance: ApplianceId
    volume: VolumeId
    pipeline: str
    pipeline_digest: str
    state: RunState
    results: Path
    created_at: datetime
    repeats: RunId | None = None
    parameters: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileFact:
    """A file that a step read or wrote.

    Parameters
    ----------
    path : str
        Relative to ``root``.
    root : str
        ``volume``, ``pipeline`` or ``results`` (the run's own folder); ``inline`` for text that stands in the workflow.
    """

    path: str
    sha256: str
    bytes: int
    root: str = "results"


Port: TypeAlias = "tuple[FileFact, ...] | Json"
"""What a port carries: files, or a JSON value."""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One execution of one tool.

    Parameters
    ----------
    step : str
        The workflow step's name; scattered steps share it. Inside a sub-workflow, ``step/inner step``.
    position : int
        Which of the scattered executions, from 0; 0 for a step that is not scattered.
    inputs, outputs : mapping of port to files or a JSON value
        A port that carries files has a tuple of ``FileFact``.
    queue : str
        ``local``, ``htcondor`` or ``slurm``; empty where it was done beside the engine, without a queue.
    node : str
        The queue's worker that did it, by the name that its appliance gives it.
    attempts : int
        How often it was begun.
    cores, memory_mb : int
        What it was given; 0 where that was not recorded.
    """

    step: str
    position: int
    tool: str
    tool_sha256: str
    started_at: datetime
    ended_at: datetime
    exit_code: int
    inputs: Mapping[str, Port]
    outputs: Mapping[str, Port]
    queue: str = ""
    node: str = ""
    attempts: int = 1
    cores: int = 0
    memory_mb: int = 0


@dataclass(frozen=True, slots=True)
class RunRecord:
    """All that is needed to prove and repeat a run.

    Parameters
    ----------
    environment : mapping
        Python, packages by version, platform, the image's digest and the queue; no host name, no user name, no path.
    outputs : mapping of workflow output to files
    """

    run: RunId
    pipeline: str
    pipeline_digest: str
    volume: VolumeId
    volume_digest: str
    started_at: datetime
    ended_at: datetime
    sandbox: str
    environment: Mapping[str, str]
    inputs: Mapping[str, Port]
    steps: tuple[StepRecord, ...]
    outputs: Mapping[str, tuple[FileFact, ...]]
    parameters: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """The first step, in workflow order, whose output differs between two runs.

    Parameters
    ----------
    step : str
        Empty where all steps agree and a file of the workflow's own outputs differs.
    port, path : str
        Both empty where only one of the two runs has this execution; ``path`` is empty for a value that is no file.
    """

    step: str
    position: int
    port: str
    path: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A run held against its repeat.

    Parameters
    ----------
    steps : int
        How many executions were compared.
    """

    original: RunId
    repeat: RunId
    identical: bool
    steps: int
    first_difference: Difference | None = None
