"""What can go wrong with pipelines and runs."""

from voxpop.kernel.errors import Absent, Invalid, Refused, Unavailable


class PipelineInvalid(Invalid):
    """A pipeline's folder is not as it must be."""

    code = "pipeline-invalid"


class PipelineAbsent(Absent):
    """No pipeline of this name and version was found."""

    code = "pipeline-absent"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no pipeline '{name}': `voxpop pipeline list` shows what there is")
        self.name = name


class ParameterInvalid(Invalid):
    """A parameter of a run cannot be taken as it was given."""

    code = "parameter-invalid"


class VolumeUnfit(Refused):
    """The volume does not hold what the pipeline needs."""

    code = "volume-unfit"


class StepFailed(Refused):
    """A step of a run ended badly.

    Parameters
    ----------
    exit_code : int or None
        None where the program could not be started, or did not write what the workflow expects.
    """

    code = "step-failed"

    def __init__(self, run: str, step: str, position: int, exit_code: int | None) -> None:
        how = "could not be carried out" if exit_code is None else f"ended with exit code {exit_code}"
        if exit_code == 0:
            how = "ended without an output that the workflow expects"
        super().__init__(
            f"run '{run}': step '{step}', execution {position}, {how}: "
            f"`voxpop run logs {run}` shows why, `voxpop run resume {run}` tries again from there"
        )
        self.run = run
        self.step = step
        self.position = position
        self.exit_code = exit_code


class LinkLeft(Refused):
    """A run left a link or a device among its outputs."""

    code = "link-left"

    def __init__(self, run: str, name: str) -> None:
        super().__init__(
            f"run '{run}' left '{name}' among its outputs, which is no plain file: let it write the file itself"
        )


class WorkflowUnfit(Refused):
    """The engine could not carry out the workflow at all."""

    code = "workflow-unfit"


class EngineBroken(Unavailable):
    """A run's process ended without a word."""

    code = "engine-broken"

    def __init__(self, run: str, exit_code: int) -> None:
        super().__init__(f"run '{run}' broke off with exit code {exit_code}: `voxpop run logs {run}` shows why")
        self.run = run
        self.exit_code = exit_code


class DiskFull(Unavailable):
    """There is no room left for what a run writes."""

    code = "disk-full"

    def __init__(self, run: str) -> None:
        super().__init__(f"run '{run}' stopped, the disk is full: make room, then `voxpop run resume {run}` goes on")
        self.run = run


class RunInterrupted(Unavailable):
    """A run's process was ended from outside."""

    code = "run-interrupted"

    def __init__(self, run: str) -> None:
        super().__init__(f"run '{run}' was interrupted: `voxpop run resume {run}` goes on where it was")
        self.run = run


class RunBusy(Unavailable):
    """Another process carries the run out."""

    code = "run-busy"

    def __init__(self, run: str) -> None:
        super().__init__(f"run '{run}' is being carried out by another process: wait for its end, or cancel it there")
        self.run = run


class RunStopped(Refused):
    """A run was cancelled while it ran."""

    code = "run-stopped"

    def __init__(self, run: str) -> None:
        super().__init__(f"run '{run}' was cancelled: start a new run if it is still wanted")
        self.run = run


class JobLost(Refused):
    """A queue lost one job of a run again and again."""

    code = "job-lost"

    def __init__(self, run: str, step: str, queue: str, times: int) -> None:
        super().__init__(
            f"run '{run}': queue '{queue}' lost a job of step '{step}' {times} times, and it is not tried again: "
            "look at the appliance's workers, then start the run again"
        )
        self.run = run
        self.step = step


class QueueSilent(Unavailable):
    """The queue of a run has not answered for a long time."""

    code = "queue-silent"

    def __init__(self, run: str, queue: str) -> None:
        super().__init__(
            f"run '{run}' waits for queue '{queue}', which does not answer: once it does, `voxpop run resume {run}` "
            "goes on where it was"
        )
        self.run = run


class JobUnfit(Refused):
    """What a run's own process wants from the queue is nothing that a queue can be asked."""

    code = "job-unfit"

    def __init__(self, run: str) -> None:
        super().__init__(
            f"run '{run}' was stopped, since it asked its queue for a job that can't be one: "
            "look at what the pipeline's tools write to the run's folder"
        )
        self.run = run


class RecordInvalid(Invalid):
    """A run's record can't be read."""

    code = "record-invalid"


class RecordAbsent(Absent):
    """A run has no record, since it has not ended well."""

    code = "record-absent"

    def __init__(self, run: str) -> None:
        super().__init__(f"run '{run}' has no record: only a run that is done has one")
        self.run = run


class NotRepeatable(Refused):
    """A run's pipeline or volume is no longer what it was."""

    code = "not-repeatable"
