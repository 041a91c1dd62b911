"""The first project from archive to report: the product, called with a configuration.

Every step is a use case that the command line has too; nothing here is known only to the demo but the phantoms and the
archive that serves them. A step that was done is kept, so a second call is quick, and one after a kill goes on.
"""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from voxpop.application.document import read_document, template
from voxpop.application.model import Application
from voxpop.application.states import ApplicationState
from voxpop.demo.archive import TestArchive
from voxpop.demo.hosting import ARCHIVE
from voxpop.demo.people import COMMITTEE, DATA_MANAGER, RESEARCHER, account_of, make_accounts
from voxpop.demo.population import Population, make_population
from voxpop.kernel.digests import Json, sha256_json
from voxpop.kernel.errors import Invalid
from voxpop.kernel.ids import ApplicationId, RunId, VolumeId
from voxpop.kernel.progress import Progress
from voxpop.run.compare import compare
from voxpop.run.model import Comparison, Run
from voxpop.run.states import RunState
from voxpop.volume.states import VolumeState
from voxpop.wiring.system import System
from voxpop.worker.runtime import Runtime, launched


class ArchiveDirAbsent(Invalid):
    """A folder to add to the demo's archive is not there."""

    code = "archive-dir-absent"

    def __init__(self, path: Path) -> None:
        super().__init__(f"'{path}' is no folder: name a folder of DICOM files with --archive-dir")


def check_folders(folders: Sequence[Path]) -> None:
    """Refuse a folder that is not there, before anything is made.

    Raises
    ------
    ArchiveDirAbsent
        Naming the first.
    """
    for folder in folders:
        if not folder.is_dir():
            raise ArchiveDirAbsent(folder)


_FOUR_WORKERS = ("  memory_gb: 32\n  gpus: 1\n", "  memory_gb: 8\n  gpus: 4\n  workers: {min: 0, max: 4}\n")
"""What the demo asks for instead, so that a site with a queue has something to add and to take away."""


