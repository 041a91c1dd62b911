"""Runs a workflow's jobs, as many at a time as there are cores."""

import logging
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cwltool.context import RuntimeContext
from cwltool.errors import WorkflowException
from cwltool.executors import TMPDIR_LOCK, JobExecutor
from cwltool.job import JobBase
from cwltool.process import Process

from voxpop.backends.jobs.cwltool.spec import LOG, Spec
from voxpop.backends.jobs.cwltool.tools import MortalJob, QueuedJob
from voxpop.kernel.clock import SystemClock
from voxpop.kernel.units import MB_PER_GB

_MIB_PER_GB = 1024
_AHEAD = 2
_MOST_AT_ONCE = 512  # each has a thread


class RecordingExecutor(JobExecutor):
    """Starts each job when its cores and memory are free, in the order of the workflow.

    With a queue, twice as many are handed over as its workers can do at one time, so that none of them waits for us.

    cwltool's own parallel executor loses records, and may wait three seconds for a job that has ended already.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.refusals: list[str] = []
        self._owner = "a worker of the queue" if spec.queue else "the run"
        self._cores = spec.each_cores
        self._ram_mib = spec.each_memory_gb * (MB_PER_GB if spec.queue else _MIB_PER_GB)
        self._gpus = spec.each_gpus
        ahead = _AHEAD if spec.queue else 1
        self._free_cores = spec.cores * ahead
        self._free_ram_mib = spec.memory_gb * _MIB_PER_GB * ahead
        self._most_at_once = min(self._free_cores, _MOST_AT_ONCE)
        self._running = 0
        self._broken: list[WorkflowException] = []

    def select_resources(self, request: dict[str, int | float], context: RuntimeContext) -> dict[str, int | float]:
        """Give a tool what it asks for, or refuse what the run does not have."""
        del context
        for kind, unit, given in (
            ("cores", "cores", self._cores),
            ("ram", "MiB of memory", self._ram_mib),
            ("cudaDeviceCount", "GPUs", self._gpus),
        ):
            asked = request.get(f"{kind}Min", 0)
            if asked > given:
                sentence = f"a tool asks for {asked:g} {unit}, {self._owner} has {given}"
                self.refusals.append(sentence)
                raise WorkflowException(sentence)
        return {
            "cores": min(math.ceil(request["coresMax"]), self._cores),
            "ram": min(math.ceil(request["ramMax"]), self._ram_mib),
            "tmpdirSize": math.ceil(request["tmpdirMin"]),
            "outdirSize": math.ceil(request["outdirMin"]),
            "cudaDeviceCount": math.ceil(request.get("cudaDeviceCountMin", 0)),
        }

    def run_jobs(
        self, process: Process, job_order_object: Any, logger: logging.Logger, runtime_context: RuntimeContext
    ) -> None:
        """Carry out all jobs of a process."""
        del logger
        changed = runtime_context.workflow_eval_lock
        assert changed is not None
        with ThreadPoolExecutor(max_workers=self._most_at_once) as pool, changed:
            for job in process.job(job_order_object, self.output_callback, runtime_context):
                if isinstance(job, JobBase):
                    self._start(job, pool, runtime_context, changed)
                elif job is not None:
                    job.run(runtime_context)
                elif self._running:
                    changed.wait()
                else:
                    break
                if self._broken:
                    break
            while self._running:
                changed.wait()
        if self._broken:
            raise self._broken[0]

    def _start(
        self, job: JobBase, pool: ThreadPoolExecutor, context: RuntimeContext, changed: threading.Condition
    ) -> None:
        cores, ram_mib = math.ceil(job.builder.resources["cores"]), math.ceil(job.builder.resources["ram"])
        while self._running and (cores > self._free_cores or ram_mib > self._free_ram_mib):
            changed.wait()
        self._free_cores -= cores
        self._free_ram_mib -= ram_mib
        self._running += 1
        pool.submit(self._carry_out, job, context, changed)

    def _carry_out(self, job: JobBase, context: RuntimeContext, changed: threading.Condition) -> None:
        try:
            self._run(job, context)
        except WorkflowException as broken:
            self._broken.append(broken)
        except Exception as broken:
            self._broken.append(WorkflowException(str(broken)))
        finally:
            with changed:
                self._free_cores += math.ceil(job.builder.resources["cores"])
                self._free_ram_mib += math.ceil(job.builder.resources["ram"])
                self._running -= 1
                changed.notify_all()

    def _run(self, job: JobBase, context: RuntimeContext) -> None:
        if not isinstance(job, MortalJob | QueuedJob):
            job.run(context, TMPDIR_LOCK)
            return
        own = context.copy()
        with (job.execution.folder / LOG).open("wb") as log:
            own.default_stdout = own.default_stderr = log
            job.execution.started_at = SystemClock().now()
            job.execution.cores = math.ceil(job.builder.resources["cores"])
            job.execution.memory_mb = math.ceil(job.builder.resources["ram"])
            job.run(own, TMPDIR_LOCK)
