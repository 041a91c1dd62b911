"""Runs, their steps, and comparisons."""

from pydantic import Field

from voxpop.run.states import RunState
from voxpop.web.api.models.base import Answer, Asked, Line, Moment, Words

Value = bool | int | float | Words


class RunFacts(Answer):
    """A run."""

    run: str = Field(description="Its id.")
    application: str = Field(description="The application that it belongs to.")
    appliance: str = Field(description="Where it runs.")
    volume: str = Field(description="What it runs over.")
    pipeline: str = Field(description="What is run, as name/version.")
    pipeline_sha256: str = Field(description="Digest of the pipeline's content.")
    state: RunState = Field(description="How far it is.")
    repeats: str | None = Field(description="The run that it repeats; null for none.")
    created_at: Moment = Field(description="When it was asked for.")


class RunDetail(RunFacts):
    """A run, what was chosen for it, and how far it is."""

    parameters: dict[str, bool | int | float | str | None] = Field(description="What was chosen.")
    steps_done: int = Field(description="Executions that have ended.")


class RunAsked(Asked):
    """A run to start."""

    pipeline: Line | None = Field(default=None, description="As name/version; the application's own by default.")
    parameters: dict[Line, Value] = Field(
        default_factory=dict, description="Chosen values; a text is read as the parameter's type.", max_length=100
    )


class RunLog(Answer):
    """What a run's steps wrote."""

    run: str = Field(description="The run.")
    log: str = Field(description="What they wrote, whole.")


class StepFacts(Answer):
    """One execution of one tool."""

    step: str = Field(description="The workflow's step.")
    position: int = Field(description="Which of the scattered executions, from 0.")
    tool: str = Field(description="The tool.")
    tool_sha256: str = Field(description="The tool's digest.")
    started_at: Moment = Field(description="When it began.")
    ended_at: Moment = Field(description="When it ended.")
    exit_code: int = Field(description="How it ended.")


class FirstDifference(Answer):
    """Where two runs part."""

    step: str = Field(description="The step; empty for the workflow's own outputs.")
    position: int = Field(description="Which execution.")
    port: str = Field(description="The output; empty where one run has no such execution.")
    path: str = Field(description="The file; empty for a value.")


class ComparisonFacts(Answer):
    """Two runs of the same work, held against each other."""

    original: str = Field(description="The one run.")
    repeat: str = Field(description="The other.")
    identical: bool = Field(description="Whether they gave the same.")
    steps: int = Field(description="Executions compared.")
    first_difference: FirstDifference | None = Field(description="Where they part; null where they do not.")