@dataclass(slots=True)
class Demo:
    """What the demo made; ``answer`` is the contract of ``voxpop demo --json``."""

    application: ApplicationId
    volume: VolumeId
    run: RunId
    comparison: Comparison
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Story:
    """One telling of the demo.

    Parameters
    ----------
    system : System
    folders : sequence of Path
        Folders of DICOM files that are added to the archive.
    progress : Progress
    """

    system: System
    folders: Sequence[Path]
    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict)

    def tell(self) -> Demo:
        """Go the whole way.

        Raises
        ------
        VoxpopError
            If a link of the chain says no; what was finished is kept.
        """
        with self.system.work.held("demo"), ExitStack() as open_until_the_end:
            population = self._population()
            application = self._application()
            kept = self._sealed(application)
            if not kept:
                # Before durable work is launched: what a killed demo left goes on at once, and wants its archive.
                self._harvested(open_until_the_end.enter_context(self._archive(population)), population)
            runtime = open_until_the_end.enter_context(launched(self.system, self.progress))
            self._staged(runtime, application, kept=kept)
            run = self._run(runtime, application)
            comparison = self._repeat(runtime, run)
        volume = self.system.run_records.get(run.id).volume
        return Demo(application.id, volume, run.id, comparison, self.seconds)

    def _population(self) -> Population:
        with self._timed("population"):
            self.progress.start("population", 24)
            population = make_population(
                self.system.work.protected / "demo-population",
                workers=self.system.settings.workers,
                tick=self.progress.advance,
            )
        self.progress.finish(
            f"population    {'kept: ' if population.kept else ''}{population.patients} phantom patients, "
            f"{population.slices} CT slices, {population.files} files with identity planted in them"
        )
        return population

    def _application(self) -> Application:
        with self._timed("application"):
            application = self._written()
            service = self.system.applications
            make_accounts(self.system)
            self.system.projects.draft(application, account_of(self.system, RESEARCHER))
            if service.state(application.id) is ApplicationState.DRAFT:
                service.submit(application.id, RESEARCHER)
        return application

    def _archive(self, population: Population) -> TestArchive:
        return TestArchive([population.dicom, *self.folders], workdir=self.system.work.protected / "demo-archive")

    def _staged(self, runtime: Runtime, application: Application, *, kept: bool) -> None:
        """Decide, stage and deploy; kept where the volume is sealed already."""
        if not kept:
            self._decided(application)
        with self._timed("staging"):
            runtime.settle()
        self._tell_staged(application, kept=kept)

    def _harvested(self, archive: TestArchive, population: Population) -> None:
        with self._timed("harvest"):
            self.progress.start("harvest", 0)
            self.system.connect_archive(ARCHIVE, "dicomweb", {"url": archive.dicomweb_url}, DATA_MANAGER)
            self._keep_left_out(archive)
            found = self.system.harvest(ARCHIVE, DATA_MANAGER)
            self.system.load_clinical(population.clinical, DATA_MANAGER)
        left_out = len(archive.ingest.left_out)
        odd = ", ".join(f"{number} {kind}" for kind, number in found.odd.items())
        self.progress.finish(
            f"archive       {found.studies} studies, {found.series} series harvested by QIDO-RS"
            + (f"; odd answers: {odd}" if odd else "")
            + (f"; {left_out} files left out, listed in protected/demo-archive-left-out.json" if left_out else "")
        )

    def _keep_left_out(self, archive: TestArchive) -> None:
        """List the files that are no DICOM instances; their names may be identity, so the list is protected."""
        listed = [{"file": str(one.path), "reason": one.reason} for one in archive.ingest.left_out]
        target = self.system.work.protected / "demo-archive-left-out.json"
        target.write_text(json.dumps(listed, indent=1))

    def _decided(self, application: Application) -> None:
        service = self.system.applications
        if service.state(application.id) is ApplicationState.SUBMITTED:
            service.take_up(application.id, COMMITTEE)
        if service.state(application.id) is not ApplicationState.IN_REVIEW:
            return
        sheet = service.review_sheet(application.id)
        groups = ", ".join(f"{one.group} {'<10' if one.available is None else one.available}" for one in sheet.groups)
        service.approve(application.id, COMMITTEE, "purpose, counts and cost are sound; ethics reference seen")
        self.progress.finish(
            f"application   '{application.id}' approved by {COMMITTEE}: {groups}; "
            f"{sheet.cost.money:,.2f} {sheet.cost.currency}"
        )

    def _run(self, runtime: Runtime, application: Application) -> Run:
        runs = self.system.run_records.of_application(application.id)
        done = next((one for one in runs if one.state is RunState.DONE and one.repeats is None), None)
        kept = "kept: " if done else ""
        with self._timed("run"):
            run = done or self.system.durable_work.start_run(application.id, None, RESEARCHER)
            if not done:
                self.progress.start("run", self._steps(run))
                runtime.execute(run.id)
        steps = len(self.system.runs.record(run.id).steps)
        self.progress.finish(f"run           {kept}{run.pipeline} in {steps} recorded steps, {run.id}")
        with self._timed("report"):
            runtime.settle()
        self.progress.finish(f"report        {kept}{self.system.reporting.pdf(run.id).name} and the research object")
        return run

    def _repeat(self, runtime: Runtime, run: Run) -> Comparison:
        runs = self.system.run_records.of_application(run.application)
        again = next((one for one in runs if one.repeats == run.id and one.state is RunState.DONE), None)
        with self._timed("repeat"):
            if again is None:
                self.progress.start("repeat", len(self.system.runs.record(run.id).steps))
                comparison = runtime.repeat(run.id)
            else:
                comparison = compare(self.system.runs.record(run.id), self.system.runs.record(again.id))
        verdict = "identical, byte for byte" if comparison.identical else "NOT identical"
        kept = "kept: " if again else ""
        self.progress.finish(f"repeat        {kept}{comparison.steps} steps {verdict}")
        return comparison

    def _steps(self, run: Run) -> int:
        """Say how many executions to expect: one scan goes through two tools, then the group step."""
        volume = self.system.volumes.get(run.volume)
        return 2 * len(list(volume.path.glob("sub-*/**/*_ct.nii.gz"))) + 1

    def _sealed(self, application: Application) -> bool:
        volumes = self.system.volumes.of_application(application.id)
        return any(volume.state is VolumeState.SEALED for volume in volumes)

    def _tell_staged(self, application: Application, *, kept: bool) -> None:
        volume = self.system.volumes.of_application(application.id)[-1]
        fates = self.system.projects.fates(volume.id)
        told = ", ".join(f"{number} {fate}" for fate, number in fates.items())
        mark = "kept: " if kept else ""
        self.progress.finish(f"volume        {mark}{volume.id} sealed, {volume.files} files; studies: {told}")
        appliance, deployment = self.system.appliances.newest(application.id)
        self.progress.finish(
            f"appliance     {mark}{appliance.id} on site {appliance.site}, sandbox "
            f"{deployment.sandbox}; asked and not given: {len(deployment.not_given)}"
        )

    def _written(self) -> Application:
        text = template().replace(*_FOUR_WORKERS)
        if self.folders:
            # Another archive is another question: it gets an application of its own beside the first.
            mark = sha256_json([str(folder.resolve()) for folder in sorted(self.folders)])[:6]
            text = text.replace("name: bone-density", f"name: bone-density-{mark}", 1)
        return read_document(text, "application.yaml")

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = round(self.seconds.get(stage, 0.0) + time.perf_counter() - begun, 2)


def answer(system: System, demo: Demo) -> dict[str, Json]:
    """Return the one object of ``voxpop demo --json``."""
    volume = system.volumes.get(demo.volume)
    fates = system.projects.fates(volume.id)
    appliance, _ = system.appliances.newest(demo.application)
    seconds: dict[str, Json] = dict(demo.seconds)
    return {
        "application": demo.application,
        "volume": {
            "id": volume.id,
            "path": str(volume.path),
            "subjects": len(list(volume.path.glob("sub-*"))),
            "series": len(list(volume.path.glob("sub-*/**/*.nii.gz"))),
            "refused": fates.get("refused", 0),
        },
        "appliance": appliance.id,
        "run": {"id": demo.run, "state": system.run_records.get(demo.run).state.value},
        "report": str(system.reporting.pdf(demo.run)),
        "crate": str(system.reporting.crate(demo.run)),
        "repeat": {"identical": demo.comparison.identical},
        "measurements": system.reporting.measurements(demo.run),
        "seconds": seconds,
    }
